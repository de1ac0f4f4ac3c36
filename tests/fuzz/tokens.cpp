#include <cstddef>
#include <cstdint>
#include <fuzz/fuzz.hpp>
#include <midtrain/data/any_tokens.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    // llm.c's and NumPy's by their first bytes, all others as tokens without a header.
    fuzz::file const bytes(data, size, "tokens.npy");
    return fuzz::take_or_refuse([&] {
        auto const   file = mt::data::open_tokens(bytes.path());
        std::int64_t sum  = 0;
        for (std::int64_t d = 0; d < file.documents(); ++d) {
            auto const tokens = file.document(d);
            for (std::size_t i = 0; i < tokens.size(); ++i) sum += tokens[i];
        }
    });
}
