#include <cstddef>
#include <cstdint>
#include <vector>
#include <fuzz/fuzz.hpp>
#include <midtrain/io/torch_adamw.hpp>
#include <midtrain/io/torch_archive.hpp>
#include <midtrain/io/torch_file.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::file const bytes(data, size);
    fuzz::take_or_refuse([&] { mt::io::torch_adamw(bytes.path()); });
    return fuzz::take_or_refuse([&] {
        mt::io::torch_file const file(bytes.path());
        for (auto const& [name, t] : file.tensors()) {
            mt::index_t const  rows = t->shape.size() == 2 ? t->shape[0] : 1, columns = t->shape.empty() ? 1 : t->shape.back();
            if (rows * columns > 1 << 20) continue;
            std::vector<float> to(static_cast<std::size_t>(rows * columns));
            fuzz::take_or_refuse([&, &name = name] { file(name, rows, columns, to); });
        }
    });
}
