#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace midtrain::inline MT_ABI::data {

/// Documents of a .jsonl file, one object a line: {"text": "...", "id": ...}. Other members are passed over, and empty lines too; an
/// error names file and line.
class jsonl {
  public:
    struct document {
        std::string  text;
        std::string  id;    ///< a text, or a number as text; empty if there is none
        std::int64_t line;  ///< counted from 1
    };

    explicit jsonl(std::string path) : file_(std::move(path)) {}

    std::string const& path() const { return file_.path(); }

    /// The next document, or nothing at the file's end.
    std::optional<document> next() {
        std::string_view const all(reinterpret_cast<char const*>(file_.bytes().data()), file_.bytes().size());
        while (at_ < all.size()) {
            auto const line = all.substr(at_, all.find('\n', at_) - at_);
            at_ += line.size() + 1;
            ++line_;
            if (line.find_first_not_of(" \t\r") != line.npos) return read(line);
        }
        return std::nullopt;
    }

  private:
    document read(std::string_view line) const {
        auto const where = file_.path() + ": line " + std::to_string(line_);
        auto const value = io::parse_json(line, where);
        auto const text = value.find("text"), id = value.find("id");
        check(text && text->as<std::string>(), [&] { return where + ": there is no member 'text' that is a string"; });
        document d{*text->as<std::string>(), {}, line_};
        if (!id || id->as<std::nullptr_t>()) return d;
        check(id->as<std::string>() || id->as<double>(), [&] { return where + ": the member 'id' is neither a string nor a number"; });
        d.id = id->as<std::string>() ? *id->as<std::string>() : io::written(*id);
        return d;
    }

    io::mapped_file file_;
    std::size_t     at_   = 0;
    std::int64_t    line_ = 0;
};

}  // namespace midtrain::inline MT_ABI::data
