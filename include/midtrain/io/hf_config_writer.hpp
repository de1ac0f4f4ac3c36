#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>
#include <midtrain/io/hf_families.hpp>
#include <midtrain/io/hf_rotary.hpp>
#include <midtrain/io/hf_shape.hpp>
#include <midtrain/io/json.hpp>

namespace midtrain::inline MT_ABI::io {

/// Tokens with a meaning, as config.json and generation_config.json name them; what is not there is null.
struct hf_tokens {
    std::optional<int> begin{}, end{}, pad{};
};

namespace detail {

inline json token(std::optional<int> t) { return t ? number(*t) : json{nullptr}; }

}  // namespace detail

/// The config.json of a shape. `dtype`: float32, bfloat16. A gpt2 has learned positions and no use for `rotary`.
template <class Shape>
json hf_config_json(hf_family family, Shape const& s, hf_rotary const& rotary, hf_tokens const& tokens, std::string_view dtype) {
    auto const& words = words_of(family);
    check(words.write != nullptr, [&] { return "config.json: transformers has no model class for " + std::string(words.name); });
    hf_config const c = hf_config_of(s);
    json::object    o;
    o["architectures"]       = {json::array{json{std::string(words.architecture)}}};
    o["model_type"]          = {std::string(words.name)};
    o["dtype"]               = {std::string(dtype)};
    o["torch_dtype"]         = {std::string(dtype)};  // before transformers 5
    o["bos_token_id"]        = detail::token(tokens.begin);
    o["eos_token_id"]        = detail::token(tokens.end);
    o["pad_token_id"]        = detail::token(tokens.pad);
    o["initializer_range"]   = detail::number(c.deviation);
    o["tie_word_embeddings"] = {c.tied};
    o["use_cache"]           = {true};
    words.write(o, c, rotary);
    return {o};
}

/// The generation_config.json of a base model: where texts begin and end, and no taste of its own.
inline json hf_generation_json(hf_tokens const& tokens) {
    return {json::object{{"_from_model_config", {true}},
                         {"bos_token_id", detail::token(tokens.begin)},
                         {"eos_token_id", detail::token(tokens.end)},
                         {"pad_token_id", detail::token(tokens.pad)}}};
}

}  // namespace midtrain::inline MT_ABI::io
