#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/train/held_out_panel.hpp>
#include <midtrain/train/plot.hpp>
#include <midtrain/train/run_figures.hpp>
#include <midtrain/train/run_folder.hpp>
#include <midtrain/train/run_series.hpp>
#include <midtrain/train/svg.hpp>

// The figures of a report on several runs: a line a run.
namespace midtrain::inline MT_ABI::chart {

/// A run's colour, and from the fourth on other dashes too, so that six cooldowns are told apart in grey as well.
inline look run_look(std::size_t i) {
    static constexpr std::array<std::string_view, 4> dashes{"", "7 3", "2 2.5", "9 3 2 3"};
    return {look_of(i).colour, dashes[i / 2 % dashes.size()]};
}

/// Tokens from the first run's beginning to the last one's end, as one stage without a name.
inline std::vector<stage_span> span_of(std::vector<run_folder> const& runs) {
    stage_span all{"", 0, 0, 1e300, 0};
    for (auto const& r : runs) {
        auto const stages = stages_of(r.steps);
        all.begins = std::min(all.begins, stages.front().begins), all.ends = std::max(all.ends, stages.back().ends);
    }
    return {all};
}

template <class Label>
std::string overlay(std::string_view title, figure_size size, std::vector<run_folder> const& runs, std::vector<series> const& lines, axis y,
                    Label const& value, bool tick_values) {
    token_figure f(title, size, span_of(runs), y);
    if (tick_values) f.scales(value);
    else f.scales(tick_label(y, 5));
    for (auto const& s : lines) draw_series(f.to(), f.ground(), s);
    draw_end_labels(f.to(), f.ground(), lines, f.until(), value);
    return f.finish();
}

/// Loss of all sources; smoothed more than a single run's, since several noisy lines hide each other.
inline constexpr double overlay_smoothing = 0.1;
inline std::string losses_figure(std::vector<run_folder> const& runs, figure_size size) {
    std::vector<series> lines;
    for (std::size_t i = 0; i < runs.size(); ++i)
        lines.push_back({runs[i].name, run_look(i),
                              loss_pieces(runs[i].steps, stages_of(runs[i].steps), runs[i].steps.sources.size(), overlay_smoothing), 1.8});
    return overlay("Training loss of each run in nats a token over tokens", size, runs, lines, scale_of(lines), loss_label, false);
}
inline std::string rates_figure(std::vector<run_folder> const& runs, figure_size size = {480, 280, 160}) {
    std::vector<series> lines;
    for (std::size_t i = 0; i < runs.size(); ++i)
        lines.push_back({runs[i].name,
                         run_look(i),
                         {steps_of(runs[i].steps, stages_of(runs[i].steps), [](metrics_row const& r) { return r.rate; })},
                         1.8});
    double const most = range_of(lines).second;
    return overlay("Learning rate of each run over tokens", size, runs, lines, {0, most > 0 ? 1.08 * most : 1, 0, 1, false}, rate_label,
                   true);
}

/// The last held-out losses of each run, in the panel that charts of single runs have, too.
inline std::string finals_figure(std::vector<run_folder> const& runs, double width) {
    std::vector<held_out_loss> all;
    for (auto const& r : runs)
        for (auto const& h : r.held_out())
            if (h.loss.low <= h.loss.high && std::isfinite(h.loss.low + h.loss.high)) all.push_back({h.source, r.name, h.loss});
    if (all.empty()) return {};
    held_out_panel const panel(all, runs[0].steps.sources, held_out_kind::loss, static_cast<std::size_t>(std::max(2.0, width / 156)),
                               width);
    svg                  to(width, panel.height() + 6, "Held-out loss of each run at its end, by source, with 95 % intervals");
    panel.draw(to, 0, 4, width);
    return to.finish();
}

}  // namespace midtrain::inline MT_ABI::chart
