#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::data {

/// What a file of tokens from elsewhere does not say itself.
struct token_options {
    std::int32_t  end_token   = -1;  ///< stands between documents, or at their ends; -1: none does
    std::int64_t  vocabulary  = 0;   ///< every token must be below; 0: one more than the largest token
    std::uint32_t token_bytes = 0;   ///< of files without a header, 2 or 4; 0: 2, or 4 where the vocabulary needs it
};

namespace detail {

/// Calls `visit(place, token)` for each token and returns the size of the vocabulary; a token outside is named with its place.
template <class T, class Visit>
std::int64_t scan_tokens(std::span<std::byte const> bytes, std::int64_t vocabulary, std::string const& path, Visit const& visit) {
    std::int64_t const most    = vocabulary > 0 ? vocabulary - 1 : 0x7fff'ffff;
    std::int64_t       largest = -1;
    for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
        T read;
        std::memcpy(&read, bytes.data() + i * sizeof(T), sizeof(T));
        auto const t = static_cast<std::int64_t>(read);
        check(t >= 0 && t <= most, [&] {
            return path + ": token " + std::to_string(i) + " is " + std::to_string(t) + ", " +
                   (vocabulary > 0 ? "outside the vocabulary of " + std::to_string(vocabulary) : "which is no token");
        });
        largest = t > largest ? t : largest;
        visit(i, t);
    }
    return vocabulary > 0 ? vocabulary : largest + 1;
}

}  // namespace detail
}  // namespace midtrain::inline MT_ABI::data
