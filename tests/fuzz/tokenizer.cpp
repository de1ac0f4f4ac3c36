#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <fuzz/fuzz.hpp>
#include <midtrain/data/tokenizer_files.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::file const bytes(data, size);
    return fuzz::take_or_refuse([&] {
        auto const tokenizer = mt::data::read_tokenizer(bytes.path());
        for (auto const id : tokenizer.encode({reinterpret_cast<char const*>(data), size < 4096 ? size : 4096}))
            if (id < 0 || static_cast<std::size_t>(id) >= tokenizer.size()) std::abort();
    });
}
