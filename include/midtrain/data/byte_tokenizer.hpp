#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <midtrain/data/byte_level_bpe.hpp>

namespace midtrain::inline MT_ABI::data {

/// A tokenizer without merges: tokens 0 .. 255 are the bytes, 256 is the end token. For models that learn from nothing.
inline byte_level_bpe byte_tokenizer(std::string end = "<|endoftext|>") {
    bpe_parts parts;
    for (int b = 0; b < 256; ++b) parts.tokens.push_back(detail::byte_spellings.spelled(static_cast<std::uint8_t>(b)));
    parts.tokens.push_back(std::move(end));
    parts.added.push_back({256, true});
    return byte_level_bpe(std::move(parts));
}

}  // namespace midtrain::inline MT_ABI::data
