#include <cstddef>
#include <cstdint>
#include <vector>
#include <fuzz/fuzz.hpp>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_config.hpp>
#include <midtrain/io/gguf_weights.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::file const bytes(data, size);
    return fuzz::take_or_refuse([&] {
        mt::io::gguf const file(bytes.path());
        for (auto const& [name, t] : file.tensors()) {
            if (t.shape.size() > 2 || t.bytes.empty()) continue;
            auto const         rows = t.shape.size() == 2 ? t.shape[0] : 1, columns = t.shape.back();
            std::vector<float> to(static_cast<std::size_t>(rows * columns));
            file(name, rows, columns, to);
        }
        fuzz::take_or_refuse([&] { mt::data::read_tokenizer(file); });
        fuzz::take_or_refuse([&] { mt::data::read_tokenizer_notes(file); });
        fuzz::take_or_refuse([&] { mt::io::read_gguf_config(file); });
        mt::io::gguf_weights const weights(file);
        for (auto const& [name, shape] : weights.shapes()) {
            if (shape.size() > 2) continue;
            auto const         rows = shape.size() == 2 ? shape[0] : 1, columns = shape.back();
            if (rows * columns > 1 << 20) continue;
            std::vector<float> to(static_cast<std::size_t>(rows * columns));
            fuzz::take_or_refuse([&, &name = name] { weights(name, rows, columns, to); });
        }
    });
}
