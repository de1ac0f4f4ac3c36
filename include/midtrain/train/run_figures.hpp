#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/held_out_panel.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/plot.hpp>
#include <midtrain/train/run_chart.hpp>
#include <midtrain/train/run_series.hpp>
#include <midtrain/train/svg.hpp>
#include <midtrain/train/written.hpp>

// The figures of a report on one run, each an SVG without a heading: the page gives it one.
namespace midtrain::inline MT_ABI::chart {

/// Pixels; `labels` is the room to the right of the plot.
struct figure_size {
    double width = 480, height = 280, labels = 116;
};
inline constexpr figure_size small_figure{}, bare_figure{480, 280, 14};

/// Half a dozen steps at least, a fiftieth of a stage at least: short runs are noisy.
inline double smoothing_for(std::vector<stage_span> const& stages, double least = 0.02) {
    std::size_t rows = 1;
    for (auto const& s : stages) rows = std::max(rows, s.end - s.first);
    return std::clamp(12.0 / static_cast<double>(rows), least, 0.25);
}

/// A plot over tokens with scales, stages and room for labels.
class token_figure {
  public:
    token_figure(std::string_view title, figure_size size, std::vector<stage_span> const& stages, axis y)
        : to_(size.width, size.height, title), stages_(stages), until_(size.width - 4) {
        plot_ = {54, stages.size() > 1 ? 34.0 : 14.0, size.width - size.labels, size.height - 46, {}, y};
        plot_.x      = {stages.front().begins, stages.back().ends, plot_.left, plot_.right, false};
        plot_.y.from = plot_.bottom, plot_.y.to = plot_.top;
    }

    svg&        to() { return to_; }
    plot const& ground() const { return plot_; }
    double      until() const { return until_; }

    template <class Label>
    void scales(Label const& label) {
        draw_ground(to_, plot_, ticks());
        if (plot_.y.logarithmic) decades(label);
        else draw_scale(to_, plot_.y, plot_.left, plot_.right, 5, label);
        if (stages_.size() > 1) draw_stage_names(to_, plot_, stages_, plot_.top - 16);
        draw_tokens_axis(to_, plot_, ticks());
    }
    void boundaries() { draw_boundaries(to_, plot_, boundaries_of(stages_)); }
    std::string finish() const { return to_.finish(); }

  private:
    int ticks() const { return std::max(3, static_cast<int>((plot_.right - plot_.left) / 80)); }
    /// Powers of ten, and their double and fivefold where these are few.
    template <class Label>
    void decades(Label const& label) {
        auto const& y    = plot_.y;
        bool const  fine = y.high < 100 * y.low;
        for (int e = static_cast<int>(std::floor(std::log10(y.low))); std::pow(10, e) <= y.high; ++e)
            for (double m : {1.0, 2.0, 5.0})
                if (double const v = m * std::pow(10, e); (fine || m == 1) && v >= y.low && v <= y.high) {
                    to_.line({plot_.left, y(v)}, {plot_.right, y(v)}, "stroke=\"#e4e4e4\" stroke-width=\"1\"");
                    to_.text({plot_.left - 7, y(v) + 4}, label(v), 11, "end", "fill=\"#555555\"");
                }
    }

    svg                     to_;
    std::vector<stage_span> stages_;
    plot                    plot_;
    double                  until_;
};

inline std::string loss_label(double v) { return number("%.3f", v); }

/// Room around lines, and something to look at where there is no line.
inline axis scale_of(std::vector<series> const& lines) {
    auto const [low, high] = range_of(lines);
    return low <= high ? with_room(low, high, 0, 1) : axis{0, 1, 0, 1, false};
}

inline std::string loss_figure(metrics const& m, figure_size size) {
    auto const   stages = stages_of(m);
    auto const   lines  = loss_series(m, stages, smoothing_for(stages));
    token_figure f("Training loss by source in nats a token over tokens", size, stages, scale_of(lines));
    f.scales(tick_label(f.ground().y, 5));
    f.boundaries();
    for (auto const& s : lines) draw_series(f.to(), f.ground(), s);
    draw_end_labels(f.to(), f.ground(), lines, f.until(), loss_label);
    return f.finish();
}

/// One number of a row over tokens, on a scale from zero.
template <class Value, class Label>
std::string number_figure(metrics const& m, std::string_view title, std::string const& name, Value const& value, Label const& label,
                          figure_size size = bare_figure) {
    auto const stages = stages_of(m);
    double     most   = 0;
    for (auto const& r : m.rows)
        if (std::isfinite(value(r))) most = std::max(most, value(r));
    token_figure f(title, size, stages, {0, most > 0 ? 1.08 * most : 1, 0, 1, false});
    f.scales(label);
    f.boundaries();
    draw_series(f.to(), f.ground(), {name, look_of(0), {steps_of(m, stages, value)}, 1.8});
    return f.finish();
}

inline std::string rate_figure(metrics const& m) {
    return number_figure(m, "Learning rate over tokens", "rate", [](metrics_row const& r) { return r.rate; }, rate_label);
}
/// Tokens of each step.
inline std::string batch_figure(metrics const& m) {
    auto const batch = [&](metrics_row const& r) {
        auto i = static_cast<std::size_t>(&r - m.rows.data());
        if (i == 0 && r.step != 1 && m.rows.size() > 1) i = 1;  // the file begins in the middle of a run
        return static_cast<double>(m.rows[i].tokens - (i > 0 ? m.rows[i - 1].tokens : 0));
    };
    return number_figure(m, "Tokens of a batch over tokens", "tokens a step", batch, tokens_label);
}
inline std::string speed_figure(metrics const& m) {
    return number_figure(
        m, "Tokens a second over tokens", "tokens/s", [](metrics_row const& r) { return r.tokens_per_second; }, tokens_label);
}

/// Areas: the plan. Lines: the upper edges of what was drawn, in a window of a tenth of the stage.
inline std::string mixture_figure(metrics const& m, figure_size size = {480, 280, 146}) {
    auto const   stages = stages_of(m);
    token_figure f("Share of tokens by source: planned as areas, drawn as lines", size, stages, {0, 1, 0, 1, false});
    f.scales([](double v) { return number("%.0f %%", 100 * v); });
    planned_mixture const planned(m, stages);
    draw_areas(f.to(), f.ground(), planned.x, planned.tops, m.sources);
    for (auto const& s : stages) {
        std::vector<double> edge(s.end - s.first, 0.0);
        for (std::size_t k = 0; k + 1 < m.sources.size(); ++k) {
            auto const share = drawn_share(m, s, k, 0.1);
            for (std::size_t i = 0; i < edge.size(); ++i) edge[i] += share[i];
            draw_series(f.to(), f.ground(),
                        {"drawn up to " + m.sources[k], black,
                         pieces_of(m, {s}, [&](auto const& in, std::size_t row) { return edge[row - in.first]; }), 1.1});
        }
    }
    f.boundaries();
    draw_mixture_legend(f.to(), f.ground(), m, f.until());
    return f.finish();
}

/// The norm before clipping on a scale of powers of ten, with spikes as rings.
inline std::string gradient_figure(metrics const& m, figure_size size = bare_figure) {
    auto const stages = stages_of(m);
    double     low = 1e300, high = 0;
    for (auto const& r : m.rows)
        if (std::isfinite(r.gradient_norm) && r.gradient_norm > 0)
            low = std::min(low, r.gradient_norm), high = std::max(high, r.gradient_norm);
    if (high == 0) low = 0.1, high = 1;
    token_figure f("Gradient norm before clipping over tokens, log scale", size, stages, {low / 1.3, high * 1.3, 0, 1, true});
    f.scales(plain_label);
    f.boundaries();
    auto const stride = std::max<std::size_t>(1, m.rows.size() / 400);
    auto const most   = [&](stage_span const& s, std::size_t row) {  // of the rows that one point stands for: no spike is lost
        double v = std::nan("");
        for (auto i = row; i < std::min(s.end, row + stride); ++i)
            if (double const x = m.rows[i].gradient_norm; x > 0 && std::isfinite(x) && !(v >= x)) v = x;
        return v;
    };
    draw_series(f.to(), f.ground(), {"gradient norm", look_of(0), pieces_of(m, stages, most), 1.4});
    for (auto i : spikes_of(m))
        if (std::isfinite(m.rows[i].gradient_norm))
            f.to().circle({f.ground().x(static_cast<double>(m.rows[i].tokens)), f.ground().y(m.rows[i].gradient_norm)}, 4.5,
                          "fill=\"none\" stroke=\"#D55E00\" stroke-width=\"1.8\"");
    return f.finish();
}

inline constexpr std::array<std::pair<char const*, double step_phases::*>, 5> phase_names{{{"forward and backward", &step_phases::compute},
                                                                                            {"update", &step_phases::update},
                                                                                            {"data", &step_phases::data},
                                                                                            {"checkpoints", &step_phases::checkpoint},
                                                                                            {"evaluation", &step_phases::evaluation}}};
inline step_phases summed_phases(metrics const& m) {
    step_phases all;
    for (auto const& r : m.rows)
        for (auto const& [name, phase] : phase_names) all.*phase += r.phases.*phase;
    return all;
}
/// One bar a name, of seconds by phase; the share of each phase stands in the legend of a single bar.
inline std::string phases_figure(std::vector<std::pair<std::string, step_phases>> const& all, double width = 480) {
    double const left = all.size() > 1 ? 120 : 14, bar = all.size() > 1 ? 22 : 34;
    double       most = 0, y = 12;
    for (auto const& [name, p] : all) most = std::max(most, p.sum());
    double const legend = 22 * static_cast<double>(phase_names.size());
    svg          to(width, y + (bar + 8) * static_cast<double>(all.size()) + 18 + legend, "Time by phase");
    for (auto const& [name, p] : all) {
        double x = left;
        if (all.size() > 1) to.text({left - 8, y + bar / 2 + 4}, fitted(name, 11, left - 12), 11, "end");
        for (std::size_t k = 0; k < phase_names.size(); ++k) {
            double const w = p.*phase_names[k].second / most * (width - left - 60);
            if (w >= 0.5) to.rectangle(x, y, w, bar, "fill=\"" + std::string(look_of(k).colour) + "\" stroke=\"#ffffff\"");
            x += w;
        }
        to.text({x + 6, y + bar / 2 + 4}, written_duration(p.sum()), 11, "start", "fill=\"#555555\"");
        y += bar + 8;
    }
    for (std::size_t k = 0; k < phase_names.size(); ++k) {
        double const at = y + 18 + 22 * static_cast<double>(k);
        to.rectangle(left, at - 9, 11, 11, "fill=\"" + std::string(look_of(k).colour) + "\"");
        to.text({left + 18, at}, phase_names[k].first, 12);
        if (all.size() == 1) {
            double const seconds = all[0].second.*phase_names[k].second;
            to.text({left + 220, at}, number("%.1f %%", 100 * seconds / all[0].second.sum()), 12, "end", "fill=\"#111111\"");
            to.text({left + 290, at}, written_duration(seconds), 12, "end", "fill=\"#555555\"");
        }
    }
    return to.finish();
}

/// Held-out loss by source over the evaluations of a run, bars: intervals.
inline std::string held_out_figure(metrics const& m, std::vector<evaluation_record> const& evaluations, figure_size size = small_figure) {
    std::vector<series> lines;
    auto const          of = [&](std::string const& source) -> series& {
        for (auto& s : lines)
            if (s.name == source) return s;
        auto const k = static_cast<std::size_t>(std::find(m.sources.begin(), m.sources.end(), source) - m.sources.begin());
        return lines.emplace_back(series{source, look_of(k < m.sources.size() ? k : lines.size()), {{}}, 1.8, false});
    };
    double low = 1e300, high = -1e300;
    for (auto const& e : evaluations)
        for (auto const& v : e.held_out) {
            if (!std::isfinite(v.loss.value + v.loss.low + v.loss.high)) continue;
            of(v.source).pieces[0].push_back({static_cast<double>(e.tokens), v.loss.value});
            low = std::min(low, v.loss.low), high = std::max(high, v.loss.high);
        }
    if (lines.empty()) return {};
    auto const   stages = stages_of(m);
    token_figure f("Held-out loss by source in nats a token over tokens, with intervals", size, stages, with_room(low, high, 0, 1));
    f.scales(tick_label(f.ground().y, 5));
    f.boundaries();
    auto const& p = f.ground();
    for (auto const& e : evaluations)
        for (auto const& v : e.held_out)
            if (std::isfinite(v.loss.value + v.loss.low + v.loss.high)) {
                double const x = p.x(static_cast<double>(e.tokens));
                f.to().line({x, p.y(v.loss.low)}, {x, p.y(v.loss.high)},
                            "stroke=\"" + std::string(of(v.source).style.colour) + "\" stroke-width=\"4\" stroke-opacity=\"0.3\"");
            }
    for (auto const& s : lines) draw_series(f.to(), p, s);
    draw_end_labels(f.to(), p, lines, f.until(), loss_label);
    return f.finish();
}

}  // namespace midtrain::inline MT_ABI::chart
