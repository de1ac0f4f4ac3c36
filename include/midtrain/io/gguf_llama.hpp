#pragma once
#include <span>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_config.hpp>
#include <midtrain/io/gguf_weights.hpp>

namespace midtrain::inline MT_ABI::io {

/// A Llama with plain positions in a .gguf file, asked for in Hugging Face's names: a gguf_weights that also says the decoder's numbers.
/// The file must outlive it.
class gguf_llama {
  public:
    explicit gguf_llama(gguf const& file) : shape_(read_gguf_config(file)), weights_(file) {
        auto const only = [&](bool condition, char const* what) {
            check(condition, [&] { return file.path() + ": " + what; });
        };
        only(shape_.family == hf_family::llama, "its architecture is not 'llama'");
        only(shape_.rotary.type == "default", "it stretches its positions, which a shape cannot say");
    }

    hf_config const& shape() const { return shape_; }

    /// Copies the tensor of that name of transformers' LlamaForCausalLM as rows x columns floats.
    void operator()(std::string_view name, index_t rows, index_t columns, std::span<float> to) const { weights_(name, rows, columns, to); }

  private:
    hf_config    shape_;
    gguf_weights weights_;
};

}  // namespace midtrain::inline MT_ABI::io
