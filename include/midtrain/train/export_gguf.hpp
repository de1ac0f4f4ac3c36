#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/data/byte_level_bpe.hpp>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/data/word_patterns.hpp>
#include <midtrain/io/gguf_names.hpp>
#include <midtrain/io/gguf_writer.hpp>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/hf_rotary.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/problem/layer_kind.hpp>
#include <midtrain/problem/parameters.hpp>
#include <midtrain/train/export.hpp>

namespace midtrain::inline MT_ABI {

struct gguf_options {
    io::gguf_type               weights   = io::gguf_type::f16;  ///< of matrices; norms, biases and learned positions stay F32
    data::byte_level_bpe const* tokenizer = nullptr;             ///< none: llama.cpp can run the file on token ids only
    data::tokenizer_notes       notes{};                         ///< an end token that is not noted is the shape's
};

namespace detail {

inline std::string gguf_architecture(io::hf_family family) {
    switch (family) {
        case io::hf_family::qwen2: return "qwen2";
        case io::hf_family::qwen3: return "qwen3";
        case io::hf_family::gpt2: return "gpt2";
        case io::hf_family::llama:
        case io::hf_family::mistral:
        case io::hf_family::smollm3: return "llama";
        default: break;
    }
    check(false, [&] { return "GGUF: midtrain writes no " + std::string(io::words_of(family).name) + " for llama.cpp; known are llama, gpt2, qwen2 and qwen3"; });
    return {};
}

/// general.file_type, as llama.cpp's llama_ftype numbers it.
constexpr std::uint32_t gguf_file_type(io::gguf_type t) {
    return t == io::gguf_type::f32 ? 0 : t == io::gguf_type::f16 ? 1 : t == io::gguf_type::q8_0 ? 7 : 32;
}

template <class Shape>
void set_gguf_shape(io::gguf_writer& file, std::string const& architecture, Shape const& s, std::int64_t context) {
    auto const number = [&](char const* key, std::int64_t n) { file.set(architecture + "." + key, static_cast<std::uint32_t>(n)); };
    number("vocab_size", s.vocab);
    number("context_length", context);
    number("embedding_length", s.width);
    number("block_count", s.layers);
    number("feed_forward_length", s.ffn);
    number("attention.head_count", s.heads);
    bool const gpt2 = architecture == "gpt2";
    number("attention.head_count_kv", gpt2 ? s.heads : s.kv_heads);
    file.set(architecture + (gpt2 ? ".attention.layer_norm_epsilon" : ".attention.layer_norm_rms_epsilon"),
             static_cast<float>(s.norm_epsilon));
    if (gpt2) return;
    auto const head = head_size_of(s);
    number("rope.dimension_count", head);
    if (head * s.heads == s.width) return;
    number("attention.key_length", head);
    number("attention.value_length", head);
}

/// How positions are stretched, in llama.cpp's words. llama3 needs none: it is a tensor, rope_freqs.
inline void set_gguf_rotary(io::gguf_writer& file, std::string const& architecture, io::hf_rotary const& r) {
    auto const key = architecture + ".rope.";
    file.set(key + "freq_base", static_cast<float>(r.base));
    if (r.type == "default" || r.type == "llama3") return;
    file.set(key + "scaling.type", std::string_view(r.type));
    file.set(key + "scaling.factor", static_cast<float>(r.factor));
    if (r.type != "yarn") return;
    file.set(key + "scaling.original_context_length", static_cast<std::uint32_t>(r.trained));
    file.set(key + "scaling.yarn_beta_fast", static_cast<float>(r.fast));
    file.set(key + "scaling.yarn_beta_slow", static_cast<float>(r.slow));
}

/// The vocabulary, filled up to the model's with tokens that are never used, as llama.cpp's converter does.
inline void set_gguf_tokenizer(io::gguf_writer& file, data::byte_level_bpe const& tokenizer, std::size_t vocab) {
    auto const&               parts  = tokenizer.parts();
    auto const                words  = data::gguf_words(parts);
    std::vector<std::string>  tokens = parts.tokens, merges;
    std::vector<std::int32_t> types(tokens.size(), 1);
    for (auto const& a : parts.added) types[static_cast<std::size_t>(a.id)] = a.special ? 3 : 4;  // control, user defined
    while (tokens.size() < vocab) tokens.push_back("[PAD" + std::to_string(tokens.size()) + "]");
    types.resize(vocab, 5);
    for (auto const& [left, right] : parts.merges) merges.push_back(left + " " + right);
    file.set("tokenizer.ggml.model", "gpt2");
    file.set("tokenizer.ggml.pre", words);
    file.set("tokenizer.ggml.tokens", tokens);
    file.set("tokenizer.ggml.token_type", types);
    file.set("tokenizer.ggml.merges", merges);
}
inline void set_gguf_notes(io::gguf_writer& file, data::tokenizer_notes const& notes, int end_token) {
    auto const id = [&](char const* key, std::int32_t t) {
        if (t >= 0) file.set(std::string("tokenizer.ggml.") + key + "_token_id", static_cast<std::uint32_t>(t));
    };
    id("bos", notes.begin);
    id("eos", notes.end < 0 ? end_token : notes.end);
    id("padding", notes.padding);
    id("unknown", notes.unknown);
    file.set("tokenizer.ggml.add_bos_token", false);
    if (!notes.chat_template.empty()) file.set("tokenizer.chat_template", notes.chat_template);
}

/// A model's tensors on their way into a GGUF: names, types, and rows in the order of that format.
template <class Model>
class gguf_tensors {
  public:
    gguf_tensors(Model& model, std::string architecture, io::gguf_type weights)
        : model_(&model), architecture_(std::move(architecture)), weights_(weights) {}

    void declare(io::gguf_writer& file) const {
        each([&](parameter_info const& e, parameter_part const& p, std::string const& name) {
            bool const row = e.role == role::norm || e.role == role::bias;
            file.declare(name, type_of(e, name),
                         row ? std::vector<std::int64_t>{p.rows * e.columns} : std::vector<std::int64_t>{p.rows, e.columns});
        });
    }
    void add(io::gguf_writer& file) const {
        each([&](parameter_info const& e, parameter_part p, std::string const& name) {
            p.transposed = false;  // GGUF keeps (outputs, inputs) always
            auto const values = model_->part(row_view<typename Model::master_t const>(model_->master()), e, p);
            auto const floats = in_order(exported<float>(values, p.name), e.columns, name);
            file.add(name, io::gguf_bytes(floats, type_of(e, name)));
        });
    }

  private:
    template <class F>
    void each(F const& f) const {
        for (auto const& e : model_->parameters().entries())
            for (auto const& p : e.parts) {
                auto const name = io::gguf_name(p.name, architecture_);
                check(!name.empty(), [&] { return "'" + p.name + "' has no name in a GGUF of a " + architecture_; });
                f(e, p, name);
            }
    }
    io::gguf_type type_of(parameter_info const& e, std::string const& name) const {
        if (e.role == role::norm || e.role == role::bias || name == "position_embd.weight") return io::gguf_type::f32;
        bool const blocks = weights_ == io::gguf_type::q8_0;
        return blocks && e.columns % 32 != 0 ? io::gguf_type::f16 : weights_;  // as llama.cpp's converter
    }
    std::vector<float> in_order(std::vector<float> rows, index_t columns, std::string const& name) const {
        if (architecture_ != "llama" || !(name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight"))) return rows;
        std::vector<float> turned(rows.size());
        index_t const      size = head_size_of(model_->shape());
        for (index_t r = 0; r < std::ssize(rows) / columns; ++r)
            std::copy_n(rows.begin() + io::hf_row_of(r, size) * columns, columns, turned.begin() + r * columns);
        return turned;
    }

    Model*        model_;
    std::string   architecture_;
    io::gguf_type weights_;
};

/// What llama.cpp's own rope does. Llama 3's bands are a table there; YaRN has its own temperature and rounded ends.
inline void check_gguf_rotary(std::string const& path, io::hf_rotary const& r) {
    bool const known = r.type == "default" || r.type == "linear" || r.type == "llama3" || r.type == "yarn";
    check(known && r.part == 1, [&] { return path + ": a GGUF has no words for positions of type " + r.type + (r.part == 1 ? "" : " on a part of the head"); });
    check(r.type != "yarn" || (r.truncate && io::nearly(io::hf_attention_factor(r), position::yarn_heat_of(r.factor))),
          [&] { return path + ": llama.cpp's YaRN has the temperature 0.1 ln(factor) + 1 and a ramp with rounded ends, and no other"; });
}

/// rope_freqs: by how much llama.cpp divides each plain frequency.
template <class Policy>
std::vector<float> gguf_frequency_factors(Policy const& policy, double base, index_t head, index_t context) {
    std::vector<float> factors;
    for (index_t i = 0; i < head / 2; ++i) {
        double const plain = std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(head));
        factors.push_back(static_cast<float>(plain / policy.inverse_frequency(i, head, context)));
    }
    return factors;
}

}  // namespace detail

/// Writes a .gguf file that llama.cpp runs: the master weights rounded once, the shape, the positions that the policy says, and the
/// tokenizer if there is one. What bears the name is whole or as it was before.
template <class Model, class Policy>
void export_gguf(Model& model, std::string const& path, Policy const& positions, gguf_options const& how = {}) {
    auto const&       s            = model.shape();
    static_assert(scores_stay<std::remove_cvref_t<decltype(s)>>,
                  "midtrain: llama.cpp knows no architecture of ours that does what this shape's scores(n) does to attention");
    auto const        architecture = detail::gguf_architecture(detail::hf_family_of(model));
    bool const        gpt2         = architecture == "gpt2";
    index_t const     head         = head_size_of(s);
    auto const        rotary       = io::hf_rotary_of(positions, head);
    auto const        words        = how.tokenizer ? how.tokenizer->size() : 0;
    check(words <= static_cast<std::size_t>(s.vocab), [&] {
        return path + ": the tokenizer has " + std::to_string(words) + " tokens where the model has " + std::to_string(s.vocab);
    });
    check(words == 0 || !data::gguf_words(how.tokenizer->parts()).empty(),
          [&] { return path + ": GGUF has no name for how this tokenizer cuts words; known are gpt-2, smollm, llama-bpe and qwen2"; });
    check(layers_alike(s) && (gpt2 || layer_of(s, 0).how == positions::rotary),
          [&] { return path + ": llama.cpp knows no " + architecture + " whose layers differ"; });
    check(widest_window(s) == 0 || gpt2, [&] { return path + ": llama.cpp has no sliding window for a " + architecture; });
    check(architecture != "llama" || !s.qkv_bias, [&] { return path + ": a llama with biases on q and k is not known in GGUF"; });
    if (!gpt2) detail::check_gguf_rotary(path, rotary);
    io::gguf_writer file(path);
    file.set("general.architecture", architecture);
    file.set("general.file_type", detail::gguf_file_type(how.weights));
    if (how.weights == io::gguf_type::q8_0) file.set("general.quantization_version", std::uint32_t{2});
    detail::set_gguf_shape(file, architecture, s, gpt2 ? s.context : rotary.context);
    if (!gpt2) detail::set_gguf_rotary(file, architecture, rotary);
    if (how.tokenizer) {
        detail::set_gguf_tokenizer(file, *how.tokenizer, static_cast<std::size_t>(s.vocab));
        detail::set_gguf_notes(file, how.notes, s.end_token);
    } else
        file.set("tokenizer.ggml.model", "none");
    detail::gguf_tensors const tensors(model, architecture, how.weights);
    bool const                 factors = !gpt2 && rotary.type == "llama3";
    if (factors) file.declare("rope_freqs.weight", io::gguf_type::f32, {head / 2});
    tensors.declare(file);
    if (factors)
        file.add("rope_freqs.weight",
                 io::gguf_bytes(detail::gguf_frequency_factors(positions, rotary.base, head, rotary.context), io::gguf_type::f32));
    tensors.add(file);
    file.finish();
}

}  // namespace midtrain::inline MT_ABI
