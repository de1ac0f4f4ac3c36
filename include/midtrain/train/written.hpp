#pragma once
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <midtrain/config.hpp>

// Numbers as people read them.
namespace midtrain::inline MT_ABI {

/// Seconds as people say them: 45s, 12m 04s, 3h 05m, 2d 07h.
inline std::string written_duration(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) return "?";
    auto const s    = static_cast<long long>(std::llround(std::min(seconds, 1e9)));
    char       text[48];
    auto const pair = [&](long long large, char const* a, long long small, char const* b) {
        std::snprintf(text, sizeof text, "%lld%s %02lld%s", large, a, small, b);
    };
    if (s < 60) std::snprintf(text, sizeof text, "%llds", s);
    else if (s < 3600) pair(s / 60, "m", s % 60, "s");
    else if (s < 86400) pair(s / 3600, "h", s / 60 % 60, "m");
    else pair(s / 86400, "d", s / 3600 % 24, "h");
    return text;
}

/// A count with three digits and k, M, G or T: 987, 12.3k, 1.25M.
inline std::string written_count(double x) {
    static constexpr char unit[] = {'\0', 'k', 'M', 'G', 'T'};
    int                   u      = 0;
    while (u < 4 && std::abs(x) >= 999.5) x /= 1000, ++u;
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", u == 0 || std::abs(x) >= 99.95 ? 0 : std::abs(x) >= 9.995 ? 1 : 2, x);
    return unit[u] ? std::string(text) + unit[u] : std::string(text);
}

/// A number of bytes: 4.9 MB, 1.08 GB.
inline std::string written_bytes(double x) {
    char text[32];
    if (x >= 1e9) std::snprintf(text, sizeof text, "%.2f GB", x / 1e9);
    else std::snprintf(text, sizeof text, x >= 1e7 ? "%.0f MB" : "%.1f MB", x / 1e6);
    return text;
}

}  // namespace midtrain::inline MT_ABI
