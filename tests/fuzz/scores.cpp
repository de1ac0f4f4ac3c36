#include <cstddef>
#include <cstdint>
#include <fuzz/fuzz.hpp>
#include <midtrain/data/document_scores.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::file const bytes(data, size);
    return fuzz::take_or_refuse([&] {
        mt::data::document_scores const file(bytes.path());
        double                          sum = 0;
        for (std::int64_t d = 0; d < file.documents(); ++d) sum += file[d];
    });
}
