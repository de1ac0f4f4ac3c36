#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/svg.hpp>

// What charts show of a run: rows of a metrics file as lines over tokens.
namespace midtrain::inline MT_ABI::chart {

/// The steps of one stage.
struct stage_span {
    std::string name;
    std::size_t first = 0, end = 0;    ///< rows
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

/// Half the window over which a stage's values are averaged, in rows.
inline std::size_t half_window(stage_span const& s, double share) {
    return static_cast<std::size_t>(share * static_cast<double>(s.end - s.first) / 2);
}

/// Mean over targets of a stage's losses in a window around each step; NaN where the window has no target. `source` counts from 0,
/// beyond the last it is the loss of all.
inline std::vector<double> smoothed_loss(metrics const& m, stage_span const& s, std::size_t source, double share) {
    auto const          n = s.end - s.first, half = half_window(s, share);
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

/// Share of a source among the tokens drawn in a window around each step of a stage.
inline std::vector<double> drawn_share(metrics const& m, stage_span const& s, std::size_t source, double share) {
    auto const          n = s.end - s.first, half = half_window(s, share);
    std::vector<double> out(n);
    auto const          drawn = [&](std::size_t row, std::size_t k) {
        return row == 0 ? 0.0 : static_cast<double>(m.rows[s.first + row - 1].source_tokens[k]);
    };
    for (std::size_t i = 0; i < n; ++i) {
        auto const a = i < half ? 0 : i - half, b = std::min(n, i + half + 1);
        double     all = 0;
        for (std::size_t k = 0; k < m.sources.size(); ++k) all += drawn(b, k) - drawn(a, k);
        out[i] = all > 0 ? (drawn(b, source) - drawn(a, source)) / all : std::numeric_limits<double>::quiet_NaN();
    }
    return out;
}

/// Rows to draw of a stage: enough for every pixel, its first and last always.
inline std::vector<std::size_t> thinned(metrics const& m, stage_span const& s) {
    std::vector<std::size_t> all;
    auto const               stride = std::max<std::size_t>(1, m.rows.size() / 400);
    for (std::size_t i = s.first; i + 1 < s.end; i += stride) all.push_back(i);
    all.push_back(s.end - 1);
    return all;
}

/// A value of each stage's rows, `value(stage, row)`, over tokens; a gap where it is no finite number, and between stages.
template <class Value>
std::vector<std::vector<point>> pieces_of(metrics const& m, std::vector<stage_span> const& stages, Value const& value) {
    std::vector<std::vector<point>> all;
    for (auto const& s : stages) {
        all.emplace_back();
        for (auto i : thinned(m, s)) {
            double const v = value(s, i);
            if (std::isfinite(v)) all.back().push_back({static_cast<double>(m.rows[i].tokens), v});
            else if (!all.back().empty()) all.emplace_back();
        }
    }
    std::erase_if(all, [](auto const& piece) { return piece.empty(); });
    return all;
}

/// A smoothed loss over tokens; `source` beyond the last: the loss of all.
inline std::vector<std::vector<point>> loss_pieces(metrics const& m, std::vector<stage_span> const& stages, std::size_t source,
                                                   double share) {
    std::vector<std::vector<point>> all;
    for (auto const& s : stages) {
        auto const loss = smoothed_loss(m, s, source, share);
        for (auto& piece : pieces_of(m, {s}, [&](stage_span const&in, std::size_t row) { return loss[row - in.first]; }))
            all.push_back(std::move(piece));
    }
    return all;
}

/// A row's number over tokens as one line with steps where a stage begins.
template <class Value>
std::vector<point> steps_of(metrics const& m, std::vector<stage_span> const& stages, Value const& value) {
    std::vector<point> line;
    for (auto const& s : stages) {
        line.push_back({s.begins, value(m.rows[s.first])});
        for (auto i : thinned(m, s)) line.push_back({static_cast<double>(m.rows[i].tokens), value(m.rows[i])});
    }
    return line;
}

/// What is marked as a spike of the gradient norm: more than four times the median of the 32 steps before. Positions of rows.
inline std::vector<std::size_t> spikes_of(metrics const& m) {
    constexpr std::size_t    window = 32;
    std::vector<std::size_t> all;
    std::vector<double>      before;
    for (std::size_t i = 8; i < m.rows.size(); ++i) {
        before.clear();
        for (std::size_t k = i < window ? 0 : i - window; k < i; ++k)
            if (std::isfinite(m.rows[k].gradient_norm)) before.push_back(m.rows[k].gradient_norm);
        if (before.size() < 8) continue;
        std::nth_element(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(before.size() / 2), before.end());
        if (m.rows[i].gradient_norm > 4 * before[before.size() / 2]) all.push_back(i);
    }
    return all;
}

}  // namespace midtrain::inline MT_ABI::chart
