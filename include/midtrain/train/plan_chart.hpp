#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/plan.hpp>
#include <midtrain/train/plot.hpp>
#include <midtrain/train/run_series.hpp>
#include <midtrain/train/svg.hpp>

namespace midtrain::inline MT_ABI {

struct plan_chart_options {
    std::string            title = "Plan of a run";
    std::optional<metrics> against{};          ///< what really happened: drawn over the plan
    double                 smoothing = 0.02;   ///< share of a stage's steps over which realised shares are averaged
};

namespace chart {

/// A plan over its tokens: rate, batch, lengths, mixture; with what happened as dashed lines.
class plan_drawing {
  public:
    plan_drawing(run_plan const& p, plan_chart_options const& how) : p_(p), how_(how), to_(width, mixture_bottom + 52, how.title) {
        double at = 0;
        for (auto const& s : p.stages) starts_.push_back(at), at += static_cast<double>(s.tokens);
        x_ = {0, at, left, right, false};
    }

    std::string draw() {
        to_.text({left, 28}, fitted(how_.title, 17, width - 2 * left), 17, "start", "fill=\"#111111\" font-weight=\"bold\"");
        if (how_.against) {
            to_.line({right - 150, 44}, {right - 122, 44}, happened());
            to_.text({right - 116, 48}, "what happened", 11, "start", "fill=\"#555555\"");
        }
        rate();
        batch();
        lengths();
        mixture();
        return to_.finish();
    }

  private:
    static constexpr double width = 900, left = 66, right = 722, rate_top = 92, rate_bottom = 202, batch_top = 240, batch_bottom = 310,
                            lengths_top = 348, lengths_bottom = 418, mixture_top = 456, mixture_bottom = 636;

    static std::string happened() { return svg::stroke({"#D55E00", "5 3"}, 1.8); }
    plot ground(std::string_view title, double top, double bottom, axis y) {
        plot const p{left, top, right, bottom, x_, y};
        draw_title(to_, {left, top - 10}, title);
        draw_ground(to_, p);
        return p;
    }
    static std::string length_label(double v) { return v >= 1024 ? number("%.4g", v / 1024) + "K" : number("%g", v); }
    static axis from_zero(double most, double top, double bottom) { return {0, most > 0 ? 1.08 * most : 1, bottom, top, false}; }
    std::vector<double> boundaries() const { return {starts_.begin() + (starts_.empty() ? 0 : 1), starts_.end()}; }

    // value(stage, point) as level pieces, each from its step to the next.
    template <class F>
    std::vector<std::vector<point>> steps_of_plan(F const& value) const {
        std::vector<std::vector<point>> all;
        for (std::size_t n = 0; n < p_.stages.size(); ++n) {
            auto const&        s = p_.stages[n];
            std::vector<point> line;
            for (auto const& c : s.curve) {
                double const x = starts_[n] + static_cast<double>(c.tokens), y = value(s, c);
                if (!line.empty() && line.back().y != y) line.push_back({x, line.back().y});
                line.push_back({x, y});
            }
            if (!line.empty()) line.push_back({starts_[n] + static_cast<double>(s.tokens), line.back().y});
            all.push_back(std::move(line));
        }
        return all;
    }
    // value(row, row before or null) of what happened, within the plan's tokens.
    template <class F>
    void draw_happened(plot const& p, std::string const& name, F const& value) {
        if (!how_.against) return;
        auto const& rows = how_.against->rows;
        for (auto const& s : stages_of(*how_.against)) {
            std::vector<point> line;
            for (auto i : thinned(*how_.against, s)) {
                double const v = value(i, s);
                auto const   x = static_cast<double>(i > 0 && i > s.first ? rows[i - 1].tokens : rows[i].tokens - step_tokens(i));
                if (x <= x_.high) line.push_back({p.x(x), p.y(std::clamp(v, p.y.low, p.y.high))});
            }
            if (line.size() > 1) to_.polyline(line, happened() + " data-name=\"" + escaped(name) + "\"");
            else if (line.size() == 1) to_.circle(line[0], 2.6, "fill=\"#D55E00\" data-name=\"" + escaped(name) + "\"");
        }
    }
    std::int64_t step_tokens(std::size_t row) const {
        auto const& rows  = how_.against->rows;
        bool const  first = row == 0 || rows[row - 1].stage_number != rows[row].stage_number;
        return first ? rows[row].stage_tokens : rows[row].tokens - rows[row - 1].tokens;
    }
    void rate() {
        double most = 0;
        for (auto const& s : p_.stages) most = std::max(most, s.rate_highest);
        if (how_.against)
            for (auto const& r : how_.against->rows) most = std::max(most, r.rate);
        auto const p = ground("Learning rate", rate_top, rate_bottom, from_zero(most, rate_top, rate_bottom));
        draw_scale(to_, p.y, left, right, 4, rate_label);
        for (std::size_t n = 0; n < p_.stages.size(); ++n) {
            double const a = p.x(starts_[n]), b = p.x(starts_[n] + static_cast<double>(p_.stages[n].tokens));
            to_.text({(a + b) / 2, rate_top - 30}, fitted(p_.stages[n].name, 12, b - a - 6), 12, "middle",
                     "fill=\"#333333\" font-style=\"italic\"");
        }
        draw_boundaries(to_, p, boundaries());
        draw_series(to_, p, {"rate", black, steps_of_plan([](stage_plan const&, plan_point const& c) { return c.rate; }), 1.8});
        draw_happened(p, "rate that happened", [&](std::size_t i, stage_span const&) { return how_.against->rows[i].rate; });
    }
    void batch() {
        double     most = 0;
        auto const size = [](stage_plan const& s, plan_point const& c) { return static_cast<double>(c.sequences * s.length); };
        for (auto const& s : p_.stages)
            for (auto const& c : s.curve) most = std::max(most, size(s, c));
        auto const p = ground("Batch (tokens a step)", batch_top, batch_bottom, from_zero(most, batch_top, batch_bottom));
        draw_scale(to_, p.y, left, right, 3, tokens_label);
        draw_boundaries(to_, p, boundaries());
        draw_series(to_, p, {"batch", black, steps_of_plan(size), 1.8});
        draw_happened(p, "batch that happened", [&](std::size_t i, stage_span const&) { return static_cast<double>(step_tokens(i)); });
    }
    void lengths() {
        double least = 1e300, most = 0;
        for (auto const& s : p_.stages) {
            least = std::min({least, static_cast<double>(s.length), static_cast<double>(s.context)});
            most  = std::max({most, static_cast<double>(s.length), static_cast<double>(s.context)});
        }
        auto const p = ground("Length of sequences, and what the positions reach (tokens)", lengths_top, lengths_bottom,
                              {least / 1.5, most * 1.5, lengths_bottom, lengths_top, true});
        draw_scale(to_, p.y, left, right, 3, length_label);
        draw_boundaries(to_, p, boundaries());
        std::vector<series> const both{
            {"positions", look_of(4), steps_of_plan([](stage_plan const& s, plan_point const&) { return static_cast<double>(s.context); }), 4.5},
            {"sequences", black, steps_of_plan([](stage_plan const& s, plan_point const&) { return static_cast<double>(s.length); }), 1.8}};
        for (auto const& s : both) draw_series(to_, p, s);
        draw_end_labels(to_, p, both, width - 4, length_label);
    }
    void mixture() {
        auto const p = ground("Mixture (share of tokens by source)", mixture_top, mixture_bottom, {0, 1, mixture_bottom, mixture_top, false});
        draw_scale(to_, p.y, left, right, 5, tick_label(p.y, 5));
        std::vector<double>              x;
        std::vector<std::vector<double>> tops(p_.sources.size() + 1);
        auto const add = [&](double at, std::vector<double> const& w) {
            double sum = 0;
            x.push_back(at);
            tops[0].push_back(0);
            for (std::size_t k = 0; k < p_.sources.size(); ++k) tops[k + 1].push_back(sum += w[k]);
        };
        for (std::size_t n = 0; n < p_.stages.size(); ++n) {
            for (auto const& c : p_.stages[n].curve) add(starts_[n] + static_cast<double>(c.tokens), c.weights);
            if (!p_.stages[n].curve.empty()) add(starts_[n] + static_cast<double>(p_.stages[n].tokens), p_.stages[n].weights_last);
        }
        draw_areas(to_, p, x, tops, p_.sources);
        draw_boundaries(to_, p, boundaries());
        legend(p);
        realised(p);
        for (double t : p.x.ticks(8)) to_.text({p.x(t), p.bottom + 17}, tokens_label(t), 11, "middle", "fill=\"#555555\"");
        to_.text({(left + right) / 2, p.bottom + 36}, "tokens", 12, "middle");
    }
    // The upper edges of the sources' shares as they were drawn, in the metrics' order, which is the plan's.
    void realised(plot const& p) {
        if (!how_.against) return;
        for (auto const& s : stages_of(*how_.against)) {
            std::vector<double> top(s.end - s.first, 0.0);
            for (std::size_t k = 0; k + 1 < p_.sources.size(); ++k) {
                auto const share = drawn_share(*how_.against, s, k, how_.smoothing);
                for (std::size_t i = 0; i < top.size(); ++i) top[i] += share[i] == share[i] ? share[i] : 0.0;
                std::vector<point> line;
                for (auto i : thinned(*how_.against, s)) {
                    auto const at = static_cast<double>(how_.against->rows[i].tokens);
                    if (at <= x_.high) line.push_back({p.x(at), p.y(std::min(1.0, top[i - s.first]))});
                }
                if (line.size() > 1)
                    to_.polyline(line, svg::stroke({"#111111", "5 3"}, 1.4) + " data-name=\"" + escaped(p_.sources[k] + " that was drawn") + "\"");
            }
        }
    }
    void legend(plot const& p) {
        auto const   n    = p_.sources.size();
        double const step = std::min(24.0, (p.bottom - p.top) / static_cast<double>(n > 0 ? n : 1));
        for (std::size_t k = 0; k < n; ++k) {
            double const y   = p.top + 12 + step * static_cast<double>(n - 1 - k);
            auto const   key = " data-key=\"" + escaped(p_.sources[k]) + "\"";
            to_.rectangle(p.right + 12, y - 9, 11, 11, "fill-opacity=\"0.78\" fill=\"" + std::string(look_of(k).colour) + "\"" + key);
            auto const change = number("%.2f", p_.stages.front().weights_first[k]) + "\u2192" + number("%.2f", p_.stages.back().weights_last[k]);
            to_.text({p.right + 28, y}, fitted(p_.sources[k], 11, width - 4 - p.right - 34 - text_width(change, 10)), 11, "start",
                     "fill=\"#333333\"" + key);
            to_.text({width - 4, y}, change, 10, "end", "fill=\"#555555\"");
        }
    }

    run_plan const&           p_;
    plan_chart_options const& how_;
    std::vector<double>       starts_;
    axis                      x_;
    svg                       to_;
};

}  // namespace chart

/// A plan as one self-contained SVG: learning rate, batch, lengths and mixture over tokens; with metrics, what happened over it. Throws
/// midtrain::error where the metrics are of other sources.
inline std::string draw_plan(run_plan const& p, plan_chart_options const& how = {}) {
    check(!p.stages.empty(), "a chart of a plan needs at least one stage");
    if (how.against)
        check(how.against->sources == p.sources, "the metrics are those of a run with other sources than the plan's");
    return chart::plan_drawing(p, how).draw();
}

}  // namespace midtrain::inline MT_ABI
