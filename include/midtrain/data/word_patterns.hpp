#pragma once
#include <string>
#include <string_view>
#include <midtrain/data/byte_level_bpe.hpp>

namespace midtrain::inline MT_ABI::data {

/// How published tokenizers cut words, as their tokenizer.json has it.
inline constexpr std::string_view gpt2_pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view qwen2_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// What a name in a GGUF's `tokenizer.ggml.pre` says of how words are cut (llama-vocab.cpp); false if the name is not known.
inline bool set_gguf_words(std::string_view name, bpe_parts& parts) {
    bool const llama3 = name == "llama-bpe", qwen2 = name == "qwen2", digits = name == "smollm" || name == "starcoder";
    if (!llama3 && !qwen2 && !digits && name != "gpt-2") return false;
    parts.single_digits     = digits;
    parts.whole_words_first = llama3;
    parts.composed          = qwen2;
    parts.pattern           = llama3 ? llama3_pattern : qwen2 ? qwen2_pattern : std::string_view();
    return true;
}

/// The name that says how these parts cut words, or nothing where no name does.
inline std::string_view gguf_words(bpe_parts const& parts) {
    for (std::string_view name : {"gpt-2", "smollm", "llama-bpe", "qwen2"}) {
        bpe_parts said;
        set_gguf_words(name, said);
        if (said.single_digits == parts.single_digits && said.whole_words_first == parts.whole_words_first &&
            said.composed == parts.composed && said.pattern == parts.pattern)
            return name;
    }
    return {};
}

}  // namespace midtrain::inline MT_ABI::data
