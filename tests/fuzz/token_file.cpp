#include <cstddef>
#include <cstdint>
#include <fuzz/fuzz.hpp>
#include <midtrain/data/token_file.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::file const bytes(data, size);
    return fuzz::take_or_refuse([&] {
        mt::data::token_file const file(bytes.path());
        std::int64_t               sum = 0;
        for (std::int64_t d = 0; d < file.documents(); ++d) {
            auto const tokens = file.document(d);
            for (std::size_t i = 0; i < tokens.size(); ++i) sum += tokens[i];
        }
        file.verify();
    });
}
