#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/data/byte_level_bpe.hpp>
#include <midtrain/data/word_patterns.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/io/whole_file.hpp>

namespace midtrain::inline MT_ABI::data {

/// What stands beside a tokenizer and changes no token: which ids have a meaning (-1: none), and how a talk becomes text.
struct tokenizer_notes {
    std::int32_t begin = -1, end = -1, padding = -1, unknown = -1;
    std::int64_t context = 0;  ///< 0: not said
    std::string  chat_template = {};
};

namespace detail {

/// A tokenizer made of parts; what is wrong with the parts is said with the file's name.
inline byte_level_bpe made_tokenizer(bpe_parts parts, std::string const& path) {
    try {
        return byte_level_bpe(std::move(parts));
    } catch (error const& e) {
        throw error(path + ": " + e.what());
    }
}

/// A tokenizer.json of byte-level BPE being read; whatever would change the tokens and is not ours is refused by its field's name.
class tokenizer_json {
  public:
    explicit tokenizer_json(std::string const& path) : path_(path), root_(read(path)) {}

    byte_level_bpe whole() const {
        bpe_parts parts;
        read_vocabulary(parts);
        read_merges(parts);
        read_words(parts);
        auto const normalizer = root_.find("normalizer");
        parts.composed        = normalizer && is(normalizer->find("type"), "NFC");
        require(parts.composed || is_nothing(normalizer), "normalizer: only NFC is known");
        require(known_after(root_.find("post_processor")), "post_processor: only ByteLevel and TemplateProcessing are known");
        auto made = made_tokenizer(std::move(parts), path_);
        require(made.missing_bytes().empty() || is_nothing(member(root_, "model")->find("unk_token")),
                "model.unk_token: not known where bytes are missing from the vocabulary");
        return made;
    }

  private:
    using json = io::json;

    static json read(std::string const& path) {
        io::mapped_file const file(path);
        return io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
    }
    void require(bool condition, std::string const& what) const {
        check(condition, [&] { return path_ + ": " + what; });
    }
    static bool is_nothing(json const* v) { return v == nullptr || v->as<std::nullptr_t>(); }
    static bool is(json const* v, std::string_view text) { return v && v->as<std::string>() && *v->as<std::string>() == text; }
    static bool says(json const* v, bool b) { return v && v->as<bool>() && *v->as<bool>() == b; }
    json const* member(json const& of, std::string const& name) const {
        auto const v = of.find(name);
        require(v != nullptr, "'" + name + "' is missing");
        return v;
    }
    template <class T>
    T const& get(json const& of, std::string const& name) const {
        auto const v = member(of, name)->as<T>();
        require(v != nullptr, "'" + name + "' has an unexpected type");
        return *v;
    }
    // A new id, below two to the 26th; its place is made.
    std::size_t id(json const& v, bpe_parts& parts) const {
        auto const d = v.as<double>();
        require(d && *d >= 0 && *d < 1 << 26 && std::floor(*d) == *d, "a token's id is no number from 0 to 67108863");
        auto const n = static_cast<std::size_t>(*d);
        if (n >= parts.tokens.size()) parts.tokens.resize(n + 1);
        return n;
    }

    void read_vocabulary(bpe_parts& parts) const {
        auto const& model = *member(root_, "model");
        require(is(member(model, "type"), "BPE"), "model.type is not BPE");
        require(is_nothing(model.find("dropout")), "model.dropout: none is known");
        for (char const* name : {"continuing_subword_prefix", "end_of_word_suffix"})
            require(is_nothing(model.find(name)) || is(model.find(name), ""), "model." + std::string(name) + ": none is known");
        require(model.find("byte_fallback") == nullptr || says(model.find("byte_fallback"), false),
                "model.byte_fallback: only false is known");
        parts.whole_words_first = says(model.find("ignore_merges"), true);
        for (auto const& [token, n] : get<json::object>(model, "vocab")) {
            auto& place = parts.tokens[id(n, parts)];
            require(place.empty(), "tokens '" + place + "' and '" + token + "' have the same id");
            place = token;
        }
        auto const added = root_.find("added_tokens");
        if (!is_nothing(added)) {
            require(added->as<json::array>(), "'added_tokens' is no list");
            for (auto const& a : *added->as<json::array>()) read_added(a, parts);
        }
        for (std::size_t i = 0; i < parts.tokens.size(); ++i) require(!parts.tokens[i].empty(), "no token has the id " + std::to_string(i));
    }
    void read_added(json const& a, bpe_parts& parts) const {
        auto const& token = get<std::string>(a, "content");
        auto const  n     = id(*member(a, "id"), parts);
        require(parts.tokens[n].empty() || parts.tokens[n] == token, "added token '" + token + "' has the id of '" + parts.tokens[n] + "'");
        for (char const* flag : {"single_word", "lstrip", "rstrip"})
            require(a.find(flag) == nullptr || says(a.find(flag), false), "added token '" + token + "': " + flag + ": only false is known");
        parts.tokens[n] = token;
        parts.added.push_back({static_cast<std::int32_t>(n), says(a.find("special"), true)});
    }
    void read_merges(bpe_parts& parts) const {
        for (auto const& m : get<json::array>(*member(root_, "model"), "merges")) {
            auto const pair  = m.as<json::array>();
            bool const two   = pair && pair->size() == 2 && (*pair)[0].as<std::string>() && (*pair)[1].as<std::string>();
            auto const text  = m.as<std::string>();
            auto const space = text ? text->find(' ') : std::string::npos;
            require(two || space != std::string::npos, "merge " + std::to_string(parts.merges.size()) + " is no pair");
            if (two) parts.merges.emplace_back(*(*pair)[0].as<std::string>(), *(*pair)[1].as<std::string>());
            else parts.merges.emplace_back(text->substr(0, space), text->substr(space + 1));
        }
    }
    /// ByteLevel with GPT-2's pattern, digits alone before it or not; or a pattern and ByteLevel without one (Llama 3, Qwen 2).
    void read_words(bpe_parts& parts) const {
        std::string const sentence = "pre_tokenizer: known are ByteLevel without prefix space, before it Digits(individual_digits), or "
                                     "Split(Regex, Isolated) where ByteLevel has no use_regex";
        auto const&       before   = *member(root_, "pre_tokenizer");
        bool const        sequence = is(before.find("type"), "Sequence");
        auto const        all      = before.find("pretokenizers");
        require(!sequence || (all && all->as<json::array>() && !all->as<json::array>()->empty() && all->as<json::array>()->size() <= 2),
                sentence);
        auto const& level = sequence ? all->as<json::array>()->back() : before;
        auto const  first = sequence && all->as<json::array>()->size() == 2 ? &all->as<json::array>()->front() : nullptr;
        bool const  ours  = !level.find("use_regex") || says(level.find("use_regex"), true);
        require(is(level.find("type"), "ByteLevel") && says(level.find("add_prefix_space"), false), sentence);
        if (first && is(first->find("type"), "Split")) {
            auto const pattern = first->find("pattern") ? first->find("pattern")->find("Regex") : nullptr;
            require(!ours && pattern && pattern->as<std::string>() && is(first->find("behavior"), "Isolated") &&
                        !says(first->find("invert"), true),
                    sentence);
            parts.pattern = *pattern->as<std::string>();
            if (parts.pattern == gpt2_pattern) parts.pattern.clear();
            return;
        }
        require(ours && (!first || (is(first->find("type"), "Digits") && says(first->find("individual_digits"), true))), sentence);
        parts.single_digits = first != nullptr;
    }
    /// ByteLevel moves offsets, TemplateProcessing adds special tokens around a text: neither changes the tokens of the text itself.
    bool known_after(json const* v) const {
        if (is_nothing(v) || is(v->find("type"), "ByteLevel") || is(v->find("type"), "TemplateProcessing")) return true;
        auto const all = v->find("processors");
        if (!is(v->find("type"), "Sequence") || !all || !all->as<json::array>()) return false;
        for (auto const& p : *all->as<json::array>())
            if (!is(p.find("type"), "ByteLevel") && !is(p.find("type"), "TemplateProcessing")) return false;
        return true;
    }

    std::string path_;
    json        root_;
};

inline std::string tokenizer_json_text(byte_level_bpe const& t) {
    auto const&       parts = t.parts();
    bool const        own   = !parts.pattern.empty();
    std::string const level =
        R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":)" + std::string(own ? "false}" : "true}");
    std::string const split =
        R"({"type":"Split","pattern":{"Regex":)" + io::quoted(parts.pattern) + R"(},"behavior":"Isolated","invert":false})";
    std::string const digits = R"({"type":"Digits","individual_digits":true})";
    std::string       s      = R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[)";
    for (auto const& a : parts.added) {
        s += std::string(s.back() == '[' ? "" : ",") + "\n{\"id\":" + std::to_string(a.id) + ",\"content\":";
        s += io::quoted(parts.tokens[static_cast<std::size_t>(a.id)]);
        s += R"(,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":)";
        s += a.special ? "true}" : "false}";
    }
    s += std::string("],\n\"normalizer\":") + (parts.composed ? R"({"type":"NFC"})" : "null") + ",\n\"pre_tokenizer\":" +
         (parts.single_digits || own ? R"({"type":"Sequence","pretokenizers":[)" + (own ? split : digits) + "," + level + "]}" : level) +
         ",\n\"post_processor\":null,\n\"decoder\":" + level + R"(,
"model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,)" +
         R"("byte_fallback":false,"ignore_merges":)" + (parts.whole_words_first ? "true" : "false") + R"(,"vocab":{)";
    for (std::size_t i = 0; i < parts.tokens.size(); ++i) s += (i ? ",\n" : "\n") + io::quoted(parts.tokens[i]) + ":" + std::to_string(i);
    s += "},\"merges\":[";
    for (std::size_t i = 0; i < parts.merges.size(); ++i)
        s += (i ? ",\n" : "\n") + io::quoted(parts.merges[i].first + " " + parts.merges[i].second);
    return s + "]}}\n";
}

}  // namespace detail

/// A byte-level BPE tokenizer of Hugging Face's tokenizer.json.
inline byte_level_bpe read_tokenizer(std::string const& path) { return detail::tokenizer_json(path).whole(); }

/// The tokenizer inside a .gguf file.
inline byte_level_bpe read_tokenizer(io::gguf const& file) {
    using array        = io::gguf::value::array;
    auto const require = [&](bool condition, std::string const& what) { check(condition, [&] { return file.path() + ": " + what; }); };
    auto const text    = [&](io::gguf::value const& v, char const* key) {
        require(v.as<std::string_view>() != nullptr, "metadata '" + std::string(key) + "' has an entry that is no text");
        return *v.as<std::string_view>();
    };
    auto const model = file.get<std::string_view>("tokenizer.ggml.model");
    auto const kind  = file.get<std::string_view>("tokenizer.ggml.pre");
    require(model == "gpt2", "its tokenizer is '" + std::string(model) + "', not byte-level BPE ('gpt2')");
    bpe_parts parts;
    require(set_gguf_words(kind, parts),
            "its tokenizer cuts words as '" + std::string(kind) + "'; known are gpt-2, smollm, starcoder, llama-bpe and qwen2");
    for (auto const& t : file.get<array>("tokenizer.ggml.tokens")) parts.tokens.emplace_back(text(t, "tokenizer.ggml.tokens"));
    for (auto const& m : file.get<array>("tokenizer.ggml.merges")) {
        auto const pair  = text(m, "tokenizer.ggml.merges");
        auto const space = pair.find(' ');
        require(space != pair.npos, "merge " + std::to_string(parts.merges.size()) + " is no pair");
        parts.merges.emplace_back(pair.substr(0, space), pair.substr(space + 1));
    }
    auto const& types = file.get<array>("tokenizer.ggml.token_type");
    require(types.size() == parts.tokens.size(), "'tokenizer.ggml.token_type' has another length than the vocabulary");
    for (std::size_t i = 0; i < types.size(); ++i) {
        auto const type = types[i].as<std::int64_t>();
        require(type != nullptr, "metadata 'tokenizer.ggml.token_type' has an entry that is no whole number");
        if (*type == 3 || *type == 4) parts.added.push_back({static_cast<std::int32_t>(i), *type == 3});  // control, user defined
    }
    return detail::made_tokenizer(std::move(parts), file.path());
}

/// What a .gguf file notes beside its tokenizer.
inline tokenizer_notes read_tokenizer_notes(io::gguf const& file) {
    auto const size = static_cast<std::int64_t>(file.get<io::gguf::value::array>("tokenizer.ggml.tokens").size());
    auto const id   = [&](std::string const& key) {
        if (!file.find(key)) return std::int32_t{-1};
        auto const n = file.get<std::int64_t>(key);
        check(n >= 0 && n < size,
              [&] { return file.path() + ": metadata '" + key + "' is " + std::to_string(n) + ", not in the vocabulary"; });
        return static_cast<std::int32_t>(n);
    };
    tokenizer_notes notes{id("tokenizer.ggml.bos_token_id"), id("tokenizer.ggml.eos_token_id"), id("tokenizer.ggml.padding_token_id"),
                          id("tokenizer.ggml.unknown_token_id"), 0, {}};
    auto const architecture = file.find("general.architecture");
    if (architecture && architecture->as<std::string_view>()) {
        auto const key = std::string(*architecture->as<std::string_view>()) + ".context_length";
        if (file.find(key)) notes.context = file.get<std::int64_t>(key);
    }
    if (file.find("tokenizer.chat_template")) notes.chat_template = file.get<std::string_view>("tokenizer.chat_template");
    return notes;
}

/// What a tokenizer_config.json notes. A token stands there as its text, or as an object with `content`.
inline tokenizer_notes read_tokenizer_notes(std::string const& path, byte_level_bpe const& tokenizer) {
    io::mapped_file const file(path);
    auto const root = io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
    auto const id   = [&](char const* name) {
        auto v = root.find(name);
        if (v && v->find("content")) v = v->find("content");
        if (!v || !v->as<std::string>()) return std::int32_t{-1};
        auto const n = tokenizer.id(*v->as<std::string>());
        check(n >= 0, [&] { return path + ": " + name + " '" + *v->as<std::string>() + "' is not in the vocabulary"; });
        return n;
    };
    tokenizer_notes notes{id("bos_token"), id("eos_token"), id("pad_token"), id("unk_token"), 0, {}};
    auto const context = root.find("model_max_length");
    if (context && context->as<double>() && *context->as<double>() >= 1 && *context->as<double>() < 1e15)  // larger ones mean: not said
        notes.context = static_cast<std::int64_t>(*context->as<double>());
    auto const chat = root.find("chat_template");
    if (chat && chat->as<std::string>()) notes.chat_template = *chat->as<std::string>();
    return notes;
}

/// Writes tokenizer.json and tokenizer_config.json into a folder that exists. Hugging Face's tokenizers reads the same tokens from them.
inline void write_tokenizer(std::string const& folder, byte_level_bpe const& tokenizer, tokenizer_notes const& notes) {
    std::string s = "{\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\",\n  \"clean_up_tokenization_spaces\": false";
    std::pair<std::string, std::int32_t> const named[] = {
        {"bos_token", notes.begin}, {"eos_token", notes.end}, {"pad_token", notes.padding}, {"unk_token", notes.unknown}};
    for (auto const& [name, id] : named) {
        if (id < 0) continue;
        auto const n = static_cast<std::size_t>(id);
        check(n < tokenizer.size(),
              [&, &name = name] { return folder + ": " + name + " " + std::to_string(n) + " is not in the vocabulary"; });
        s += ",\n  \"" + name + "\": " + io::quoted(tokenizer.parts().tokens[n]);
    }
    if (notes.context > 0) s += ",\n  \"model_max_length\": " + std::to_string(notes.context);
    if (!notes.chat_template.empty()) s += ",\n  \"chat_template\": " + io::quoted(notes.chat_template);
    io::write_whole(folder + "/tokenizer_config.json", s + "\n}\n");
    io::write_whole(folder + "/tokenizer.json", detail::tokenizer_json_text(tokenizer));
}

}  // namespace midtrain::inline MT_ABI::data
