#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/io/json.hpp>

namespace midtrain::inline MT_ABI::foreign {

namespace detail {

/// The words of a shell script, as far as arguments need them: quotes, comments, and lines that go on.
inline std::vector<std::string> shell_words(std::string_view text) {
    std::vector<std::string> words;
    std::string              word;
    bool                     open = false;
    char                     quote = 0;
    auto const               end = [&] {
        if (open) words.push_back(std::exchange(word, {}));
        open = false;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (quote) {
            if (c == quote) quote = 0;
            else word += c;
        } else if (c == '"' || c == '\'') quote = c, open = true;
        else if (c == '#' && !open) {
            while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')') end();
        else if (c == '\\') {
            if (i + 1 < text.size() && text[i + 1] != '\n' && text[i + 1] != '\r') word += text[++i], open = true;
        } else word += c, open = true;
    }
    end();
    return words;
}

}  // namespace detail

/// Arguments as a table: `--lr-decay-style cosine` is lr_decay_style = "cosine", a flag alone is true, several values are a list. What
/// stands before the first flag belongs to nobody.
inline io::json read_arguments(std::string_view text) {
    io::json::object o;
    io::json*        last = nullptr;
    for (auto const& word : detail::shell_words(text)) {
        if (word.size() > 2 && word.starts_with("--")) {
            auto const  equals = word.find('=');
            std::string name   = word.substr(2, equals == std::string::npos ? equals : equals - 2);
            for (char& c : name) c = c == '-' ? '_' : c;
            last  = &o[name];
            *last = equals == std::string::npos ? io::json{true} : io::json{word.substr(equals + 1)};
        } else if (last) {
            if (last->as<bool>()) *last = {word};
            else if (auto const one = last->as<std::string>()) *last = {io::json::array{io::json{*one}, io::json{word}}};
            else std::get<io::json::array>(last->value).push_back({word});
        }
    }
    return {std::move(o)};
}

}  // namespace midtrain::inline MT_ABI::foreign
