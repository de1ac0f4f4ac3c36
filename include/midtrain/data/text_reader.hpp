#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/data/byte_stream.hpp>
#include <midtrain/data/chat.hpp>
#include <midtrain/data/jsonl.hpp>
#include <midtrain/data/parquet_text.hpp>
#include <midtrain/data/utf8.hpp>
#include <midtrain/io/json.hpp>

namespace midtrain::inline MT_ABI::data {

/// What becomes of text that is not UTF-8: an error with the place, or U+FFFD for each byte.
enum class invalid_text { refuse, replace };

struct text_options {
    std::string               field   = "text";  ///< of JSONL and Parquet
    invalid_text              invalid = invalid_text::refuse;
    std::optional<chat_style> chat    = {};      ///< JSONL holds talks: `messages` of role and content, or `prompt` and `completion`
};

/// A document, and where it comes from. With `masked` the loss counts nothing but the bytes of `learnt`.
struct text_document {
    std::string                                      text;
    bool                                             masked = false;
    std::vector<std::pair<std::size_t, std::size_t>> learnt;  ///< from byte, to byte
    std::string                                      where;   ///< "a.jsonl: line 7"
};

namespace detail {

/// A whole file as one document.
class whole_text {
  public:
    static constexpr std::size_t longest = std::size_t{1} << 30;

    explicit whole_text(std::string path) : bytes_(std::move(path)) {}

    std::string const& path() const { return bytes_.path(); }
    std::uint64_t      taken() const { return bytes_.taken(); }

    std::optional<std::string> next() {
        if (std::exchange(done_, true)) return std::nullopt;
        std::string            text;
        std::vector<std::byte> part(1 << 16);
        while (auto const n = bytes_.read(part)) {
            check(text.size() + n <= longest, [&] { return path() + ": is longer than the 1 GiB that a document may have"; });
            text.append(reinterpret_cast<char const*>(part.data()), n);
        }
        return text;
    }

  private:
    byte_stream bytes_;
    bool        done_ = false;
};

}  // namespace detail

/// Documents of one file, one after the other: .jsonl, .parquet (a row a document), .txt and .md (the file is the document); all but
/// .parquet also packed as .gz or .zst. Never holds more than one document, or one batch of rows.
class text_reader {
  public:
    explicit text_reader(std::string const& path, text_options how = {}) : how_(std::move(how)), from_(opened(path, how_)) {}

    /// Whether a file's name says that it can be read.
    static bool reads(std::string_view path) {
        auto const end = kind(path);
        return end == ".jsonl" || end == ".txt" || end == ".md" || end == ".parquet";
    }

    std::optional<text_document> next() {
        return std::visit([this](auto& from) { return next(from); }, from_);
    }
    /// Bytes of the file read so far; of .parquet, which says nothing of it, 0.
    std::uint64_t taken() const {
        return std::visit([](auto const& from) -> std::uint64_t {
            if constexpr (requires { from.taken(); }) return from.taken();
            else return 0;
        }, from_);
    }

  private:
    static std::string kind(std::string_view path) {
        for (std::string_view packed : {".gz", ".zst"})
            if (path.ends_with(packed)) path.remove_suffix(packed.size());
        return std::filesystem::path(path).extension().string();
    }
    using sources = std::variant<detail::whole_text, json_lines
#ifdef MIDTRAIN_WITH_ARROW
                                 , detail::parquet_text
#endif
                                 >;
    static sources opened(std::string const& path, [[maybe_unused]] text_options const& how) {
        auto const end = kind(path);
        check(reads(path), [&] { return path + ": is none of .jsonl, .parquet, .txt and .md, which is what can be read as text"; });
        check(!how.chat || end == ".jsonl", [&] { return path + ": talks are read from .jsonl alone"; });
        if (end == ".jsonl") return json_lines(path);
#ifdef MIDTRAIN_WITH_ARROW
        if (end == ".parquet") return sources(std::in_place_type<detail::parquet_text>, path, how.field);
#else
        check(end != ".parquet", [&] { return path + ": this program was built without Apache Arrow, which .parquet needs"; });
#endif
        return detail::whole_text(path);
    }

    std::optional<text_document> next(detail::whole_text& from) {
        auto text = from.next();
        if (!text) return std::nullopt;
        return text_document{good(std::move(*text), from.path()), false, {}, from.path()};
    }
    std::optional<text_document> next(json_lines& from) {
        auto const value = from.next();
        if (!value) return std::nullopt;
        auto const where = from.where();
        if (how_.chat) return talk(*value, where);
        return text_document{good(detail::text_of(*value, how_.field, where), where), false, {}, where};
    }
#ifdef MIDTRAIN_WITH_ARROW
    std::optional<text_document> next(detail::parquet_text& from) {
        auto text = from.next();
        if (!text) return std::nullopt;
        auto const where = from.path() + ": row " + std::to_string(from.row());
        return text_document{good(std::move(*text), where), false, {}, where};
    }
#endif
    std::string good(std::string text, std::string const& where) const {
        auto const at = invalid_utf8(text);
        if (at == std::string::npos) return text;
        check(how_.invalid == invalid_text::replace, [&] { return where + ": byte " + std::to_string(at) + " of its text is not UTF-8"; });
        return replaced_utf8(text);
    }
    text_document talk(io::json const& value, std::string const& where) const {
        std::vector<chat_message> all;
        auto const messages = value.find("messages");
        if (messages) {
            check(messages->as<io::json::array>(), [&] { return where + ": the member 'messages' is no list"; });
            for (auto const& m : *messages->as<io::json::array>())
                all.push_back({good(detail::text_of(m, "role", where), where), good(detail::text_of(m, "content", where), where)});
        } else {
            check(value.find("prompt"), [&] { return where + ": there is neither a member 'messages' nor 'prompt' and 'completion'"; });
            all.push_back({"user", good(detail::text_of(value, "prompt", where), where)});
            all.push_back({"assistant", good(detail::text_of(value, "completion", where), where)});
        }
        if (!messages && how_.chat->form == chat_form::plain)  // nothing stands between the two
            return {all[0].content + all[1].content, true, {{all[0].content.size(), all[0].content.size() + all[1].content.size()}}, where};
        try {
            auto chat = written_chat(*how_.chat, all);
            return {std::move(chat.text), true, std::move(chat.learnt), where};
        } catch (error const& e) {
            throw error(where + ": " + e.what());
        }
    }

    text_options how_;
    sources      from_;
};

namespace detail {

/// Whether a name fits a pattern of * and ?.
inline bool fits_pattern(std::string_view name, std::string_view pattern) {
    if (pattern.empty()) return name.empty();
    if (pattern[0] == '*') return fits_pattern(name, pattern.substr(1)) || (!name.empty() && fits_pattern(name.substr(1), pattern));
    return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) && fits_pattern(name.substr(1), pattern.substr(1));
}

}  // namespace detail

/// The files that a path stands for: itself, or, of a folder, all below it that can be read, sorted by name. A path whose last part
/// has * or ? stands for all files of that folder that fit.
inline std::vector<std::string> text_files(std::string const& path) {
    namespace fs = std::filesystem;
    std::vector<std::string> all;
    std::error_code          why;
    auto const               pattern = fs::path(path).filename().string();
    bool const               many    = pattern.find_first_of("*?") != pattern.npos;
    auto const folder = many ? (fs::path(path).has_parent_path() ? fs::path(path).parent_path() : fs::path(".")) : fs::path(path);
    if (many)
        for (auto const& f : fs::directory_iterator(folder, why)) {
            if (f.is_regular_file() && detail::fits_pattern(f.path().filename().string(), pattern)) all.push_back(f.path().string());
        }
    else if (fs::is_directory(folder, why))
        for (auto const& f : fs::recursive_directory_iterator(folder, why)) {
            if (f.is_regular_file() && text_reader::reads(f.path().string())) all.push_back(f.path().string());
        }
    else return {path};
    check(!why, [&] { return folder.string() + ": cannot be read: " + why.message(); });
    check(!all.empty(), [&] { return path + ": there is no file that can be read as text"; });
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace midtrain::inline MT_ABI::data
