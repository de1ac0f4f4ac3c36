#pragma once
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/train/report.hpp>

namespace midtrain::inline MT_ABI {

/// One step of a run, read back.
struct metrics_row {
    std::int64_t              step = 0;
    std::string               stage;
    int                       stage_number = 1;
    std::int64_t              tokens = 0;        ///< done over all stages
    std::int64_t              stage_tokens = 0;  ///< done in this one
    double                    loss = 0, rate = 0, gradient_norm = 0, seconds = 0, tokens_per_second = 0;
    std::vector<double>       weights;           ///< by source
    std::vector<double>       losses;            ///< by source; NaN where it had no target in the step
    std::vector<std::int64_t> targets;           ///< by source, in the step
    std::vector<std::int64_t> source_tokens;     ///< by source, drawn in the stage so far
};

/// What a metrics file holds.
struct metrics {
    std::vector<std::string> sources;
    std::vector<metrics_row> rows;
};

namespace detail {

/// Reads lines of metrics one by one. A last line that a killed run wrote by half is no error; one in the middle is.
class metrics_reader {
  public:
    metrics_reader(std::string_view text, std::string path) : text_(text), path_(std::move(path)) {}

    std::size_t at() const { return at_; }  ///< byte behind the last line read

    bool next(metrics& into, metrics_row& row) {
        auto const end = text_.find('\n', at_);
        if (end == std::string_view::npos) return false;
        auto const line = text_.substr(at_, end - at_);
        ++number_;
        try {
            row = read(line, into);
        } catch (error const&) {
            if (end + 1 == text_.size()) return false;
            throw;
        }
        at_ = end + 1;
        return true;
    }

  private:
    metrics_row read(std::string_view line, metrics& into) const {
        auto const where = path_ + ", line " + std::to_string(number_);
        auto const all   = io::parse_json(line, where);
        auto const need  = [&](char const* key) -> io::json const& {
            auto const v = all.find(key);
            check(v != nullptr, [&] { return where + ": '" + key + "' is missing"; });
            return *v;
        };
        auto const real = [](io::json const& v) {
            auto const d = v.as<double>();
            return d ? *d : std::numeric_limits<double>::quiet_NaN();
        };
        auto const whole = [&](io::json const& v) {
            check(v.as<double>() != nullptr, [&] { return where + ": a number is missing"; });
            return static_cast<std::int64_t>(*v.as<double>());
        };
        if (into.sources.empty()) into.sources = in_order(line, need("weights"));
        auto const by_source = [&](char const* key, auto& to, auto const& one) {
            for (auto const& s : into.sources) {
                auto const v = need(key).find(s);
                check(v != nullptr, [&] { return where + ": '" + key + "' lacks source '" + s + "'"; });
                to.push_back(one(*v));
            }
        };
        metrics_row r;
        r.step = whole(need("step")), r.stage_number = static_cast<int>(whole(need("stage_number")));
        r.stage  = need("stage").as<std::string>() ? *need("stage").as<std::string>() : "";
        r.tokens = whole(need("tokens")), r.stage_tokens = whole(need("stage_tokens"));
        r.loss = real(need("loss")), r.rate = real(need("rate")), r.gradient_norm = real(need("gradient_norm"));
        r.seconds = real(need("seconds")), r.tokens_per_second = real(need("tokens_per_second"));
        by_source("weights", r.weights, real), by_source("losses", r.losses, real);
        by_source("targets", r.targets, whole), by_source("source_tokens", r.source_tokens, whole);
        return r;
    }
    /// The keys of an object in the order of the text: that of the recipe.
    static std::vector<std::string> in_order(std::string_view line, io::json const& object) {
        std::vector<std::pair<std::size_t, std::string>> found;
        auto const                                       from = line.find("\"weights\"") + 9;
        if (auto const o = object.as<io::json::object>())
            for (auto const& [name, value] : *o) found.emplace_back(line.find(io::quoted(name), from), name);
        std::sort(found.begin(), found.end());
        std::vector<std::string> names;
        for (auto& f : found) names.push_back(std::move(f.second));
        return names;
    }

    std::string_view text_;
    std::string      path_;
    std::size_t      at_ = 0;
    int              number_ = 0;
};

inline std::string_view text_of(io::mapped_file const& file) {
    return {reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()};
}

}  // namespace detail

/// The steps of a metrics file, for charts.
inline metrics read_metrics(std::string const& path) {
    io::mapped_file const  file(path);
    detail::metrics_reader lines(detail::text_of(file), path);
    metrics                all;
    for (metrics_row row; lines.next(all, row);) all.rows.push_back(row);
    return all;
}

/// An observer that appends a line of JSON a step to a file and hands it to the system at once. Lines of an earlier run beyond the step
/// that this one goes on from are cut off, so the file always tells of one run without gap or repetition.
class metrics_file {
  public:
    /// `resumed` is the number of steps that a loaded checkpoint had done; 0 begins the file anew.
    explicit metrics_file(std::string path, std::int64_t resumed = 0) : path_(std::move(path)) {
        cut(resumed);
        file_ = std::fopen(path_.c_str(), "ab");
        require(file_ != nullptr, "cannot be opened for writing");
    }
    ~metrics_file() {
        if (file_) std::fclose(file_);
    }
    metrics_file(metrics_file const&)            = delete;
    metrics_file& operator=(metrics_file const&) = delete;

    void operator()(report const& r) {
        if (r.stage_number != stage_) before_ += seen_, seen_ = 0, stage_ = r.stage_number;
        seen_ = r.at.seen.count;
        line_.assign("{\"step\":").append(std::to_string(r.step));
        line_.append(",\"stage\":").append(io::quoted(r.stage)).append(",\"stage_number\":").append(std::to_string(r.stage_number));
        line_.append(",\"tokens\":").append(std::to_string(before_ + seen_)).append(",\"stage_tokens\":").append(std::to_string(seen_));
        for (auto const& [key, value] : {std::pair{"loss", r.loss}, {"rate", r.rate}, {"gradient_norm", r.gradient_norm},
                                         {"seconds", r.seconds}, {"tokens_per_second", r.tokens_per_second()}})
            line_.append(",\"").append(key).append("\":").append(io::written(value));
        by_source(r, "weights", [&](std::size_t i) { return io::written(r.weights[i]); });
        by_source(r, "losses", [&](std::size_t i) {
            return r.source_targets[i] > 0 ? io::written(r.source_loss[i]) : std::string("null");
        });
        by_source(r, "targets", [&](std::size_t i) { return std::to_string(r.source_targets[i]); });
        by_source(r, "source_tokens", [&](std::size_t i) { return std::to_string(r.source_tokens[i]); });
        line_.append("}\n");
        require(std::fwrite(line_.data(), 1, line_.size(), file_) == line_.size() && std::fflush(file_) == 0, "cannot be written");
    }

  private:
    void require(bool condition, char const* what) const {
        check(condition, [&] { return path_ + ": " + what + ": " + std::strerror(errno); });
    }
    /// Keeps the lines up to a step, and takes from the last of them how many tokens there were.
    void cut(std::int64_t resumed) {
        std::error_code why;
        if (!std::filesystem::exists(path_, why)) return;
        std::size_t keep = 0;
        if (resumed > 0 && std::filesystem::file_size(path_, why) > 0) {
            io::mapped_file const  file(path_);
            detail::metrics_reader lines(detail::text_of(file), path_);
            metrics                none;
            for (metrics_row row; lines.next(none, row) && row.step <= resumed; keep = lines.at()) {
                stage_ = row.stage_number, seen_ = row.stage_tokens, before_ = row.tokens - row.stage_tokens;
            }
        }
        std::filesystem::resize_file(path_, keep, why);
        check(!why, [&] { return path_ + ": cannot be cut to step " + std::to_string(resumed) + ": " + why.message(); });
    }
    template <class Text>
    void by_source(report const& r, char const* key, Text const& text) {
        line_.append(",\"").append(key).append("\":{");
        for (std::size_t i = 0; i < r.sources.size(); ++i)
            line_.append(i > 0 ? "," : "").append(io::quoted(r.sources[i])).append(":").append(text(i));
        line_.append("}");
    }

    std::string  path_, line_;
    std::FILE*   file_   = nullptr;
    int          stage_  = 0;
    std::int64_t before_ = 0, seen_ = 0;  // tokens of earlier stages, and of this one
};

}  // namespace midtrain::inline MT_ABI
