#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <midtrain/core/error.hpp>
#include <midtrain/data/byte_level_bpe.hpp>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace midtrain::inline MT_ABI::data {

/// What a folder in Hugging Face's form notes beside its tokenizer: tokenizer_config.json, and chat_template.jinja where there is one.
/// Without the first nothing is noted.
inline tokenizer_notes read_tokenizer_notes(std::string const& folder, byte_level_bpe const& tokenizer) {
    auto const text_of = [](std::string const& path) {
        io::mapped_file const file(path);
        return std::string(reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size());
    };
    std::error_code why;
    tokenizer_notes notes;
    auto const      path = folder + "/tokenizer_config.json";
    if (!std::filesystem::exists(path, why)) return notes;
    auto const all = io::parse_json(text_of(path), path);
    auto const id  = [&](char const* key) {
        auto v = all.find(key);
        if (v && v->as<io::json::object>()) v = v->find("content");  // an AddedToken
        auto const s = v ? v->as<std::string>() : nullptr;
        if (!s) return std::int32_t{-1};
        auto const found = tokenizer.id(*s);
        check(found >= 0, [&] { return path + ": " + key + " '" + *s + "' is no token of the tokenizer"; });
        return found;
    };
    notes.begin = id("bos_token"), notes.end = id("eos_token"), notes.padding = id("pad_token"), notes.unknown = id("unk_token");
    if (auto const n = all.find("model_max_length"); n && n->as<double>() && *n->as<double>() < 1e9) notes.context = static_cast<std::int64_t>(*n->as<double>());
    if (auto const t = all.find("chat_template"); t && t->as<std::string>()) notes.chat_template = *t->as<std::string>();
    if (auto const jinja = folder + "/chat_template.jinja"; std::filesystem::exists(jinja, why)) notes.chat_template = text_of(jinja);
    return notes;
}

}  // namespace midtrain::inline MT_ABI::data
