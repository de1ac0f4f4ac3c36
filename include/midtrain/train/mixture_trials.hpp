#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/train/line_file.hpp>
#include <midtrain/train/mixture_law.hpp>

namespace midtrain::inline MT_ABI {

/// A search's trials as a file, a line each: {"shares":{"web":0.5,"code":0.5},"losses":{"web":3.1,"code":1.9}}. A search that was
/// interrupted goes on after the last line.
class mixture_trials {
  public:
    mixture_trials(std::string path, std::vector<std::string> sources, std::vector<std::string> targets)
        : path_(std::move(path)), sources_(std::move(sources)), targets_(std::move(targets)) {}

    std::string line(mixture_trial const& t) const {
        return "{\"shares\":" + object(sources_, t.shares) + ",\"losses\":" + object(targets_, t.losses) + "}\n";
    }
    /// Those of the file, from which half a last line is cut.
    std::vector<mixture_trial> read() const {
        std::vector<io::json> lines;
        keep_lines(path_, [&](std::string_view text, std::string const& where) {
            lines.push_back(io::parse_json(text, where));
            return true;
        });
        std::vector<mixture_trial> all;
        for (auto const& v : lines) {
            auto const where = path_ + ", line " + std::to_string(all.size() + 1);
            all.push_back({numbers(v, "shares", sources_, where), numbers(v, "losses", targets_, where)});
        }
        return all;
    }

  private:
    static std::string object(std::vector<std::string> const& names, std::vector<double> const& values) {
        std::string s = "{";
        for (std::size_t i = 0; i < names.size(); ++i) s += (i > 0 ? "," : "") + io::quoted(names[i]) + ":" + io::written(values[i]);
        return s + "}";
    }
    static std::vector<double> numbers(io::json const& v, char const* key, std::vector<std::string> const& names,
                                       std::string const& where) {
        auto const          o = v.find(key) ? v.find(key)->as<io::json::object>() : nullptr;
        std::vector<double> all;
        for (auto const& n : names) {
            auto const x = o ? v.find(key)->find(n) : nullptr;
            check(x && x->as<double>(),
                  [&] { return where + ": '" + key + "' lacks a number for '" + n + "': the search had other sources"; });
            all.push_back(*x->as<double>());
        }
        check(o->size() == names.size(), [&] { return where + ": '" + key + "' has more than this search: it had other sources"; });
        return all;
    }

    std::string              path_;
    std::vector<std::string> sources_, targets_;
};

}  // namespace midtrain::inline MT_ABI
