#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI {

/// A name of at most 47 bytes that a constexpr value can own: it may come from the program's text or from a file.
class short_name {
  public:
    static constexpr std::size_t capacity = 47;

    constexpr short_name() = default;
    constexpr short_name(char const* text) : short_name(std::string_view(text)) {}
    constexpr short_name(std::string_view text) {
        if (text.size() > capacity) refuse(text);
        for (std::size_t i = 0; i < text.size(); ++i) text_[i] = text[i];
        size_ = static_cast<unsigned char>(text.size());
    }
    constexpr operator std::string_view() const { return {text_, size_}; }
    std::string           text() const { return std::string(text_, size_); }
    friend constexpr bool operator==(short_name const& a, short_name const& b) { return std::string_view(a) == std::string_view(b); }

  private:
    // Not constexpr: in a constant expression a name that is too long does not compile.
    [[noreturn]] static void refuse(std::string_view text) { throw error("the name '" + std::string(text) + "' has more than 47 bytes"); }

    char          text_[capacity] = {};
    unsigned char size_           = 0;
};

}  // namespace midtrain::inline MT_ABI
