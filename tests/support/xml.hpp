#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace test {

/// What is wrong with a text as XML of elements, attributes in double quotes and the five entities; empty: nothing.
inline std::string xml_fault(std::string_view text) {
    std::vector<std::string> open;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '&') {
            bool known = false;
            for (std::string_view e : {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"}) known = known || text.substr(at, e.size()) == e;
            if (!known) return "a bare & at " + std::to_string(at);
        }
        if (text[at] != '<') {
            if (text[at] == '>') return "a bare > at " + std::to_string(at);
            ++at;
            continue;
        }
        auto const end = text.find('>', at);
        if (end == std::string_view::npos) return "a tag does not end";
        auto const tag = text.substr(at + 1, end - at - 1);
        if (tag.find('<') != std::string_view::npos) return "a bare < in " + std::string(tag);
        std::size_t quotes = 0;
        for (char c : tag) quotes += c == '"';
        if (quotes % 2 != 0) return "quotes in " + std::string(tag);
        auto const name = std::string(tag.substr(tag.starts_with('/') ? 1 : 0, tag.find_first_of(" /", 1) - (tag.starts_with('/') ? 1 : 0)));
        if (tag.starts_with('/')) {
            if (open.empty() || open.back() != name) return "</" + name + "> closes nothing";
            open.pop_back();
        } else if (!tag.ends_with('/')) open.push_back(name);
        at = end + 1;
    }
    return open.empty() ? "" : "<" + open.back() + "> stays open";
}

/// How often a part stands in a text.
inline std::size_t count(std::string_view text, std::string_view part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
    return n;
}

}  // namespace test
