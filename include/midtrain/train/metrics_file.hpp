#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/folders.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/line_file.hpp>
#include <midtrain/train/report.hpp>

namespace midtrain::inline MT_ABI {

/// What a step's line tells of a router.
struct router_row {
    std::string name;
    double      heaviest = 0, lightest = 0;  ///< loads of experts, in means
    double      overflow = 0;                ///< share of choices that found no room
    std::vector<double> losses;              ///< in the order of balance_weights, unweighted
};

/// One step of a run, read back.
struct metrics_row {
    std::int64_t              step = 0;
    std::string               stage;
    int                       stage_number = 1;
    std::int64_t              tokens = 0;        ///< done over all stages
    std::int64_t              stage_tokens = 0;  ///< done in this one
    double                    loss = 0, rate = 0, gradient_norm = 0, seconds = 0, tokens_per_second = 0;
    step_phases               phases;
    std::vector<double>       weights;           ///< by source
    std::vector<double>       losses;            ///< by source; NaN where it had no target in the step
    std::vector<std::int64_t> targets;           ///< by source, in the step
    std::vector<std::int64_t> source_tokens;     ///< by source, drawn in the stage so far
    std::vector<std::int64_t> source_epochs{};   ///< by source, whole passes in all stages; empty in files of older versions
    double                    noise_scale = std::numeric_limits<double>::quiet_NaN();  ///< tokens; NaN where it was not measured
    double                    noise_error = std::numeric_limits<double>::quiet_NaN();
    std::vector<double>       source_noise{};    ///< by source, tokens; empty where it was not measured
    std::vector<router_row>   routers{};         ///< empty where the model has none
    std::vector<double>       mtp_losses{};      ///< by module that predicts tokens further on
};

/// What happened to a run besides its steps: "saved", "skipped", "rewound", "warned", ...
struct run_event {
    std::string  what;
    std::int64_t step = 0, tokens = 0;  ///< done when the run went on
    std::string  text;                  ///< for people
};

/// How a run was set up: every setting by its key, and for a fork the checkpoint that it began from.
struct run_beginning {
    std::vector<std::pair<std::string, std::string>> settings;
    std::string                                      parent;
    bool operator==(run_beginning const&) const = default;
};

/// What a metrics file holds. Files of older versions lack beginning, events and phases.
struct metrics {
    std::vector<std::string> sources;
    std::vector<metrics_row> rows;
    std::vector<run_event>   events;
    run_beginning            began;
};

namespace detail {

/// One line of a metrics file: a step or an event.
class metrics_line {
  public:
    metrics_line(std::string_view line, std::string const& where) : line_(line), where_(where), all_(io::parse_json(line, where)) {}

    std::int64_t step() const { return whole(need("step")); }
    bool         is_event() const { return all_.find("event") != nullptr; }

    void read_into(metrics& to) const {
        if (!is_event()) return to.rows.push_back(row(to));
        run_event const e{text(need("event")), step(), whole(need("tokens")), text(need("text"))};
        if (e.what == "began") to.began = beginning();
        else to.events.push_back(e);
    }

  private:
    io::json const& need(char const* key) const { return need_of(all_, key); }
    io::json const& need_of(io::json const& object, std::string const& key) const {
        auto const v = object.find(key);
        check(v != nullptr, [&] { return where_ + ": '" + key + "' is missing"; });
        return *v;
    }
    static double real(io::json const& v) {
        auto const d = v.as<double>();
        return d ? *d : std::numeric_limits<double>::quiet_NaN();
    }
    std::int64_t whole(io::json const& v) const {
        auto const d = v.as<double>();
        check(d && *d > -9e15 && *d < 9e15, [&] { return where_ + ": a number is missing"; });
        return static_cast<std::int64_t>(*d);
    }
    static std::string text(io::json const& v) { return v.as<std::string>() ? *v.as<std::string>() : ""; }

    metrics_row row(metrics& into) const {
        if (into.sources.empty()) into.sources = in_order(need("weights"));
        auto const by_source = [&](char const* key, auto& to, auto const& one) {
            auto const& values = need(key);
            for (auto const& s : into.sources) {
                auto const v = values.find(s);
                check(v != nullptr, [&] { return where_ + ": '" + key + "' lacks source '" + s + "'"; });
                to.push_back(one(*v));
            }
        };
        auto const  count = [this](io::json const& v) { return whole(v); };
        metrics_row r;
        r.step = step(), r.stage_number = static_cast<int>(whole(need("stage_number"))), r.stage = text(need("stage"));
        r.tokens = whole(need("tokens")), r.stage_tokens = whole(need("stage_tokens"));
        r.loss = real(need("loss")), r.rate = real(need("rate")), r.gradient_norm = real(need("gradient_norm"));
        r.seconds = real(need("seconds")), r.tokens_per_second = real(need("tokens_per_second"));
        by_source("weights", r.weights, real), by_source("losses", r.losses, real);
        by_source("targets", r.targets, count), by_source("source_tokens", r.source_tokens, count);
        if (all_.find("source_epochs")) by_source("source_epochs", r.source_epochs, count);
        if (auto const p = all_.find("phases")) {
            auto const of = [&](char const* key) { return p->find(key) ? real(*p->find(key)) : 0.0; };
            r.phases = {of("data"), of("compute"), of("update"), of("checkpoint"), of("evaluation")};
        }
        if (auto const v = all_.find("routers"))
            if (auto const o = v->as<io::json::object>())
                for (auto const& [name, values] : *o) r.routers.push_back(router(name, values));
        if (auto const v = all_.find("mtp_losses"))
            if (auto const a = v->as<io::json::array>())
                for (auto const& x : *a) r.mtp_losses.push_back(real(x));
        if (auto const n = all_.find("noise")) {
            r.noise_scale = real(need_of(*n, "scale")), r.noise_error = real(need_of(*n, "error"));
            for (auto const& s : into.sources) r.source_noise.push_back(real(need_of(need_of(*n, "by_source"), s)));
        }
        return r;
    }
    router_row router(std::string const& name, io::json const& values) const {
        router_row r{name, real(need_of(values, "heaviest")), real(need_of(values, "lightest")), real(need_of(values, "overflow")), {}};
        if (auto const a = need_of(values, "losses").as<io::json::array>())
            for (auto const& x : *a) r.losses.push_back(real(x));
        return r;
    }
    /// The keys of an object in the order of the text: that of the recipe.
    std::vector<std::string> in_order(io::json const& object) const {
        std::vector<std::pair<std::size_t, std::string>> found;
        auto const                                       from = line_.find("\"weights\"") + 9;
        if (auto const o = object.as<io::json::object>())
            for (auto const& [name, value] : *o) found.emplace_back(line_.find(io::quoted(name) + ":", from), name);
        std::sort(found.begin(), found.end());
        std::vector<std::string> names;
        for (auto& f : found) names.push_back(std::move(f.second));
        return names;
    }
    run_beginning beginning() const {
        run_beginning b{{}, text(need("parent"))};
        if (auto const a = need("settings").as<io::json::array>())
            for (auto const& pair : *a)
                if (auto const p = pair.as<io::json::array>(); p && p->size() == 2) b.settings.emplace_back(text((*p)[0]), text((*p)[1]));
        return b;
    }

    std::string_view line_;
    std::string      where_;
    io::json         all_;
};

}  // namespace detail

/// The steps and events of a metrics file, for charts. Half a last line is passed over.
inline metrics read_metrics(std::string const& path) {
    metrics all;
    read_lines(path, [&](std::string_view line, std::string const& where) { detail::metrics_line(line, where).read_into(all); });
    return all;
}

/// An observer that appends a line of JSON a step to a file and hands it to the system at once. Lines of an earlier run beyond the step
/// that this one goes on from are cut off, so the file always tells of one run without gap or repetition.
class metrics_file {
  public:
    /// `resumed` is the number of steps that a loaded checkpoint had done; 0 begins the file anew.
    explicit metrics_file(std::string path, std::int64_t resumed = 0) : path_(std::move(path)) {
        cut(resumed);
        file_.emplace(path_);
    }

    /// A step; one that was taken back is an event alone, and takes the steps after it with it.
    void operator()(report const& r) {
        if (r.fault == "rewound") return rewind({"rewound", r.step, 0, std::string(r.fault_text)});
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
        if (!r.source_epochs.empty()) by_source(r, "source_epochs", [&](std::size_t i) { return std::to_string(r.source_epochs[i]); });
        if (r.phases.sum() > 0) phases(r.phases);
        if (r.noise.steps > 0) noise(r);
        if (!r.routers.empty()) routers(r);
        if (!r.mtp_losses.empty()) mtp_losses(r);
        line_.append("}\n");
        file_->append(line_);
        step_ = r.step;
        if (!r.fault.empty()) note({std::string(r.fault), r.step, before_ + seen_, std::string(r.fault_text)});
    }

    /// Notes how the run is set up; a run that goes on unchanged notes nothing. `settings` are lines `key=value`.
    void began(std::string_view settings, std::string const& parent = {}) {
        run_beginning now{{}, parent};
        io::json::array listed;
        for (std::size_t at = 0; at < settings.size();) {
            auto const end  = std::min(settings.find('\n', at), settings.size());
            auto const line = settings.substr(at, end - at), key = line.substr(0, line.find('='));
            now.settings.emplace_back(key, key.size() < line.size() ? line.substr(key.size() + 1) : "");
            listed.push_back({io::json::array{{now.settings.back().first}, {now.settings.back().second}}});
            at = end + 1;
        }
        if (began_ == now) return;
        began_ = std::move(now);
        file_->append(head("began", step_, before_ + seen_, "") + ",\"settings\":" + io::written(io::json{std::move(listed)}) +
                      ",\"parent\":" + io::quoted(parent) + "}\n");
    }
    /// Notes an event; its step is the one that is done when the run goes on, and so never beyond that of a later line.
    void note(run_event const& e) { file_->append(head(e.what, e.step, e.tokens, e.text) + "}\n"); }

    /// Takes what lies beyond `e.step` back and notes why, with the tokens that the file then tells of; earlier events stay.
    void rewind(run_event e) {
        std::string kept;
        metrics     all;
        read_lines(path_, [&](std::string_view line, std::string const& where) {
            detail::metrics_line const l(line, where);
            if (l.step() > e.step) return;
            kept.append(line).append("\n");
            l.read_into(all);
        });
        go_on_after(all);
        file_.reset();
        io::write_whole(path_, kept);
        file_.emplace(path_);
        e.tokens = before_ + seen_;
        note(e);
    }

  private:
    static std::string head(std::string const& what, std::int64_t step, std::int64_t tokens, std::string const& text) {
        return "{\"event\":" + io::quoted(what) + ",\"step\":" + std::to_string(step) + ",\"tokens\":" + std::to_string(tokens) +
               ",\"text\":" + io::quoted(text);
    }
    /// Keeps the lines up to a step.
    void cut(std::int64_t resumed) {
        if (!io::exists(path_)) return;
        metrics all;
        keep_lines(path_, [&](std::string_view line, std::string const& where) {
            detail::metrics_line const l(line, where);
            bool const                 kept = resumed > 0 && l.step() <= resumed;
            if (kept) l.read_into(all);
            return kept;
        });
        go_on_after(all);
    }
    /// Takes from the last step how many tokens there were.
    void go_on_after(metrics const& all) {
        stage_ = 0, before_ = 0, seen_ = 0, step_ = 0, began_ = all.began;
        if (all.rows.empty()) return;
        auto const& row = all.rows.back();
        stage_ = row.stage_number, seen_ = row.stage_tokens, before_ = row.tokens - row.stage_tokens, step_ = row.step;
    }
    template <class Text>
    void by_source(report const& r, char const* key, Text const& text) {
        line_.append(",\"").append(key).append("\":{");
        for (std::size_t i = 0; i < r.sources.size(); ++i)
            line_.append(i > 0 ? "," : "").append(io::quoted(r.sources[i])).append(":").append(text(i));
        line_.append("}");
    }
    void noise(report const& r) {
        line_.append(",\"noise\":{\"scale\":").append(io::written(r.noise.value()));
        line_.append(",\"error\":").append(io::written(r.noise.error));
        by_source(r, "by_source", [&](std::size_t i) { return io::written(r.source_noise[i]); });
        line_.append("}");
    }
    void routers(report const& r) {
        line_.append(",\"routers\":{");
        for (auto const& one : r.routers) {
            auto const load = r.load(one);
            line_.append(&one == r.routers.data() ? "" : ",").append(io::quoted(one.name));
            line_.append(":{\"heaviest\":").append(io::written(load.heaviest())).append(",\"lightest\":").append(io::written(load.lightest()));
            line_.append(",\"overflow\":").append(io::written(load.overflow_share())).append(",\"losses\":[");
            for (index_t k = 0; k < router_load::losses; ++k) line_.append(k > 0 ? "," : "").append(io::written(load.loss(k)));
            line_.append("]}");
        }
        line_.append("}");
    }
    void mtp_losses(report const& r) {
        line_.append(",\"mtp_losses\":[");
        for (std::size_t k = 0; k < r.mtp_losses.size(); ++k) line_.append(k > 0 ? "," : "").append(io::written(r.mtp_losses[k]));
        line_.append("]");
    }
    void phases(step_phases const& p) {
        line_.append(",\"phases\":{\"data\":").append(io::written(p.data)).append(",\"compute\":").append(io::written(p.compute));
        line_.append(",\"update\":").append(io::written(p.update)).append(",\"checkpoint\":").append(io::written(p.checkpoint));
        line_.append(",\"evaluation\":").append(io::written(p.evaluation)).append("}");
    }

    std::string              path_, line_;
    std::optional<line_file> file_;
    int                      stage_ = 0;
    std::int64_t             before_ = 0, seen_ = 0, step_ = 0;  // tokens of earlier stages, of this one; steps in the file
    run_beginning            began_;
};

}  // namespace midtrain::inline MT_ABI
