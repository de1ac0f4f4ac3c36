#pragma once
#include <charconv>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::io {

/// One JSON value. Objects keep their keys sorted; numbers are doubles, exact for integers below 2^53.
struct json {
    using array  = std::vector<json>;
    using object = std::map<std::string, json, std::less<>>;
    std::variant<std::nullptr_t, bool, double, std::string, array, object> value;
    bool with_point = false;  ///< a number that is written with a point also where it is whole: some readers tell 3.0 from 3

    /// The member of an object, or nullptr.
    json const* find(std::string_view key) const {
        auto const o = std::get_if<object>(&value);
        if (!o) return nullptr;
        auto const at = o->find(key);
        return at == o->end() ? nullptr : &at->second;
    }
    template <class T>
    T const* as() const {
        return std::get_if<T>(&value);
    }
};

namespace detail {

/// Strict RFC 8259 but for Infinity, which Python writes; depth at most 64. `where` names the text in errors.
class json_reader {
  public:
    json_reader(std::string_view text, std::string_view where) : text_(text), where_(where) {}

    json whole() {
        json v = read(0);
        space();
        require(at_ == text_.size(), "something follows the value");
        return v;
    }

  private:
    void require(bool condition, char const* what) const {
        check(condition, [&] { return std::string(where_) + ": JSON, byte " + std::to_string(at_) + ": " + what; });
    }
    void space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }

    json read(int depth) {
        require(depth < 64, "nested too deeply");
        space();
        switch (peek()) {
            case '{': return members(depth);
            case '[': return elements(depth);
            case '"': return {string()};
            default: break;
        }
        if (take("true")) return {true};
        if (take("false")) return {false};
        if (take("null")) return {nullptr};
        if (take("Infinity")) return {std::numeric_limits<double>::infinity()};
        return {number()};
    }
    json members(int depth) {
        json::object o;
        ++at_;
        space();
        if (take("}")) return {std::move(o)};
        do {
            space();
            require(peek() == '"', "a key is missing");
            std::string key = string();
            space();
            require(take(":"), "':' is missing");
            require(o.emplace(std::move(key), read(depth + 1)).second, "a key stands twice");
            space();
        } while (take(","));
        require(take("}"), "'}' is missing");
        return {std::move(o)};
    }
    json elements(int depth) {
        json::array a;
        ++at_;
        space();
        if (take("]")) return {std::move(a)};
        do {
            a.push_back(read(depth + 1));
            space();
        } while (take(","));
        require(take("]"), "']' is missing");
        return {std::move(a)};
    }
    double number() {
        char const c = peek();
        require(c == '-' || (c >= '0' && c <= '9'), "a value is missing");
        double     v = 0;
        auto const r = std::from_chars(text_.data() + at_, text_.data() + text_.size(), v);
        require(r.ec == std::errc{}, "not a number");
        at_ = static_cast<std::size_t>(r.ptr - text_.data());
        return v;
    }
    std::string string() {
        std::string s;
        for (++at_;;) {
            require(at_ < text_.size(), "a string does not end");
            char const c = text_[at_++];
            if (c == '"') return s;
            require(static_cast<unsigned char>(c) >= 0x20, "a control character in a string");
            if (c != '\\') s += c;
            else escape(s);
        }
    }
    void escape(std::string& s) {
        static constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
        char const                        c = peek();
        ++at_;
        if (auto const i = from.find(c); c != '\0' && i != std::string_view::npos) return void(s += to[i]);
        require(c == 'u', "an unknown escape");
        std::uint32_t code = hex();
        if (code >= 0xd800 && code < 0xdc00 && take("\\u")) {
            std::uint32_t const low = hex();
            require(low >= 0xdc00 && low < 0xe000, "half a surrogate pair");
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        utf8(code, s);
    }
    std::uint32_t hex() {
        std::uint32_t v = 0;
        require(at_ + 4 <= text_.size(), "\\u needs four digits");
        auto const r = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, v, 16);
        require(r.ptr == text_.data() + at_ + 4, "\\u needs four digits");
        at_ += 4;
        return v;
    }
    static void utf8(std::uint32_t c, std::string& s) {
        if (c < 0x80) return void(s += static_cast<char>(c));
        if (c < 0x800) s += static_cast<char>(0xc0 | c >> 6);
        else if (c < 0x10000) (s += static_cast<char>(0xe0 | c >> 12)) += static_cast<char>(0x80 | (c >> 6 & 63));
        else
            ((s += static_cast<char>(0xf0 | c >> 18)) += static_cast<char>(0x80 | (c >> 12 & 63))) +=
                static_cast<char>(0x80 | (c >> 6 & 63));
        s += static_cast<char>(0x80 | (c & 63));
    }

    std::string_view text_, where_;
    std::size_t      at_ = 0;
};

}  // namespace detail

/// Reads JSON; throws midtrain::error with the byte where it went wrong.
inline json parse_json(std::string_view text, std::string_view where) { return detail::json_reader(text, where).whole(); }

}  // namespace midtrain::inline MT_ABI::io
