#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/train/svg.hpp>

// Lines over a grid: the parts that all our charts are put together from.
namespace midtrain::inline MT_ABI::chart {

/// A chart's ground: the pixels of its edges, and its scales.
struct plot {
    double left = 0, top = 0, right = 0, bottom = 0;
    axis   x, y;
};

/// A named line with its gaps; a piece of one point is a dot.
struct series {
    std::string                     name;
    look                            style;
    std::vector<std::vector<point>> pieces{};  ///< values, not pixels
    double                          width = 1.6;
    bool                            main  = false;  ///< the line that the others are parts of: its label is bold

    double last() const { return pieces.back().back().y; }
    double end() const { return pieces.back().back().x; }
};

inline constexpr look black{"#111111", ""};

/// 3e-4 rather than 0.0003.
inline std::string rate_label(double v) {
    if (v == 0) return "0";
    int const e = static_cast<int>(std::floor(std::log10(std::abs(v)) + 1e-9));
    return number("%.3g", v / std::pow(10, e)) + "e" + std::to_string(e);
}
inline std::string tokens_label(double t) {
    for (auto const& [scale, unit] : {std::pair{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}})
        if (t >= scale) return number("%g", t / scale) + unit;
    return number("%g", t);
}
inline std::string plain_label(double v) { return number("%.4g", v); }
/// As many decimals as tell an axis' ticks apart.
inline auto tick_label(axis const& y, int most) {
    return [format = "%." + std::to_string(y.decimals(most)) + "f"](double v) { return number(format.c_str(), v); };
}

/// The lowest and the highest value of lines; from above to below where there is none.
inline std::pair<double, double> range_of(std::vector<series> const& all) {
    double low = 1e300, high = -1e300;
    for (auto const& s : all)
        for (auto const& piece : s.pieces)
            for (auto const& p : piece) low = std::min(low, p.y), high = std::max(high, p.y);
    return {low, high};
}

/// Ground and vertical grid. The scales stand in the ground's attributes, for whoever reads values back from pixels.
inline void draw_ground(svg& to, plot const& p, int most_ticks = 8) {
    auto const scale = [](axis const& a) {
        return number("%.9g ", a.low) + number("%.9g", a.high) + (a.logarithmic ? " log" : "");
    };
    to.rectangle(p.left, p.top, p.right - p.left, p.bottom - p.top,
                 "fill=\"#fafafa\" data-x=\"" + scale(p.x) + "\" data-y=\"" + scale(p.y) + "\"");
    for (double t : p.x.ticks(most_ticks)) to.line({p.x(t), p.top}, {p.x(t), p.bottom}, "stroke=\"#e4e4e4\" stroke-width=\"1\"");
}
inline void draw_title(svg& to, point p, std::string_view title) {
    to.text(p, title, 13, "start", "fill=\"#111111\" font-weight=\"bold\"");
}

/// Where stages begin; over data that would hide it, the caller draws this last.
inline void draw_boundaries(svg& to, plot const& p, std::vector<double> const& at) {
    for (double x : at) to.line({p.x(x), p.top}, {p.x(x), p.bottom}, "stroke=\"#333333\" stroke-width=\"1\" stroke-dasharray=\"4 3\"");
}
inline void draw_series(svg& to, plot const& p, series const& s) {
    auto const name = " data-name=\"" + escaped(s.name) + "\"";
    for (auto const& piece : s.pieces) {
        std::vector<point> line;
        for (auto const& v : piece) line.push_back({p.x(v.x), p.y(v.y)});
        if (line.size() > 1) to.polyline(line, svg::stroke(s.style, s.width) + name);
        else to.circle(line[0], 2.6, "fill=\"" + std::string(s.style.colour) + "\"" + name);
    }
}

/// Names and last values beside the ends of lines: from the plot's right edge to `until`.
template <class Label>
void draw_end_labels(svg& to, plot const& p, std::vector<series> const& all, double until, Label const& label) {
    std::vector<series const*> which;
    std::vector<double>        wanted;
    for (auto const& s : all)
        if (!s.pieces.empty()) which.push_back(&s), wanted.push_back(p.y(s.last()));
    auto const at = spread(wanted, std::min(15.0, (p.bottom - p.top) / static_cast<double>(which.size() + 1)), p.top + 6, p.bottom - 4);
    for (std::size_t i = 0; i < which.size(); ++i) {
        auto const& s     = *which[i];
        auto const  value = label(s.last());
        if (s.end() >= p.x.high)  // a line that ended before has its label without a leader
            to.line({p.right + 1, wanted[i]}, {p.right + 12, at[i]}, "stroke=\"#bbbbbb\" stroke-width=\"1\"");
        auto const key = " data-key=\"" + escaped(s.name) + "\"";
        to.line({p.right + 13, at[i]}, {p.right + 27, at[i]}, svg::stroke(s.style, s.width) + key);
        to.text({p.right + 32, at[i] + 4}, fitted(s.name, 11, until - p.right - 38 - text_width(value, 10)), 11, "start",
                (s.main ? "fill=\"#111111\" font-weight=\"bold\"" : "fill=\"#333333\"") + key);
        to.text({until, at[i] + 4}, value, 10, "end", "fill=\"#555555\"" + key);
    }
}

/// Areas on top of each other: tops[0] is the floor, tops[k + 1] the upper edge of area k.
inline void draw_areas(svg& to, plot const& p, std::vector<double> const& x, std::vector<std::vector<double>> const& tops,
                       std::vector<std::string> const& names) {
    for (std::size_t k = 0; k + 1 < tops.size(); ++k) {
        std::vector<point> area;
        for (std::size_t i = 0; i < x.size(); ++i) area.push_back({p.x(x[i]), p.y(tops[k + 1][i])});
        for (std::size_t i = x.size(); i-- > 0;) area.push_back({p.x(x[i]), p.y(tops[k][i])});
        to.polygon(area, "fill=\"" + std::string(look_of(k).colour) +
                             "\" fill-opacity=\"0.78\" stroke=\"#ffffff\" stroke-width=\"1\" data-name=\"" + escaped(names[k]) + "\"");
    }
}

}  // namespace midtrain::inline MT_ABI::chart
