#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <midtrain/core/error.hpp>
#include <midtrain/data/byte_stream.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>

namespace midtrain::inline MT_ABI::data {

/// The values of a .jsonl file (or .jsonl.gz, .jsonl.zst), one a line; empty lines are passed over. Errors name file and line.
class json_lines {
  public:
    explicit json_lines(std::string path) : lines_(std::move(path)) {}

    std::string const& path() const { return lines_.path(); }
    std::uint64_t      taken() const { return lines_.taken(); }  ///< bytes of the file
    std::int64_t       line() const { return lines_.line(); }
    std::string        where() const { return path() + ": line " + std::to_string(line()); }

    /// The next line's value, or nothing at the file's end.
    std::optional<io::json> next() {
        while (lines_.next(text_))
            if (text_.find_first_not_of(" \t\r") != text_.npos) return io::parse_json(text_, where());
        return std::nullopt;
    }

  private:
    line_stream lines_;
    std::string text_;
};

namespace detail {

/// A member that names a document: a text, or a number as text; empty if there is none.
inline std::string id_of(io::json const& value, std::string const& where) {
    auto const id = value.find("id");
    if (!id || id->as<std::nullptr_t>()) return {};
    check(id->as<std::string>() || id->as<double>(), [&] { return where + ": the member 'id' is neither a string nor a number"; });
    return id->as<std::string>() ? *id->as<std::string>() : io::written(*id);
}
/// A member that must be a text.
inline std::string const& text_of(io::json const& value, std::string const& name, std::string const& where) {
    auto const text = value.find(name);
    check(text && text->as<std::string>(), [&] { return where + ": there is no member '" + name + "' that is a string"; });
    return *text->as<std::string>();
}

}  // namespace detail

/// Documents of a .jsonl file, one object a line: {"text": "...", "id": ...}. Other members are passed over, and empty lines too; an
/// error names file and line.
class jsonl {
  public:
    struct document {
        std::string  text;
        std::string  id;    ///< a text, or a number as text; empty if there is none
        std::int64_t line;  ///< counted from 1
    };

    explicit jsonl(std::string path, std::string field = "text") : lines_(std::move(path)), field_(std::move(field)) {}

    std::string const& path() const { return lines_.path(); }

    /// The next document, or nothing at the file's end.
    std::optional<document> next() {
        auto const value = lines_.next();
        if (!value) return std::nullopt;
        auto const where = lines_.where();
        return document{detail::text_of(*value, field_, where), detail::id_of(*value, where), lines_.line()};
    }

  private:
    json_lines  lines_;
    std::string field_;
};

}  // namespace midtrain::inline MT_ABI::data
