#include <cstddef>
#include <cstdint>
#include <vector>
#include <fuzz/fuzz.hpp>
#include <midtrain/io/safetensors.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::file const bytes(data, size);
    return fuzz::take_or_refuse([&] {
        mt::io::safetensors const file(bytes.path());
        for (auto const& [name, t] : file.tensors()) {
            std::vector<float> to(static_cast<std::size_t>(t.count()));
            file(name, t.shape.size() == 2 ? t.shape[0] : t.count(), t.shape.size() == 2 ? t.shape[1] : 1, to);
        }
    });
}
