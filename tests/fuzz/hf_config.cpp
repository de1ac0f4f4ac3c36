#include <cstddef>
#include <cstdint>
#include <fuzz/fuzz.hpp>
#include <midtrain/io/hf_config.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::file const bytes(data, size);
    return fuzz::take_or_refuse([&] { mt::io::read_hf_config(bytes.path()); });
}
