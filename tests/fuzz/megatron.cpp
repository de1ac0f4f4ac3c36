#include <cstddef>
#include <cstdint>
#include <fuzz/fuzz.hpp>
#include <midtrain/data/megatron_tokens.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    // The first byte says how many of the others are the index.
    std::size_t const n = size == 0 ? 0 : data[0] < size ? data[0] : size - 1;
    fuzz::file const  index(data + (size > 0), n, "pair.idx"), tokens(data + (size > 0) + n, size > 0 ? size - 1 - n : 0, "pair.bin");
    return fuzz::take_or_refuse([&] {
        mt::data::megatron_tokens const file(tokens.path());
        std::int64_t                    sum = 0;
        for (std::int64_t d = 0; d < file.documents(); ++d) {
            auto const document = file.document(d);
            for (std::size_t i = 0; i < document.size(); ++i) sum += document[i];
        }
    });
}
