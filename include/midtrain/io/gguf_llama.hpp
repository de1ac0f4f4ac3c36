#pragma once
#include <charconv>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_weights.hpp>

namespace midtrain::inline MT_ABI::io {

/// The numbers of a decoder as a file says them; fields are named as in decoder_shape.
struct gguf_shape {
    int    layers = 0, width = 0, heads = 0, kv_heads = 0, ffn = 0, vocab = 0;
    int    context = 0, end_token = 0, head_size = 0, window = 0;
    bool   tied = true, qkv_bias = false, out_bias = false, qk_norm = false;
    double norm_epsilon = 1e-5, rope_base = 10'000, deviation = 0.02;
};

/// A Llama in a .gguf file, asked for in Hugging Face's names: a gguf_weights that also says the decoder's numbers. The file must
/// outlive it.
class gguf_llama {
  public:
    explicit gguf_llama(gguf const& file) : shape_(read_shape(file)), weights_(file) {}

    gguf_shape const& shape() const { return shape_; }

    /// Copies the tensor of that name of transformers' LlamaForCausalLM as rows x columns floats.
    void operator()(std::string_view name, index_t rows, index_t columns, std::span<float> to) const { weights_(name, rows, columns, to); }

  private:
    static int number(gguf const& file, std::string const& key) {
        auto const n = file.get<std::int64_t>(key);
        check(n > 0 && n <= std::numeric_limits<int>::max(),
              [&] { return file.path() + ": metadata '" + key + "' is " + std::to_string(n); });
        return static_cast<int>(n);
    }
    // Files hold 32-bit floats: the double with the same shortest decimals, so that 1e-5 stays 1e-5.
    static double decimal(double x) {
        char       text[32];
        auto const end = std::to_chars(text, text + sizeof text, static_cast<float>(x)).ptr;
        std::from_chars(text, end, x);
        return x;
    }
    static gguf_shape read_shape(gguf const& file) {
        auto const only = [&](bool condition, std::string const& what) {
            check(condition, [&] { return file.path() + ": " + what; });
        };
        auto const architecture = file.get<std::string_view>("general.architecture");
        only(architecture == "llama", "its architecture is '" + std::string(architecture) + "', not 'llama'");
        gguf_shape s;
        s.layers       = number(file, "llama.block_count");
        s.width        = number(file, "llama.embedding_length");
        s.heads        = number(file, "llama.attention.head_count");
        s.kv_heads     = file.find("llama.attention.head_count_kv") ? number(file, "llama.attention.head_count_kv") : s.heads;
        s.ffn          = number(file, "llama.feed_forward_length");
        s.context      = number(file, "llama.context_length");
        s.norm_epsilon = decimal(file.get<double>("llama.attention.layer_norm_rms_epsilon"));
        if (file.find("llama.rope.freq_base")) s.rope_base = decimal(file.get<double>("llama.rope.freq_base"));
        auto const& table = file.at("token_embd.weight").shape;
        only(table.size() == 2 && table[1] == s.width && table[0] <= std::numeric_limits<int>::max(),
             "tensor 'token_embd.weight' is no table of rows as wide as the model");
        s.vocab = static_cast<int>(table[0]);
        s.tied  = !file.tensors().contains("output.weight");
        auto const end = file.find("tokenizer.ggml.eos_token_id") ? file.get<std::int64_t>("tokenizer.ggml.eos_token_id") : 0;
        only(end >= 0 && end < s.vocab, "its end token is not in the vocabulary");
        s.end_token = static_cast<int>(end);
        only(s.width % s.heads == 0 && s.heads % s.kv_heads == 0, "its heads do not divide its width, or its kv heads its heads");
        for (char const* key : {"llama.attention.key_length", "llama.attention.value_length", "llama.rope.dimension_count"})
            only(!file.find(key) || number(file, key) == s.width / s.heads, "metadata '" + std::string(key) + "' is not width / heads");
        auto const scaling = file.find("llama.rope.scaling.type");
        bool const plain   = !scaling || (scaling->as<std::string_view>() && *scaling->as<std::string_view>() == "none");
        only(plain && !file.tensors().contains("rope_freqs.weight"), "it stretches its positions, which a shape cannot say");
        only(!file.find("llama.expert_count") || file.get<std::int64_t>("llama.expert_count") == 0, "it has experts");
        return s;
    }

    gguf_shape   shape_;
    gguf_weights weights_;
};

}  // namespace midtrain::inline MT_ABI::io
