#include <cstddef>
#include <cstdint>
#include <span>
#include <fuzz/fuzz.hpp>
#include <midtrain/io/pickle.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    return fuzz::take_or_refuse([&] { mt::io::pickle(std::as_bytes(std::span(data, size)), "bytes"); });
}
