#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// A setting that two recipes say differently; empty where one of them has no such setting.
struct setting_change {
    std::string key, before, now;

    /// `stage.rate.peak there 0.001, here 0.002`.
    std::string compared() const { return key + " there " + (before.empty() ? "none" : before) + ", here " + (now.empty() ? "none" : now); }
    /// `stage.rate.peak: 0.001 -> 0.002`.
    std::string changed() const { return key + ": " + (before.empty() ? "none" : before) + " -> " + (now.empty() ? "none" : now); }
};

namespace detail {

inline std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> v;
    for (std::size_t at = 0; at < text.size();) {
        auto const end = std::min(text.find('\n', at), text.size());
        v.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    return v;
}

}  // namespace detail

/// Every setting that differs between two lists of `key=value` lines, in the order of the first, then what only the second has.
inline std::vector<setting_change> changed_settings(std::string_view before, std::string_view now) {
    std::vector<setting_change> all;
    auto const there = detail::lines_of(before), here = detail::lines_of(now);
    auto const key   = [](std::string const& line) { return line.substr(0, line.find('=')); };
    auto const value = [](std::string const& line) { return line.substr(std::min(line.find('='), line.size() - 1) + 1); };
    auto const other = [&](std::vector<std::string> const& in, std::string const& k) -> std::string const* {
        auto const at = std::find_if(in.begin(), in.end(), [&](std::string const& line) { return key(line) == k; });
        return at == in.end() ? nullptr : &*at;
    };
    for (auto const& line : there) {
        auto const match = other(here, key(line));
        if (!match || *match != line) all.push_back({key(line), value(line), match ? value(*match) : ""});
    }
    for (auto const& line : here)
        if (!other(there, key(line))) all.push_back({key(line), "", value(line)});
    return all;
}

}  // namespace midtrain::inline MT_ABI
