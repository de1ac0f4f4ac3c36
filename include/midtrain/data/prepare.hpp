#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>
#include <midtrain/core/checksum.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/data/byte_level_bpe.hpp>
#include <midtrain/data/prepared_part.hpp>
#include <midtrain/data/text_reader.hpp>
#include <midtrain/data/token_file.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/version.hpp>

namespace midtrain::inline MT_ABI::data {

/// A source of documents, and what a user says of it.
struct prepare_source {
    std::string              name;
    std::vector<std::string> paths;  ///< files, folders or names with * and ?: text_files()
    std::string              licence = {}, origin = {};
};

struct prepare_options {
    text_options text           = {};
    double       held_out       = 0.01;  ///< share of the documents, chosen by what they say
    std::int64_t least_bytes    = 1;     ///< shorter documents are left out
    bool         drop_repeated  = false; ///< of documents with the same text in one source the first stays
    std::int32_t begin_token    = -1;    ///< before each document; -1: none
    int          threads        = 1;
    std::int64_t part_bytes     = 1 << 26;  ///< neighbouring inputs of up to so many bytes in all share a part
    bool         keep_parts     = true;  ///< so that only what changes is made again; they are as large as the result
};

/// Counts of a token file that was made.
struct prepared_split {
    std::int64_t documents = 0, tokens = 0, bytes = 0;
};
struct prepared_source {
    std::string    name;
    prepared_split train, held_out;
    std::int64_t   short_documents = 0, repeated = 0;  ///< left out
    bool           made = false;                       ///< false: all was there already
};

namespace detail {

/// What must be the same for a result to be the same.
class prepare_job {
  public:
    prepare_job(byte_level_bpe const& tokenizer, std::string out, prepare_options const& how)
        : encode_{tokenizer, how.begin_token}, out_(std::move(out)), how_(how) {
        check(how.held_out >= 0 && how.held_out < 1, "held_out is a share of the documents, from 0 to below 1");
        check(how.threads >= 1, "prepare needs at least one thread");
    }

    template <class Tell>
    prepared_source source(prepare_source const& s, io::json::object& manifest, io::json const* before, std::set<std::string>& wanted,
                           Tell const& tell) const {
        check(!s.name.empty() && s.name.find_first_of("/\\") == s.name.npos && s.name[0] != '.',
              [&] { return "'" + s.name + "' cannot be the name of a source: its files bear it"; });
        std::vector<std::string> files;
        for (auto const& p : s.paths)
            for (auto& f : text_files(p)) files.push_back(std::move(f));
        check(!files.empty(), [&] { return "source '" + s.name + "' has no files"; });
        auto const       inputs = seen_inputs(files);
        auto const       parts  = planned_parts(s.name, inputs);
        for (auto const& p : parts) wanted.insert(p.path);
        io::json::object entry  = described(s, inputs, parts);
        if (auto const done = finished(s.name, entry, before)) {
            manifest[s.name] = *before;
            return *done;
        }
        part_progress at{.source = s.name, .bytes_in_all = 0};
        for (auto const& i : inputs) at.bytes_in_all += static_cast<std::int64_t>(i.bytes);
        for (auto const& p : parts) make_part(p, encode_, how_.text, how_.threads, at, tell);
        auto const made = join(s.name, parts);
        describe(entry, made);
        manifest[s.name] = {std::move(entry)};
        return made;
    }

    std::string file(std::string const& source, char const* split) const { return out_ + "/" + source + "." + split + ".tok"; }

  private:
    /// What a part is called depends on all that it is made of.
    std::vector<planned_part> planned_parts(std::string const& name, std::vector<input_file> const& inputs) const {
        std::vector<planned_part> parts;
        std::uint64_t             size = 0;
        for (auto const& i : inputs) {
            if (parts.empty() || size + i.bytes > static_cast<std::uint64_t>(how_.part_bytes)) parts.emplace_back(), size = 0;
            parts.back().inputs.push_back(i);
            size += i.bytes;
        }
        for (auto& p : parts) {
            checksum sum;
            auto const text = [&](std::string const& s) { sum.add(std::as_bytes(std::span(s))).add(std::as_bytes(std::span("", 1))); };
            text(settings_of_text());
            for (auto const& i : p.inputs) text(i.path), text(i.checksum);
            p.path = out_ + "/parts/" + name + "." + sum.text();
        }
        return parts;
    }
    std::string settings_of_text() const {
        auto const& t = how_.text;
        std::string s = "form 1\n" + std::to_string(encode_.tokenizer.hash()) + "\n" + std::to_string(how_.begin_token) + "\n" + t.field +
                        "\n" + std::to_string(static_cast<int>(t.invalid)) + "\n";
        if (t.chat)
            s += std::to_string(static_cast<int>(t.chat->form)) + "\n" + t.chat->begin + "\n" + t.chat->end + "\n" + t.chat->default_system;
        return s;
    }
    io::json::object described(prepare_source const& s, std::vector<input_file> const& inputs,
                               std::vector<planned_part> const& parts) const {
        io::json::array files;
        checksum        all;
        for (auto const& i : inputs)
            files.push_back({io::json::object{{"path", {i.path}}, {"bytes", {static_cast<double>(i.bytes)}}, {"checksum", {i.checksum}}}});
        for (auto const& p : parts) all.add(std::as_bytes(std::span(p.path.data() + out_.size(), p.path.size() - out_.size())));
        return {{"inputs", {std::move(files)}},
                {"licence", {s.licence}},
                {"origin", {s.origin}},
                {"made_of", {all.text()}},
                {"held_out", {how_.held_out}},
                {"least_bytes", {static_cast<double>(how_.least_bytes)}},
                {"drop_repeated", {how_.drop_repeated}}};
    }
    static io::json split_json(prepared_split const& s, std::string const& path) {
        token_file const f(path);
        return {io::json::object{{"file", {std::filesystem::path(path).filename().string()}},
                                 {"documents", {static_cast<double>(s.documents)}},
                                 {"tokens", {static_cast<double>(s.tokens)}},
                                 {"text_bytes", {static_cast<double>(s.bytes)}},
                                 {"checksum", {checksum_text(f.data_checksum())}}}};
    }
    void describe(io::json::object& entry, prepared_source const& made) const {
        entry["train"]           = split_json(made.train, file(made.name, "train"));
        entry["short_documents"] = {static_cast<double>(made.short_documents)};
        entry["repeated"]        = {static_cast<double>(made.repeated)};
        if (how_.held_out > 0) entry["held_out_split"] = split_json(made.held_out, file(made.name, "held_out"));
    }
    static std::string checksum_text(std::uint64_t v) {
        std::string s;
        for (int shift = 60; shift >= 0; shift -= 4) s += "0123456789abcdef"[v >> shift & 15];
        return s;
    }

    /// What an earlier run made, if that is just what this one would make and its files are there.
    std::optional<prepared_source> finished(std::string const& name, io::json::object const& entry, io::json const* before) const {
        if (before == nullptr) return std::nullopt;
        for (auto const& [key, value] : entry) {
            auto const was = before->find(key);
            if (!was || io::written(*was) != io::written(value)) return std::nullopt;
        }
        prepared_source made{.name = name, .train = {}, .held_out = {}};
        auto const count = [](io::json const* of, char const* key) {
            auto const v = of ? of->find(key) : nullptr;
            return v && v->as<double>() ? static_cast<std::int64_t>(*v->as<double>()) : std::int64_t{-1};
        };
        auto const split = [&](char const* key, char const* suffix, prepared_split& to) {
            auto const of = before->find(key);
            to = {count(of, "documents"), count(of, "tokens"), count(of, "text_bytes")};
            try {
                token_file const f(file(name, suffix));
                auto const sum = of ? of->find("checksum") : nullptr;
                return sum && sum->as<std::string>() && *sum->as<std::string>() == checksum_text(f.data_checksum()) &&
                       f.tokens() == to.tokens;
            } catch (error const&) {
                return false;
            }
        };
        made.short_documents = count(before, "short_documents");
        made.repeated        = count(before, "repeated");
        bool const there =
            split("train", "train", made.train) && (how_.held_out == 0 || split("held_out_split", "held_out", made.held_out));
        return there ? std::optional(made) : std::nullopt;
    }

    /// Puts the parts together, in their order.
    prepared_source join(std::string const& name, std::vector<planned_part> const& parts) const {
        auto const        mask = how_.text.chat ? loss_mask::by_token : loss_mask::none;
        auto const&       t    = encode_.tokenizer;
        token_file_writer train(file(name, "train"), t.size(), t.hash(), mask);
        std::optional<token_file_writer> held_out;
        if (how_.held_out > 0) held_out.emplace(file(name, "held_out"), t.size(), t.hash(), mask);
        prepared_source                   made{.name = name, .train = {}, .held_out = {}, .made = true};
        std::unordered_set<std::uint64_t> seen;
        std::vector<std::int32_t>         tokens;
        std::vector<std::uint8_t>         counts;
        for (auto const& p : parts) {
            finished_part const part(p.path);
            for (std::int64_t d = 0; d < part.tokens.documents(); ++d) {
                auto const note = part.notes[static_cast<std::size_t>(d)];
                if (static_cast<std::int64_t>(note.bytes) < how_.least_bytes) {
                    ++made.short_documents;
                    continue;
                }
                if (how_.drop_repeated && !seen.insert(note.hash).second) {
                    ++made.repeated;
                    continue;
                }
                auto const document = part.tokens.document(d);
                tokens.clear(), counts.clear();
                for (std::size_t i = 0; i < document.size(); ++i) tokens.push_back(document[i]);
                if (how_.text.chat)
                    for (std::size_t i = 0; i < document.size(); ++i) counts.push_back(document.counts(i));
                bool const aside = static_cast<double>(mix_bits(note.hash) >> 11) * 0x1p-53 < how_.held_out;
                (aside ? *held_out : train).add(tokens, counts);
                auto& split = aside ? made.held_out : made.train;
                ++split.documents;
                split.tokens += static_cast<std::int64_t>(tokens.size());
                split.bytes += static_cast<std::int64_t>(note.bytes);
            }
        }
        check(made.train.documents > 0, [&] { return "source '" + name + "' has no documents to train on"; });
        train.finish();
        if (held_out) held_out->finish();
        return made;
    }

    document_encoder encode_;
    std::string      out_;
    prepare_options  how_;
};

}  // namespace detail

/// Makes OUT/name.train.tok and OUT/name.held_out.tok of each source, and OUT/manifest.json, which says of what and how. The result is the
/// same for any number of threads. What stands in OUT/parts survives a kill: a finished part is not made again, and where inputs change,
/// nothing but their parts is. Whether a document is held out depends on its text alone, so the same text is never in both.
/// `tell(part_progress const&)` is called now and then.
template <class Tell>
std::vector<prepared_source> prepare(std::vector<prepare_source> const& sources, byte_level_bpe const& tokenizer, std::string const& out,
                                     prepare_options const& how, Tell const& tell) {
    namespace fs = std::filesystem;
    std::error_code why;
    fs::create_directories(out + "/parts", why);
    check(!why, [&] { return out + ": cannot be made: " + why.message(); });
    auto const               manifest_path = out + "/manifest.json";
    std::optional<io::json>  before;
    if (fs::exists(manifest_path, why)) before = io::parse_json(detail::text_of_file(manifest_path), manifest_path);
    detail::prepare_job const    job(tokenizer, out, how);
    io::json::object             entries;
    std::set<std::string>        wanted;
    std::vector<prepared_source> made;
    bool                         any = false;
    for (auto const& s : sources) {
        check(!entries.contains(s.name), [&] { return "two sources are called '" + s.name + "'"; });
        auto const old = before && before->find("sources") ? before->find("sources")->find(s.name) : nullptr;
        made.push_back(job.source(s, entries, old, wanted, tell));
        any = any || made.back().made;
    }
    std::string const version =
        std::to_string(MT_VERSION_MAJOR) + "." + std::to_string(MT_VERSION_MINOR) + "." + std::to_string(MT_VERSION_PATCH);
    io::json::object manifest{
        {"midtrain", {version}},
        {"tokenizer",
         {io::json::object{{"hash", {std::to_string(tokenizer.hash())}}, {"tokens", {static_cast<double>(tokenizer.size())}}}}},
        {"sources", {std::move(entries)}}};
    auto const text = io::written(io::json{std::move(manifest)}, 2) + "\n";
    if (any || !before || text != detail::text_of_file(manifest_path)) io::write_whole(manifest_path, text);
    detail::clean_parts(out + "/parts", how.keep_parts ? wanted : std::set<std::string>{});
    return made;
}

}  // namespace midtrain::inline MT_ABI::data
