#pragma once
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <variant>
#include <midtrain/io/json.hpp>

namespace midtrain::inline MT_ABI::io {

/// A JSON string with its quotes. Bytes from 0x80 on pass as they are: the text should be UTF-8.
inline std::string quoted(std::string_view text) {
    std::string s = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') (s += '\\') += c;
        else if (c == '\n') s += "\\n";
        else if (c == '\t') s += "\\t";
        else if (static_cast<unsigned char>(c) < 0x20) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
            s += code;
        } else s += c;
    }
    return s + "\"";
}

/// A number as the shortest text that reads back to the same bits, whole ones below 2^53 as digits alone (other readers tell 100000
/// from 1e+05); what JSON cannot say (infinity, not a number) is null.
inline std::string written(double x) {
    if (!std::isfinite(x)) return "null";
    if (std::fabs(x) < 9007199254740992.0 && x == std::floor(x) && !(x == 0 && std::signbit(x)))
        return std::to_string(static_cast<long long>(x));
    char       buffer[32];
    auto const r = std::to_chars(buffer, buffer + sizeof buffer, x);
    return {buffer, r.ptr};
}

/// A JSON value on one line, or with `indent` spaces a level on many.
inline std::string written(json const& v, int indent = 0, int level = 0) {
    auto const line = [&](int depth) {
        return indent > 0 ? "\n" + std::string(static_cast<std::size_t>(indent * depth), ' ') : std::string();
    };
    auto const list = [&](char open, char close, auto const& all, auto const& one) {
        if (all.empty()) return std::string{open, close};
        std::string s{open};
        for (auto const& x : all) s += (s.size() > 1 ? "," : "") + line(level + 1) + one(x);
        return s + line(level) + close;
    };
    if (auto const o = v.as<json::object>())
        return list('{', '}', *o,
                    [&](auto const& m) { return io::quoted(m.first) + (indent > 0 ? ": " : ":") + written(m.second, indent, level + 1); });
    if (auto const a = v.as<json::array>()) return list('[', ']', *a, [&](json const& x) { return written(x, indent, level + 1); });
    if (auto const s = v.as<std::string>()) return io::quoted(*s);
    if (auto const d = v.as<double>()) {
        auto const text = written(*d);
        return v.with_point && text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
    }
    if (auto const b = v.as<bool>()) return *b ? "true" : "false";
    return "null";
}

}  // namespace midtrain::inline MT_ABI::io
