#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <fuzz/fuzz.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    return fuzz::take_or_refuse([&] {
        auto const value = mt::io::parse_json({reinterpret_cast<char const*>(data), size}, "bytes");
        // What is written of it is read again, as the same value.
        auto const text = mt::io::written(value);
        if (mt::io::written(mt::io::parse_json(text, "written")) != text) std::abort();
    });
}
