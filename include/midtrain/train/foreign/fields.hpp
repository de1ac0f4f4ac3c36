#pragma once
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>

namespace midtrain::inline MT_ABI::foreign {

/// a * b tokens; more than doubles count exactly are refused.
inline std::int64_t product(std::int64_t a, std::int64_t b, std::string const& path) {
    check(std::abs(static_cast<double>(a) * static_cast<double>(b)) < 9e15, [&] { return path + ": counts more than 9e15 tokens"; });
    return a * b;
}

/// The fields of a foreign configuration: a missing or null one has what the trainer takes then; one of another type is an error with
/// the file's and the field's name. A number may stand as text, as the arguments of a command line do.
class fields {
  public:
    fields(io::json const& all, std::string path, std::string prefix = "") : all_(&all), path_(std::move(path)),
        prefix_(std::move(prefix)) {}

    std::string const& path() const { return path_; }
    std::string        name(std::string_view key) const { return prefix_ + std::string(key); }
    io::json const&    json() const { return *all_; }

    io::json const* find(std::string_view key) const {
        auto const v = all_->find(key);
        return v && v->as<std::nullptr_t>() ? nullptr : v;
    }
    bool has(std::string_view key) const { return find(key) != nullptr; }

    double number(std::string_view key, double otherwise) const {
        auto const v = find(key);
        if (!v) return otherwise;
        if (auto const d = v->as<double>()) return *d;
        double     x = 0;
        auto const s = v->as<std::string>();
        bool const read = s && [&] {
            auto const r = std::from_chars(s->data(), s->data() + s->size(), x);
            return r.ec == std::errc{} && r.ptr == s->data() + s->size();
        }();
        if (!read || !std::isfinite(x)) refuse(key, "is " + io::written(*v) + " where a number should be");
        return x;
    }
    std::int64_t whole(std::string_view key, std::int64_t otherwise) const {
        double const x = number(key, static_cast<double>(otherwise));
        if (!(std::abs(x) < 9e15) || x != std::floor(x)) refuse(key, "is " + io::written(x) + " where a whole number should be");
        return static_cast<std::int64_t>(x);
    }
    /// A whole number that counts something.
    std::int64_t count(std::string_view key, std::int64_t otherwise) const {
        auto const n = whole(key, otherwise);
        if (n < 0 || n > 1'000'000'000'000) refuse(key, "is " + std::to_string(n) + " where a count should be");
        return n;
    }
    double between(double least, double most, std::string_view key, double otherwise) const {
        double const x = number(key, otherwise);
        if (!(x >= least && x <= most)) refuse(key, "is " + io::written(x) + "; it should lie between " + io::written(least) +
                                               " and " + io::written(most));
        return x;
    }
    std::string text(std::string_view key, std::string otherwise) const {
        auto const v = find(key);
        if (!v) return otherwise;
        if (!v->as<std::string>()) refuse(key, "is " + io::written(*v) + " where a text should be");
        return *v->as<std::string>();
    }
    bool flag(std::string_view key, bool otherwise = false) const {
        auto const v = find(key);
        if (!v) return otherwise;
        if (auto const b = v->as<bool>()) return *b;
        if (auto const s = v->as<std::string>(); s && (*s == "true" || *s == "false" || *s == "True" || *s == "False"))
            return (*s)[0] == 't' || (*s)[0] == 'T';
        refuse(key, "is " + io::written(*v) + " where true or false should be");
    }
    /// The table under a key; an empty one where there is none.
    fields table(std::string_view key) const {
        static io::json const none{io::json::object{}};
        auto const            v = find(key);
        if (v && !v->as<io::json::object>()) refuse(key, "is " + io::written(*v) + " where a table should be");
        return {v ? *v : none, path_, prefix_ + std::string(key) + "."};
    }
    io::json::array list(std::string_view key) const {
        auto const v = find(key);
        if (!v) return {};
        if (!v->as<io::json::array>()) refuse(key, "is " + io::written(*v) + " where a list should be");
        return *v->as<io::json::array>();
    }
    [[noreturn]] void refuse(std::string_view key, std::string const& what) const { throw error(path_ + ": '" + name(key) + "' " + what); }

  private:
    io::json const* all_;
    std::string     path_, prefix_;
};

}  // namespace midtrain::inline MT_ABI::foreign
