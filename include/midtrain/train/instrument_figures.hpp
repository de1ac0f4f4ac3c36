#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/run_figures.hpp>
#include <midtrain/train/written.hpp>

// What a run's instruments saw beside losses: the noise of its gradients over tokens, and how many directions each layer uses.
namespace midtrain::inline MT_ABI::chart {

/// The gradient noise scale of all and by source, and beside it the batch, in tokens on a scale of powers of ten.
inline std::string noise_figure(metrics const& m, figure_size size = small_figure) {
    auto const stages = stages_of(m);
    auto const line   = [&](std::string const& name, look style, double width, bool main, auto const& value) {
        series s{name, style, {{}}, width, main};
        for (auto const& r : m.rows)
            if (double const v = value(r); std::isfinite(v) && v > 0) s.pieces[0].push_back({static_cast<double>(r.tokens), v});
        if (s.pieces[0].empty()) s.pieces.clear();
        return s;
    };
    std::vector<series> lines;
    for (std::size_t k = 0; k < m.sources.size(); ++k)
        lines.push_back(line(m.sources[k], look_of(k), 1.4, false, [&](metrics_row const& r) {
            return k < r.source_noise.size() ? r.source_noise[k] : -1;
        }));
    lines.push_back(line("all", black, 2.4, true, [](metrics_row const& r) { return r.noise_scale; }));
    if (lines.back().pieces.empty()) return {};
    series batch{"batch", {"#777777", "6 3"}, {{}}, 1.6, false};
    for (std::size_t i = 1; i < m.rows.size(); ++i)
        batch.pieces[0].push_back({static_cast<double>(m.rows[i].tokens), static_cast<double>(m.rows[i].tokens - m.rows[i - 1].tokens)});
    if (!batch.pieces[0].empty()) lines.push_back(std::move(batch));
    auto const [low, high] = range_of(lines);
    token_figure f("Gradient noise scale in tokens over tokens, log scale", size, stages, {low / 1.3, high * 1.3, 0, 1, true});
    f.scales(tokens_label);
    f.boundaries();
    for (auto const& s : lines) draw_series(f.to(), f.ground(), s);
    draw_end_labels(f.to(), f.ground(), lines, f.until(), [](double v) { return written_count(v); });
    return f.finish();
}

/// A number of each layer, a line an evaluation: the first, the last and up to three between.
inline std::string layer_figure(std::vector<evaluation_record> const& evaluations, std::string_view title, double rank_value::*number_of,
                                figure_size size = {480, 280, 156}) {
    std::vector<evaluation_record const*> with;
    for (auto const& e : evaluations)
        if (e.rank.size() > 1) with.push_back(&e);
    if (with.empty()) return {};
    std::vector<series> lines;
    std::size_t const   shown = std::min<std::size_t>(with.size(), 5);
    double              layers = 1;
    for (std::size_t k = 0; k < shown; ++k) {
        auto const& e = *with[shown > 1 ? k * (with.size() - 1) / (shown - 1) : 0];
        series      s{"step " + std::to_string(e.step), look_of(k), {{}}, k + 1 == shown ? 2.4 : 1.5, k + 1 == shown};
        for (auto const& r : e.rank) {
            if (!std::isfinite(r.*number_of)) continue;
            s.pieces[0].push_back({static_cast<double>(r.layer), r.*number_of});
            layers = std::max(layers, static_cast<double>(r.layer));
        }
        if (!s.pieces[0].empty()) lines.push_back(std::move(s));
    }
    if (lines.empty()) return {};
    svg  to(size.width, size.height, title);
    plot p{54, 14, size.width - size.labels, size.height - 46, {}, scale_of(lines)};
    p.x      = {0, layers, p.left, p.right, false};
    p.y.from = p.bottom, p.y.to = p.top;
    int const ticks = static_cast<int>(std::min(layers, 8.0));
    draw_ground(to, p, ticks);
    draw_scale(to, p.y, p.left, p.right, 5, tick_label(p.y, 5));
    for (double l : p.x.ticks(ticks)) to.text({p.x(l), p.bottom + 17}, number("%g", l), 11, "middle", "fill=\"#555555\"");
    to.text({(p.left + p.right) / 2, p.bottom + 36}, "blocks passed", 12, "middle");
    for (auto const& s : lines) draw_series(to, p, s);
    draw_end_labels(to, p, lines, size.width - 4, plain_label);
    return to.finish();
}
inline std::string rank_figure(std::vector<evaluation_record> const& evaluations) {
    return layer_figure(evaluations, "Effective rank of the residual stream by layer", &rank_value::effective_rank);
}
inline std::string entropy_figure(std::vector<evaluation_record> const& evaluations) {
    return layer_figure(evaluations, "Entropy of the residual stream in nats by layer", &rank_value::entropy);
}

}  // namespace midtrain::inline MT_ABI::chart
