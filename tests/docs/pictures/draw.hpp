#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/train/plot.hpp>
#include "picture.hpp"

// How the pictures are drawn: in few points and few words, and in the reader's colours.
namespace pictures {

using mt::chart::axis, mt::chart::plot, mt::chart::svg, mt::chart::text_width;

/// On a dark page each colour is exchanged for its twin of the night, also where the picture stands in a file of its own.
inline std::string for_both_pages(std::string text) {
    std::string night;
    for (auto const& i : mt::chart::inks)
        for (std::string const what : {"fill", "stroke"})
            if (auto const is = "[" + what + "=\"" + std::string(i.paper) + "\"]"; text.find(is.substr(1, is.size() - 2)) != std::string::npos)
                night += is + "{" + what + ":" + std::string(i.night) + "}";
    auto const at = text.find("</title>\n") + 9;
    return text.insert(at, "<style>@media(prefers-color-scheme:dark){" + night + "}</style>\n");
}

/// The same line, to a third of a pixel, with as few points as that takes (Douglas and Peucker 1973).
inline void thin(std::vector<point> const& all, std::size_t from, std::size_t to, std::vector<point>& out) {
    double      most = 0;
    std::size_t far  = from;
    double const dx = all[to].x - all[from].x, dy = all[to].y - all[from].y, length = std::hypot(dx, dy);
    for (std::size_t i = from + 1; i < to; ++i) {
        double const x = all[i].x - all[from].x, y = all[i].y - all[from].y;
        double const off = length > 0 ? std::abs(x * dy - y * dx) / length : std::hypot(x, y);
        if (off > most) most = off, far = i;
    }
    if (most > 0.34) thin(all, from, far, out), thin(all, far, to, out);
    else out.push_back(all[to]);
}
inline std::vector<point> thinned(std::vector<point> const& all) {
    std::vector<point> out{all[0]};
    if (all.size() > 1) thin(all, 0, all.size() - 1, out);
    return out;
}

/// Powers of ten on a logarithmic scale (of two, where that has less than two decades), else round numbers.
inline std::vector<double> ticks(axis const& a, int most) {
    if (!a.logarithmic) return a.ticks(most);
    double const        base = a.high / a.low < 100 ? 2 : 10;
    std::vector<double> all;
    for (int k = static_cast<int>(std::ceil(std::log(a.low) / std::log(base) - 1e-9)); std::pow(base, k) <= a.high * (1 + 1e-9); ++k)
        all.push_back(std::pow(base, k));
    return all;
}

/// What lies within the scales.
inline void draw_inside(svg& to, plot const& p, picture const& what, double width) {
    for (auto const& b : what.boxes) {
        std::string const colour = b.colour < 0 ? "#e4e4e4" : std::string(look_of(static_cast<std::size_t>(b.colour)).colour);
        double const      top = p.y(b.y1);
        to.rectangle(p.x(b.x0), top, p.x(b.x1) - p.x(b.x0), p.y(b.y0) - top, "fill=\"" + colour + "\" fill-opacity=\"0.78\" stroke=\"#ffffff\"");
    }
    for (std::size_t k = 0; k < what.shares.names.size(); ++k) {
        auto const         edge = [&](std::size_t n) {
            std::vector<point> e;
            for (std::size_t i = 0; i < what.shares.x.size(); ++i) e.push_back({p.x(what.shares.x[i]), p.y(what.shares.tops[n][i])});
            return thinned(e);
        };
        auto       area  = edge(k + 1);
        auto const floor = edge(k);
        area.insert(area.end(), floor.rbegin(), floor.rend());
        to.polygon(area, "fill=\"" + std::string(look_of(k).colour) + "\" fill-opacity=\"0.78\" stroke=\"#ffffff\"");
    }
    for (auto const& s : what.lines)
        for (auto const& piece : s.pieces) {
            std::vector<point> all;
            for (auto const& v : piece) all.push_back({p.x(v.x), p.y(v.y)});
            if (all.size() > 1) to.polyline(thinned(all), svg::stroke(s.style, width));
            else to.circle(all[0], width + 0.6, "fill=\"" + std::string(s.style.colour) + "\"");
        }
    mt::chart::draw_boundaries(to, p, what.marks);
}

inline void draw_grid(svg& to, plot const& p, picture const& what, int across, int up) {
    to.rectangle(p.left, p.top, p.right - p.left, p.bottom - p.top, "fill=\"#fafafa\"");
    if (what.x_names.empty())
        for (double v : ticks(p.x, across)) to.line({p.x(v), p.top}, {p.x(v), p.bottom}, "stroke=\"#e4e4e4\"");
    if (what.y_names.empty())
        for (double v : ticks(p.y, up)) to.line({p.left, p.y(v)}, {p.right, p.y(v)}, "stroke=\"#e4e4e4\"");
}

/// Names of lines, shares and boxes, right of the plot.
inline std::vector<std::pair<look, std::string>> names_of(picture const& what) {
    std::vector<std::pair<look, std::string>> all;
    for (std::size_t k = what.shares.names.size(); k-- > 0;) all.push_back({look_of(k), what.shares.names[k]});
    for (auto const& [k, name] : what.box_names) all.push_back({k < 0 ? look{"#bbbbbb", ""} : look_of(static_cast<std::size_t>(k)), name});
    for (auto const& s : what.lines)
        if (!s.name.empty()) all.push_back({s.style, s.name});
    return all;
}

/// One picture alone, about 360 x 200.
inline std::string drawn(picture const& what) {
    constexpr double width = 380, height = 200, top = 24, bottom = height - 36, size = 11;
    auto const       names = names_of(what);
    double           room = 8, left = 44;
    for (auto const& [style, name] : names) room = std::max(room, text_width(name, size) + 34);
    for (auto const& [y, name] : what.y_names) left = std::max(left, text_width(name, size) + 14);
    svg        to(width, height, what.title);
    plot const p{left, top, width - room, bottom, {what.x.low, what.x.high, left, width - room, what.x.logarithmic},
                 {what.y.low, what.y.high, bottom, top, what.y.logarithmic}};
    draw_grid(to, p, what, 5, 5);
    constexpr char const* grey = "fill=\"#555555\"";
    for (double v : what.y_names.empty() ? ticks(p.y, 5) : std::vector<double>{}) to.text({left - 6, p.y(v) + 4}, what.y.text(v), size, "end", grey);
    for (double v : what.x_names.empty() ? ticks(p.x, 5) : std::vector<double>{}) to.text({p.x(v), bottom + 14}, what.x.text(v), size, "middle", grey);
    for (auto const& [y, name] : what.y_names) to.text({left - 6, p.y(y) + 4}, name, size, "end", grey);
    for (auto const& [x, name] : what.x_names) to.text({p.x(x), bottom + 14}, name, size, "middle", grey);
    to.text({left, top - 8}, what.y.name, size);
    to.text({p.right, bottom + 29}, what.x.name, size, "end");
    draw_inside(to, p, what, 1.7);
    std::vector<double> wanted;
    for (std::size_t i = 0; i < names.size(); ++i) wanted.push_back(top + 8 + 16 * static_cast<double>(i));
    for (std::size_t i = 0; i < names.size(); ++i) {
        bool const area = i < what.shares.names.size() + what.box_names.size();
        if (area) to.rectangle(p.right + 8, wanted[i] - 5, 12, 10, "fill=\"" + std::string(names[i].first.colour) + "\" fill-opacity=\"0.78\"");
        else to.line({p.right + 7, wanted[i]}, {p.right + 21, wanted[i]}, svg::stroke(names[i].first, 2));
        to.text({p.right + 25, wanted[i] + 4}, names[i].second, size);
    }
    return for_both_pages(to.finish());
}

/// All pictures that have a heading, in rows of five under the names of their families.
inline std::string gallery(std::vector<std::pair<std::string, std::vector<picture>>> const& families) {
    constexpr double width = 900, cell = 176, plot_height = 72, row = plot_height + 30, across = 5;
    double           height = 4;
    for (auto const& [name, all] : families) {
        auto const shown = std::count_if(all.begin(), all.end(), [](picture const& p) { return !p.heading.empty(); });
        height += 28 + row * std::ceil(static_cast<double>(shown) / across);
    }
    svg    to(width, height, "The policies of midtrain");
    double y = 4;
    for (auto const& [name, all] : families) {
        to.text({10, y + 20}, name, 15, "start", "fill=\"#111111\" font-weight=\"bold\"");
        y += 28;
        int n = 0;
        for (auto const& what : all) {
            if (what.heading.empty()) continue;
            double const left = 10 + cell * (n % 5), top = y + row * (n / 5) + 18, right = left + cell - 14, bottom = top + plot_height;
            plot const   p{left, top, right, bottom, {what.x.low, what.x.high, left, right, what.x.logarithmic},
                           {what.y.low, what.y.high, bottom, top, what.y.logarithmic}};
            to.text({left, top - 5}, what.heading, 12);
            to.rectangle(left, top, right - left, plot_height, "fill=\"#fafafa\" stroke=\"#e4e4e4\"");
            draw_inside(to, p, what, 1.6);
            ++n;
        }
        y += row * std::ceil(n / across);
    }
    return for_both_pages(to.finish());
}

}  // namespace pictures
