#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/run_figures.hpp>

// What a run's steps say of its experts, and of modules that predict tokens further on.
namespace midtrain::inline MT_ABI::chart {

/// One value of a row as a line; NaN: a gap.
template <class Value>
series line_of(metrics const& m, std::vector<stage_span> const& stages, std::string name, look style, double width, Value const& value) {
    return {std::move(name), style, pieces_of(m, stages, [&](stage_span const&, std::size_t row) { return value(m.rows[row]); }), width};
}
template <class Label>
std::string lines_figure(metrics const& m, std::string_view title, std::vector<series> const& lines, axis y, Label const& label, figure_size size) {
    token_figure f(title, size, stages_of(m), y);
    f.scales(label);
    f.boundaries();
    for (auto const& s : lines) draw_series(f.to(), f.ground(), s);
    draw_end_labels(f.to(), f.ground(), lines, f.until(), [](double v) { return number("%.2f", v); });
    return f.finish();
}

/// Loads of the busiest and of the idlest expert, in even shares: those of the router where they are furthest apart, and the mean over all
/// routers. Empty where the model has no experts.
inline std::string load_figure(metrics const& m, figure_size size = {480, 280, 160}) {
    using limits = std::numeric_limits<double>;
    if (std::none_of(m.rows.begin(), m.rows.end(), [](auto const& r) { return !r.routers.empty(); })) return {};
    auto const stages = stages_of(m);
    auto const over   = [](metrics_row const& r, double router_row::*number, auto const& join) {
        if (r.routers.empty()) return limits::quiet_NaN();
        double all = r.routers.front().*number;
        for (std::size_t k = 1; k < r.routers.size(); ++k) all = join(all, r.routers[k].*number);
        return all;
    };
    auto const most  = [](double a, double b) { return std::max(a, b); };
    auto const least = [](double a, double b) { return std::min(a, b); };
    auto const mean  = [&](metrics_row const& r, double router_row::*number) {
        return over(r, number, [](double a, double b) { return a + b; }) / static_cast<double>(r.routers.size());
    };
    std::vector<series> lines;
    if (m.rows.back().routers.size() > 1)
        lines.push_back(line_of(m, stages, "busiest, mean", {look_of(0).colour, "6 3"}, 1.4,
                                [&](metrics_row const& r) { return mean(r, &router_row::heaviest); }));
    lines.push_back(line_of(m, stages, "busiest", look_of(0), 2.0, [&](metrics_row const& r) { return over(r, &router_row::heaviest, most); }));
    if (m.rows.back().routers.size() > 1)
        lines.push_back(line_of(m, stages, "idlest, mean", {look_of(1).colour, "6 3"}, 1.4,
                                [&](metrics_row const& r) { return mean(r, &router_row::lightest); }));
    lines.push_back(line_of(m, stages, "idlest", look_of(1), 2.0, [&](metrics_row const& r) { return over(r, &router_row::lightest, least); }));
    if (std::any_of(m.rows.begin(), m.rows.end(), [&](auto const& r) { return !r.routers.empty() && over(r, &router_row::overflow, most) > 0; }))
        lines.push_back(line_of(m, stages, "no room", look_of(2), 1.6, [&](metrics_row const& r) { return over(r, &router_row::overflow, most); }));
    auto const [low, high] = range_of(lines);
    return lines_figure(m, "Loads of experts over tokens", lines, {0, low <= high ? 1.06 * high : 1, 0, 1, false}, plain_label, size);
}

/// Mean of a number over a window around each step of a stage, as smoothed_loss has it; a gap where it is no finite number.
template <class Value>
std::vector<std::vector<point>> smoothed_pieces(metrics const& m, std::vector<stage_span> const& stages, double share, Value const& value) {
    return pieces_of(m, stages, [&](stage_span const& s, std::size_t row) {
        auto const half = half_window(s, share), first = row - std::min(row - s.first, half), end = std::min(s.end, row + half + 1);
        double     sum = 0, count = 0;
        for (auto i = first; i < end; ++i)
            if (double const v = value(m.rows[i]); std::isfinite(v)) sum += v, ++count;
        return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
    });
}

/// The training loss, and those of modules that predict tokens further on, smoothed. Empty where the model has none.
inline std::string ahead_figure(metrics const& m, figure_size size = small_figure) {
    std::size_t modules = 0;
    for (auto const& r : m.rows) modules = std::max(modules, r.mtp_losses.size());
    if (modules == 0) return {};
    auto const          stages = stages_of(m);
    double const        share  = smoothing_for(stages);
    std::vector<series> lines{{"next", black, smoothed_pieces(m, stages, share, [](metrics_row const& r) { return r.loss; }), 2.4, true}};
    for (std::size_t k = 0; k < modules; ++k)
        lines.push_back({std::to_string(k + 2) + (k == 0 ? "nd" : k == 1 ? "rd" : "th"), look_of(k),
                         smoothed_pieces(m, stages, share, [k](metrics_row const& r) {
                             return k < r.mtp_losses.size() ? r.mtp_losses[k] : std::numeric_limits<double>::quiet_NaN();
                         })});
    auto const y = scale_of(lines);
    return lines_figure(m, "Losses of tokens further on over tokens", lines, y, tick_label(y, 5), size);
}

}  // namespace midtrain::inline MT_ABI::chart
