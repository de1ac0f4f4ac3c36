#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI::data {

/// A document of a file of tokens: points into the file. Little-endian whole numbers of 1, 2, 4 or 8 bytes, all from 0 to 2^31 - 1.
struct token_range {
    std::byte const* data;
    std::size_t      count;
    std::uint32_t    token_bytes;
    std::byte const* mask       = nullptr;  ///< a bit a token of the whole file, lowest bit first; none: the loss counts every token
    std::uint64_t    mask_first = 0;        ///< the bit of this document's first token

    std::size_t  size() const { return count; }
    std::int32_t operator[](std::size_t i) const {
        auto const    from = data + i * token_bytes;
        std::uint32_t t    = 0;
        switch (token_bytes) {
            case 1: std::memcpy(&t, from, 1); break;
            case 2: std::memcpy(&t, from, 2); break;
            default: std::memcpy(&t, from, 4);
        }
        return static_cast<std::int32_t>(t);
    }
    /// Whether the loss counts token i as a target. i == size() asks for the end token behind the document: it goes with the last one.
    bool counts(std::size_t i) const {
        if (mask == nullptr || count == 0) return true;
        auto const bit = mask_first + (i < count ? i : count - 1);
        return (mask[bit / 8] >> bit % 8 & std::byte{1}) != std::byte{0};
    }
};

/// Whether the loss counts token i of any document, size() being the end token behind it: what the document says, if it says anything.
template <class Document>
bool is_counted(Document const& document, std::size_t i) {
    if constexpr (requires { document.counts(i); }) return document.counts(i);
    else return true;
}

}  // namespace midtrain::inline MT_ABI::data
