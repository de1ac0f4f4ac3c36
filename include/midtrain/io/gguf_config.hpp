#pragma once
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/hf_config.hpp>

namespace midtrain::inline MT_ABI::io {

namespace detail {

/// The numbers of a decoder in the metadata of a .gguf file.
class gguf_numbers {
  public:
    explicit gguf_numbers(gguf const& file) : file_(&file), front_(std::string(file.get<std::string_view>("general.architecture")) + ".") {}

    hf_config whole() const {
        auto const architecture = std::string_view(front_).substr(0, front_.size() - 1);
        auto const family       = hf_family_named(architecture);
        auto const is           = [&](hf_family f) { return family && *family == f; };
        require(is(hf_family::llama) || is(hf_family::gpt2) || is(hf_family::qwen2) || is(hf_family::qwen3),
                "its architecture is '" + std::string(architecture) + "'; known are llama, gpt2, qwen2 and qwen3");
        hf_config s{.path = file_->path(), .family = *family};
        bool const llama = is_llama(s.family);
        s.layers = number("block_count"), s.width = number("embedding_length"), s.heads = number("attention.head_count");
        s.kv_heads     = number("attention.head_count_kv", s.heads);
        s.ffn          = number("feed_forward_length");
        s.context      = number("context_length");
        s.norm_epsilon = decimal(file_->get<double>(key(llama ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon")));
        vocabulary(s);
        require(s.heads % s.kv_heads == 0, "its heads do not divide into its kv heads");
        require(!has("attention.sliding_window") || file_->get<std::int64_t>(key("attention.sliding_window")) == 0,
                "its attention slides, which is read from config.json only");
        require(!has("expert_count") || file_->get<std::int64_t>(key("expert_count")) == 0, "it has experts");
        require(has("attention.key_length") || s.width % s.heads == 0, "its heads do not divide its width");
        if (!llama) return s;
        s.head_size = number("attention.key_length", s.width / s.heads);
        for (char const* same : {"attention.value_length", "rope.dimension_count"})
            require(number(same, s.head_size) == s.head_size, "metadata '" + key(same) + "' is not the size of a head");
        s.qkv_bias = file_->tensors().contains("blk.0.attn_q.bias");
        s.qk_norm  = file_->tensors().contains("blk.0.attn_q_norm.weight");
        rotary(s);
        return s;
    }

  private:
    void require(bool condition, std::string const& what) const {
        check(condition, [&] { return file_->path() + ": " + what; });
    }
    std::string key(char const* name) const { return front_ + name; }
    bool        has(char const* name) const { return file_->find(key(name)) != nullptr; }
    int         number(char const* name) const {
        auto const n = file_->get<std::int64_t>(key(name));
        require(n > 0 && n <= std::numeric_limits<int>::max(), "metadata '" + key(name) + "' is " + std::to_string(n));
        return static_cast<int>(n);
    }
    int    number(char const* name, int absent) const { return has(name) ? number(name) : absent; }
    double real(char const* name, double absent) const { return has(name) ? decimal(file_->get<double>(key(name))) : absent; }
    // Files hold 32-bit floats: the double with the same shortest decimals, so that 1e-5 stays 1e-5.
    static double decimal(double x) {
        char       text[32];
        auto const end = std::to_chars(text, text + sizeof text, static_cast<float>(x)).ptr;
        std::from_chars(text, end, x);
        return x;
    }
    void vocabulary(hf_config& s) const {
        auto const& table = file_->at("token_embd.weight").shape;
        require(table.size() == 2 && table[1] == s.width && table[0] <= std::numeric_limits<int>::max(),
                "tensor 'token_embd.weight' is no table of rows as wide as the model");
        s.vocab        = static_cast<int>(table[0]);
        s.tied         = !file_->tensors().contains("output.weight");
        auto const end = file_->find("tokenizer.ggml.eos_token_id") ? file_->get<std::int64_t>("tokenizer.ggml.eos_token_id") : 0;
        require(end >= 0 && end < s.vocab, "its end token is not in the vocabulary");
        s.end_token = static_cast<int>(end);
    }
    // Linear and YaRN as llama.cpp names them; Llama 3's scaling is a table there, and not told back.
    void rotary(hf_config& s) const {
        s.rope_base = real("rope.freq_base", 10'000);
        s.rotary    = {.base = s.rope_base, .context = s.context};
        require(!file_->tensors().contains("rope_freqs.weight"),
                "it stretches its positions by a table, which is read from config.json only");
        auto const type = has("rope.scaling.type") ? std::string(file_->get<std::string_view>(key("rope.scaling.type"))) : "none";
        if (type == "none") return;
        require(type == "linear" || type == "yarn", "it stretches its positions by '" + type + "'; known are linear and yarn");
        s.rotary.type   = type;
        s.rotary.factor = real("rope.scaling.factor", 1);
        require(s.rotary.factor >= 1 && s.rotary.factor <= 1e6, "metadata '" + key("rope.scaling.factor") + "' is not between 1 and a million");
        if (type == "linear") return;
        s.rotary.trained = number("rope.scaling.original_context_length");
        s.rotary.fast    = real("rope.scaling.yarn_beta_fast", 32);
        s.rotary.slow    = real("rope.scaling.yarn_beta_slow", 1);
    }

    gguf const* file_;
    std::string front_;
};

}  // namespace detail

/// What a config.json would say of the model in a .gguf file: a llama, qwen2, qwen3 or gpt2.
inline hf_config read_gguf_config(gguf const& file) { return detail::gguf_numbers(file).whole(); }

}  // namespace midtrain::inline MT_ABI::io
