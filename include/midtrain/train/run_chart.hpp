#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/held_out_panel.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/plot.hpp>
#include <midtrain/train/run_series.hpp>
#include <midtrain/train/svg.hpp>

namespace midtrain::inline MT_ABI {

struct run_chart_options {
    std::string                title = "Training run";
    std::vector<held_out_loss> held_out;          ///< sources in the recipe's order; without any the chart has three panels
    held_out_kind              held_out_is = held_out_kind::loss;
    double                     smoothing = 0.02;  ///< share of a stage's steps over which losses are averaged
};

namespace chart {

/// The losses of all sources, then of all together, as lines.
inline std::vector<series> loss_series(metrics const& m, std::vector<stage_span> const& stages, double smoothing) {
    std::vector<series> all;
    for (std::size_t k = 0; k < m.sources.size(); ++k) all.push_back({m.sources[k], look_of(k), loss_pieces(m, stages, k, smoothing)});
    all.push_back({"all", black, loss_pieces(m, stages, m.sources.size(), smoothing), 2.4, true});
    return all;
}

/// The mixture that was planned, as tops of areas: for draw_areas.
struct planned_mixture {
    std::vector<double>              x;
    std::vector<std::vector<double>> tops;

    planned_mixture(metrics const& m, std::vector<stage_span> const& stages) : tops(m.sources.size() + 1) {
        auto const add = [&](double at, metrics_row const& r) {
            double sum = 0;
            x.push_back(at);
            tops[0].push_back(0);
            for (std::size_t k = 0; k < r.weights.size(); ++k) tops[k + 1].push_back(sum += r.weights[k]);
        };
        for (auto const& s : stages) {
            add(s.begins, m.rows[s.first]);
            for (auto i : thinned(m, s)) add(static_cast<double>(m.rows[i].tokens), m.rows[i]);
        }
    }
};

/// In the order of the areas, from above, with the weights at the run's start and end.
inline void draw_mixture_legend(svg& to, plot const& p, metrics const& m, double until) {
    auto const   n    = m.sources.size();
    double const step = std::min(24.0, (p.bottom - p.top) / static_cast<double>(n));
    for (std::size_t k = 0; k < n; ++k) {
        double const y   = p.top + 12 + step * static_cast<double>(n - 1 - k);
        auto const   key = " data-key=\"" + escaped(m.sources[k]) + "\"";
        to.rectangle(p.right + 12, y - 9, 11, 11, "fill-opacity=\"0.78\" fill=\"" + std::string(look_of(k).colour) + "\"" + key);
        auto const change = number("%.2f", m.rows.front().weights[k]) + "\u2192" + number("%.2f", m.rows.back().weights[k]);
        to.text({p.right + 28, y}, fitted(m.sources[k], 11, until - p.right - 34 - text_width(change, 10)), 11, "start",
                "fill=\"#333333\"" + key);
        to.text({until, y}, change, 10, "end", "fill=\"#555555\"");
    }
}

inline void draw_stage_names(svg& to, plot const& p, std::vector<stage_span> const& stages, double y) {
    for (auto const& s : stages) {
        double const a = p.x(s.begins), b = p.x(s.ends);
        to.text({(a + b) / 2, y}, fitted(s.name, 12, b - a - 6), 12, "middle", "fill=\"#333333\" font-style=\"italic\"");
        if (b > a + 5) to.line({a + 2, y + 6}, {b - 2, y + 6}, "stroke=\"#999999\" stroke-width=\"2\"");
    }
}
inline std::vector<double> boundaries_of(std::vector<stage_span> const& stages) {
    std::vector<double> all;
    for (std::size_t s = 1; s < stages.size(); ++s) all.push_back(stages[s].begins);
    return all;
}
inline void draw_tokens_axis(svg& to, plot const& p, int most) {
    for (double t : p.x.ticks(most)) to.text({p.x(t), p.bottom + 17}, tokens_label(t), 11, "middle", "fill=\"#555555\"");
    to.text({(p.left + p.right) / 2, p.bottom + 36}, "tokens seen", 12, "middle");
}

/// A run over its tokens: rate, mixture, loss, and what was held out.
class run_drawing {
  public:
    run_drawing(metrics const& m, run_chart_options const& how)
        : m_(m), how_(how), stages_(stages_of(m)), held_(how.held_out, m.sources, how.held_out_is),
          x_{stages_.front().begins, stages_.back().ends, left, right, false}, to_(width, loss_bottom + 60 + held_.height(), how.title) {}

    std::string draw() {
        to_.text({left, 28}, fitted(how_.title, 17, width - 2 * left), 17, "start", "fill=\"#111111\" font-weight=\"bold\"");
        rate();
        mixture();
        loss();
        held_.draw(to_, left - 38, loss_bottom + 66, width - 22);
        return to_.finish();
    }

  private:
    static constexpr double width = 900, left = 66, right = 722, rate_top = 100, rate_bottom = 210, mixture_top = 254, mixture_bottom = 430,
                            loss_top = 474, loss_bottom = 736;

    plot ground(std::string_view title, double top, double bottom, axis y) {
        plot const p{left, top, right, bottom, x_, y};
        draw_title(to_, {left, top - 10}, title);
        draw_ground(to_, p);
        return p;
    }
    void rate() {
        double most = 0;
        for (auto const& r : m_.rows) most = std::max(most, r.rate);
        auto const p = ground("Learning rate", rate_top, rate_bottom, {0, most > 0 ? 1.06 * most : 1, rate_bottom, rate_top, false});
        draw_scale(to_, p.y, left, right, 4, rate_label);
        draw_stage_names(to_, p, stages_, rate_top - 40);
        draw_boundaries(to_, p, boundaries_of(stages_));
        draw_series(to_, p, {"rate", black, {steps_of(m_, stages_, [](metrics_row const& r) { return r.rate; })}, 1.8});
    }
    void mixture() {
        auto const p =
            ground("Mixture (share of tokens by source)", mixture_top, mixture_bottom, {0, 1, mixture_bottom, mixture_top, false});
        draw_scale(to_, p.y, left, right, 5, tick_label(p.y, 5));
        planned_mixture const planned(m_, stages_);
        draw_areas(to_, p, planned.x, planned.tops, m_.sources);
        draw_boundaries(to_, p, boundaries_of(stages_));
        draw_mixture_legend(to_, p, m_, width - 4);
    }
    void loss() {
        auto const lines  = loss_series(m_, stages_, how_.smoothing);
        auto [low, high] = range_of(lines);
        if (low > high) low = 0, high = 1;
        auto const p =
            ground("Training loss (nats per token, smoothed)", loss_top, loss_bottom, with_room(low, high, loss_bottom, loss_top));
        draw_scale(to_, p.y, left, right, 7, tick_label(p.y, 7));
        draw_boundaries(to_, p, boundaries_of(stages_));
        for (auto const& s : lines) draw_series(to_, p, s);
        draw_end_labels(to_, p, lines, width - 4, [](double v) { return number("%.3f", v); });
        draw_tokens_axis(to_, p, 8);
    }

    metrics const&           m_;
    run_chart_options const& how_;
    std::vector<stage_span>  stages_;
    held_out_panel           held_;
    axis                     x_;
    svg                      to_;
};

}  // namespace chart

/// A run as one self-contained SVG: learning rate, mixture, training loss by source over tokens, and held-out losses where given.
inline std::string draw_run_chart(metrics const& m, run_chart_options const& how = {}) {
    check(!m.rows.empty(), "a chart of a run needs at least one step");
    for (auto const& h : how.held_out)
        check(h.loss.low <= h.loss.high && std::isfinite(h.loss.low + h.loss.value + h.loss.high),
              [&] { return "the held-out loss of " + h.model + " on " + h.source + " is no number between two bounds"; });
    return chart::run_drawing(m, how).draw();
}

}  // namespace midtrain::inline MT_ABI
