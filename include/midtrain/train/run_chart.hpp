#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/held_out_panel.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/svg.hpp>

namespace midtrain::inline MT_ABI {

struct run_chart_options {
    std::string                title = "Training run";
    std::vector<held_out_loss> held_out;          ///< sources in the recipe's order; without any the chart has three panels
    held_out_kind              held_out_is = held_out_kind::loss;
    double                     smoothing = 0.02;  ///< share of a stage's steps over which losses are averaged
};

namespace chart {

/// The steps of one stage.
struct stage_span {
    std::string name;
    std::size_t first = 0, end = 0;  ///< rows
    double      begins = 0, ends = 0;  ///< tokens
};

inline std::vector<stage_span> stages_of(metrics const& m) {
    std::vector<stage_span> all;
    for (std::size_t i = 0; i < m.rows.size(); ++i) {
        auto const& r = m.rows[i];
        if (i == 0 || r.stage_number != m.rows[i - 1].stage_number)
            all.push_back({r.stage, i, i, static_cast<double>(r.tokens - r.stage_tokens), 0});
        all.back().end = i + 1, all.back().ends = static_cast<double>(r.tokens);
    }
    return all;
}

/// Mean over targets of a stage's losses in a window around each step; NaN where the window has no target. `source` counts from 0,
/// beyond the last it is the loss of all.
inline std::vector<double> smoothed_loss(metrics const& m, stage_span const& s, std::size_t source, double share) {
    auto const          n = s.end - s.first, half = static_cast<std::size_t>(share * static_cast<double>(n) / 2);
    std::vector<double> sums(n + 1), counts(n + 1), out(n);
    for (std::size_t i = 0; i < n; ++i) {
        auto const&  row   = m.rows[s.first + i];
        double const count = [&] {
            double all = 0;
            for (std::size_t k = 0; k < row.targets.size(); ++k)
                if (source >= row.targets.size() || k == source) all += static_cast<double>(row.targets[k]);
            return all;
        }();
        double const loss = source < row.losses.size() ? row.losses[source] : row.loss;
        bool const   any  = count > 0 && std::isfinite(loss);
        sums[i + 1] = sums[i] + (any ? loss * count : 0), counts[i + 1] = counts[i] + (any ? count : 0);
    }
    for (std::size_t i = 0; i < n; ++i) {
        auto const a = i < half ? 0 : i - half, b = std::min(n, i + half + 1);
        out[i] = counts[b] > counts[a] ? (sums[b] - sums[a]) / (counts[b] - counts[a]) : std::numeric_limits<double>::quiet_NaN();
    }
    return out;
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

    /// Title, vertical grid, and the stages' boundaries, which the caller draws over its data where that would hide them.
    void frame(std::string_view title, double top, double bottom) {
        to_.text({left, top - 10}, title, 13, "start", "fill=\"#111111\" font-weight=\"bold\"");
        to_.rectangle(left, top, right - left, bottom - top, "fill=\"#fafafa\"");
        for (double t : x_.ticks(8)) to_.line({x_(t), top}, {x_(t), bottom}, "stroke=\"#e4e4e4\" stroke-width=\"1\"");
    }
    void boundaries(double top, double bottom) {
        for (std::size_t s = 1; s < stages_.size(); ++s)
            to_.line({x_(stages_[s].begins), top}, {x_(stages_[s].begins), bottom},
                     "stroke=\"#333333\" stroke-width=\"1\" stroke-dasharray=\"4 3\"");
    }
    /// Rows to draw of a stage: enough for every pixel, its first and last always.
    std::vector<std::size_t> rows(stage_span const& s) const {
        std::vector<std::size_t> all;
        auto const               stride = std::max<std::size_t>(1, m_.rows.size() / 400);
        for (std::size_t i = s.first; i + 1 < s.end; i += stride) all.push_back(i);
        all.push_back(s.end - 1);
        return all;
    }
    double tokens_at(std::size_t row) const { return static_cast<double>(m_.rows[row].tokens); }

    void rate() {
        double most = 0;
        for (auto const& r : m_.rows) most = std::max(most, r.rate);
        axis const y{0, most > 0 ? 1.06 * most : 1, rate_bottom, rate_top, false};
        frame("Learning rate", rate_top, rate_bottom);
        draw_scale(to_, y, left, right, 4, [](double v) { return rate_label(v); });
        for (auto const& s : stages_) {
            double const a = x_(s.begins), b = x_(s.ends);
            to_.text({(a + b) / 2, rate_top - 40}, fitted(s.name, 12, b - a - 6), 12, "middle", "fill=\"#333333\" font-style=\"italic\"");
            if (b > a + 5) to_.line({a + 2, rate_top - 34}, {b - 2, rate_top - 34}, "stroke=\"#999999\" stroke-width=\"2\"");
        }
        std::vector<point> line;
        for (auto const& s : stages_) {
            line.push_back({x_(s.begins), y(m_.rows[s.first].rate)});
            for (auto i : rows(s)) line.push_back({x_(tokens_at(i)), y(m_.rows[i].rate)});
        }
        boundaries(rate_top, rate_bottom);
        to_.polyline(line, "stroke=\"#111111\" stroke-width=\"1.8\" stroke-linejoin=\"round\"");
    }
    /// 3e-4 rather than 0.0003.
    static std::string rate_label(double v) {
        if (v == 0) return "0";
        int const    e = static_cast<int>(std::floor(std::log10(v) + 1e-9));
        return number("%.3g", v / std::pow(10, e)) + "e" + std::to_string(e);
    }

    void mixture() {
        axis const y{0, 1, mixture_bottom, mixture_top, false};
        frame("Mixture (share of tokens by source)", mixture_top, mixture_bottom);
        draw_scale(to_, y, left, right, 5, [](double v) { return number("%.1f", v); });
        std::vector<double> x;
        std::vector<std::vector<double>> tops{{}};  // of each source's area; the first is the floor
        tops.resize(m_.sources.size() + 1);
        auto const add = [&](double at, metrics_row const& r) {
            double sum = 0;
            x.push_back(at);
            tops[0].push_back(0);
            for (std::size_t k = 0; k < r.weights.size(); ++k) tops[k + 1].push_back(sum += r.weights[k]);
        };
        for (auto const& s : stages_) {
            add(s.begins, m_.rows[s.first]);
            for (auto i : rows(s)) add(tokens_at(i), m_.rows[i]);
        }
        for (std::size_t k = 0; k < m_.sources.size(); ++k) {
            std::vector<point> area;
            for (std::size_t i = 0; i < x.size(); ++i) area.push_back({x_(x[i]), y(tops[k + 1][i])});
            for (std::size_t i = x.size(); i-- > 0;) area.push_back({x_(x[i]), y(tops[k][i])});
            to_.polygon(area, "fill=\"" + std::string(look_of(k).colour) +
                                  "\" fill-opacity=\"0.78\" stroke=\"#ffffff\" stroke-width=\"1\"");
        }
        boundaries(mixture_top, mixture_bottom);
        mixture_legend();
    }
    /// In the order of the areas, from above, with the weights at the run's start and end.
    void mixture_legend() {
        auto const   n    = m_.sources.size();
        double const step = std::min(24.0, (mixture_bottom - mixture_top) / static_cast<double>(n));
        for (std::size_t k = 0; k < n; ++k) {
            double const y = mixture_top + 12 + step * static_cast<double>(n - 1 - k);
            to_.rectangle(right + 12, y - 9, 11, 11, "fill-opacity=\"0.78\" fill=\"" + std::string(look_of(k).colour) + "\"");
            auto const change = number("%.2f", m_.rows.front().weights[k]) + "\u2192" + number("%.2f", m_.rows.back().weights[k]);
            to_.text({right + 28, y}, fitted(m_.sources[k], 11, 74), 11);
            to_.text({width - 4, y}, change, 10, "end", "fill=\"#555555\"");
        }
    }

    void loss() {
        auto const                                    n = m_.sources.size();
        std::vector<std::vector<std::vector<double>>> lines(n + 1);  // by source, then all; by stage; by row
        double                                        low = 1e300, high = -1e300;
        for (std::size_t k = 0; k <= n; ++k)
            for (auto const& s : stages_) {
                lines[k].push_back(smoothed_loss(m_, s, k, how_.smoothing));
                for (double v : lines[k].back())
                    if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
            }
        if (low > high) low = 0, high = 1;
        auto const y = with_room(low, high, loss_bottom, loss_top);
        frame("Training loss (nats per token, smoothed)", loss_top, loss_bottom);
        draw_scale(to_, y, left, right, 7, [&](double v) { return number(("%." + std::to_string(y.decimals(7)) + "f").c_str(), v); });
        boundaries(loss_top, loss_bottom);
        for (std::size_t k = 0; k <= n; ++k)
            for (std::size_t s = 0; s < stages_.size(); ++s) curve(lines[k][s], stages_[s], y, k);
        loss_labels(lines, y);
        for (double t : x_.ticks(8)) to_.text({x_(t), loss_bottom + 17}, tokens_label(t), 11, "middle", "fill=\"#555555\"");
        to_.text({(left + right) / 2, loss_bottom + 36}, "tokens seen", 12, "middle");
    }
    static std::string tokens_label(double t) {
        for (auto const& [scale, unit] : {std::pair{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}})
            if (t >= scale) return number("%g", t / scale) + unit;
        return number("%g", t);
    }
    std::string stroke(std::size_t k) const {
        return k < m_.sources.size() ? svg::stroke(look_of(k), 1.6) : svg::stroke({"#111111", ""}, 2.4);
    }
    /// Broken where a source has no target; a step alone is a dot.
    void curve(std::vector<double> const& loss, stage_span const& s, axis const& y, std::size_t k) {
        std::vector<point> line;
        auto const         flush = [&] {
            if (line.size() > 1) to_.polyline(line, stroke(k));
            else if (line.size() == 1) to_.circle(line[0], 2.6, "fill=\"" + std::string(k < m_.sources.size() ? look_of(k).colour : "#111111") + "\"");
            line.clear();
        };
        for (auto i : rows(s)) {
            double const v = loss[i - s.first];
            if (std::isfinite(v)) line.push_back({x_(tokens_at(i)), y(v)});
            else flush();
        }
        flush();
    }
    /// Names and last values beside the ends of the lines.
    void loss_labels(std::vector<std::vector<std::vector<double>>> const& lines, axis const& y) {
        std::vector<std::size_t> which;
        std::vector<double>      value, wanted;
        for (std::size_t k = 0; k < lines.size(); ++k) {
            double last = std::numeric_limits<double>::quiet_NaN();
            for (auto const& stage : lines[k])
                for (double v : stage)
                    if (std::isfinite(v)) last = v;
            if (std::isfinite(last)) which.push_back(k), value.push_back(last), wanted.push_back(y(last));
        }
        auto const at = spread(wanted, 15, loss_top + 6, loss_bottom - 4);
        for (std::size_t i = 0; i < which.size(); ++i) {
            auto const k     = which[i];
            bool const total = k == m_.sources.size();
            if (std::isfinite(lines[k].back().back()))  // a line that ended before has its label without a leader
                to_.line({right + 1, wanted[i]}, {right + 12, at[i]}, "stroke=\"#bbbbbb\" stroke-width=\"1\"");
            to_.line({right + 13, at[i]}, {right + 27, at[i]}, stroke(k));
            to_.text({right + 32, at[i] + 4}, fitted(total ? "all" : m_.sources[k], 11, 88), 11, "start",
                     total ? "fill=\"#111111\" font-weight=\"bold\"" : "fill=\"#333333\"");
            to_.text({width - 4, at[i] + 4}, number("%.3f", value[i]), 10, "end", "fill=\"#555555\"");
        }
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
