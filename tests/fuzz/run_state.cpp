#include <cstddef>
#include <cstdint>
#include <fuzz/fuzz.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/train/state_file.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::file const bytes(data, size);
    return fuzz::take_or_refuse([&] {
        mt::io::safetensors const file(bytes.path());
        fuzz::take_or_refuse([&] { mt::read_layout(file); });
        mt::read_state(file);
    });
}
