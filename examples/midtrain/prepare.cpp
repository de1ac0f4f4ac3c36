// midtrain prepare: texts become token files, with a manifest that says of what they are made.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>
#include <midtrain/core/enum_names.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/data/chat.hpp>
#include <midtrain/data/prepare.hpp>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/io/gguf.hpp>
#include "commands.hpp"
#include "score.hpp"

namespace mt = midtrain;

namespace {

struct asked {
    std::string              tokenizer, out, chat, begin, score, invalid = "refuse";
    mt::index_t              score_length = 1024;
    std::vector<std::string> sources;
    mt::data::prepare_options how;
};

/// name=PATH[,licence=...][,origin=...]; a name that is given again has more paths.
void add_source(std::vector<mt::data::prepare_source>& all, std::string const& text) {
    auto const equals = text.find('=');
    mt::check(equals != text.npos && equals > 0, [&] { return "--source " + text + ": wanted is name=PATH[,licence=...][,origin=...]"; });
    auto const name = text.substr(0, equals);
    if (all.empty() || all.back().name != name) all.push_back({.name = name, .paths = {}});
    auto rest = text.substr(equals + 1);
    for (bool first = true; first || !rest.empty(); first = false) {
        auto const comma = rest.find(',');
        auto const part  = rest.substr(0, comma);
        rest             = comma == rest.npos ? "" : rest.substr(comma + 1);
        if (first) all.back().paths.push_back(part);
        else if (part.starts_with("licence=")) all.back().licence = part.substr(8);
        else if (part.starts_with("origin=")) all.back().origin = part.substr(7);
        else throw mt::error("--source " + text + ": '" + part + "' is neither licence=... nor origin=...");
    }
}

/// A folder in Hugging Face form, a tokenizer.json, or a .gguf.
struct read_files {
    mt::data::byte_level_bpe tokenizer;
    mt::data::tokenizer_notes notes;
};
read_files read_tokenizer(std::string const& path) {
    if (path.ends_with(".gguf")) {
        mt::io::gguf const file(path);
        return {mt::data::read_tokenizer(file), mt::data::read_tokenizer_notes(file)};
    }
    bool const folder = std::filesystem::is_directory(path);
    auto       made   = mt::data::read_tokenizer(folder ? path + "/tokenizer.json" : path);
    auto const config = (folder ? std::filesystem::path(path) : std::filesystem::path(path).parent_path()) / "tokenizer_config.json";
    auto       notes  = std::filesystem::exists(config) ? mt::data::read_tokenizer_notes(config.string(), made) : mt::data::tokenizer_notes{};
    return {std::move(made), std::move(notes)};
}

std::optional<mt::data::chat_style> style_of(std::string const& chat, read_files const& files) {
    if (chat.empty()) return std::nullopt;
    mt::data::chat_style style;
    if (chat == "auto") {
        auto const known = mt::data::known_chat(files.notes.chat_template);
        mt::check(known.has_value(), "--chat auto: the tokenizer's chat_template is none of those that are known, and Jinja is not "
                                     "interpreted; name a form: " + mt::listed_enum<mt::data::chat_form>(std::string()));
        style = *known;
    } else {
        auto const form = mt::enum_value<mt::data::chat_form>(chat);
        mt::check(form.has_value(), [&] { return "--chat " + chat + ": known are auto, " + mt::listed_enum<mt::data::chat_form>(std::string()); });
        style.form = *form;
    }
    auto const text = [&](std::int32_t id, std::string const& other) { return id < 0 ? other : std::string(files.tokenizer.bytes(id)); };
    style.begin = text(files.notes.begin, style.begin);
    style.end   = text(files.notes.end, style.end);
    return style;
}

/// One line on a terminal, redrawn ten times a second; nothing elsewhere.
class bar {
  public:
    void operator()(mt::data::part_progress const& at) {
        auto const now = std::chrono::steady_clock::now();
        if (!terminal_ || now - shown_ < std::chrono::milliseconds(100)) return;
        shown_          = now;
        auto const full = at.bytes_in_all > 0 ? static_cast<int>(24 * at.bytes / at.bytes_in_all) : 24;
        std::fprintf(stderr, "\r%-12.12s [%.*s%*s]  %lld documents  %.1f Mtok\x1b[K", at.source.c_str(), full, "========================", 24 - full, "",
                     static_cast<long long>(at.documents), static_cast<double>(at.tokens) / 1e6);
    }
    void close() const {
        if (terminal_) std::fputs("\r\x1b[K", stderr);
    }

  private:
    bool                                  terminal_ = ::isatty(2) == 1;
    std::chrono::steady_clock::time_point shown_{};
};

void print(std::vector<mt::data::prepared_source> const& all) {
    std::printf("%-16s %12s %14s %12s %14s %10s %10s\n", "source", "documents", "tokens", "held out", "tokens", "too short", "repeated");
    for (auto const& s : all)
        std::printf("%-16s %12lld %14lld %12lld %14lld %10lld %10lld%s\n", s.name.c_str(), static_cast<long long>(s.train.documents),
                    static_cast<long long>(s.train.tokens), static_cast<long long>(s.held_out.documents), static_cast<long long>(s.held_out.tokens),
                    static_cast<long long>(s.short_documents), static_cast<long long>(s.repeated), s.made ? "" : "  (as it was)");
}

void run(asked const& a) {
    auto const files = read_tokenizer(a.tokenizer);
    auto       how   = a.how;
    how.text.chat    = style_of(a.chat, files);
    auto const what  = mt::enum_value<mt::data::invalid_text>(a.invalid);
    mt::check(what.has_value(), [&] { return "--invalid-utf8 " + a.invalid + ": known are refuse and replace"; });
    how.text.invalid = *what;
    if (!a.begin.empty()) {
        how.begin_token = files.tokenizer.id(a.begin);
        mt::check(how.begin_token >= 0, [&] { return "--begin-token " + a.begin + ": is not in the vocabulary"; });
    }
    std::vector<mt::data::prepare_source> sources;
    for (auto const& s : a.sources) add_source(sources, s);
    bar        shown;
    auto const made = mt::data::prepare(sources, files.tokenizer, a.out, how, [&](mt::data::part_progress const& at) { shown(at); });
    shown.close();
    print(made);
    if (a.score.empty()) return;
    std::vector<std::string> names;
    for (auto const& s : made) names.push_back(s.name);
    program::score_sources(a.score, a.out, names, a.score_length, how.threads);
}

}  // namespace

void program::add_prepare(CLI::App& program) {
    auto const a       = std::make_shared<asked>();
    auto const command = program.add_subcommand("prepare", "make token files of texts");
    command->add_option("--tokenizer", a->tokenizer, "a model's folder, a tokenizer.json or a .gguf")->required();
    command->add_option("--out", a->out, "folder for NAME.train.tok, NAME.held_out.tok and manifest.json")->required();
    command->add_option("--source", a->sources, "name=PATH[,licence=...][,origin=...]; a file, a folder, or a name with * and ?")->required()->allow_extra_args(false);
    command->add_option("--field", a->how.text.field, "the text's member in JSONL, or its column in Parquet")->capture_default_str();
    command->add_option("--chat", a->chat, "JSONL holds talks; train on answers only: auto, plain, chatml, llama2, llama3, zephyr, alpaca, mistral");
    command->add_option("--held-out", a->how.held_out, "share of the documents that are held out")->capture_default_str();
    command->add_option("--threads", a->how.threads, "the result is the same for any number")->capture_default_str();
    command->add_option("--begin-token", a->begin, "a token before each document, by its text");
    command->add_option("--least-bytes", a->how.least_bytes, "shorter documents are left out")->capture_default_str();
    command->add_option("--invalid-utf8", a->invalid, "refuse or replace")->capture_default_str();
    command->add_option("--score", a->score, "a model's folder or .gguf: also write NAME.train.scores, each document's mean loss under it, for an order by score");
    command->add_option("--score-length", a->score_length, "tokens of a document that are looked at")->capture_default_str()->check(CLI::PositiveNumber);
    command->add_flag("--drop-repeated", a->how.drop_repeated, "of documents with the same text keep the first");
    command->add_flag("!--drop-parts", a->how.keep_parts, "do not keep what lets a later run make only what changed");
    command->callback([a] { run(*a); });
}
