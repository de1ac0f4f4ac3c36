#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/types.hpp>
#include <midtrain/train/plot.hpp>

// What the small pictures of docs/policies.md show, as data. Each family of policies has a file that makes its pictures by calling the
// policies; draw.hpp draws them, alone or in the gallery.
namespace pictures {

namespace mt = midtrain;
using mt::chart::look, mt::chart::look_of, mt::chart::point, mt::chart::series;

using label = std::string (*)(double);

/// The scale of one direction.
struct scale {
    std::string name;
    double      low = 0, high = 1;
    label       text        = mt::chart::plain_label;
    bool        logarithmic = false;
};

/// Shares on top of each other over x: tops[0] is the floor, tops[k + 1] the upper edge of share k.
struct stack {
    std::vector<std::string>         names{};
    std::vector<double>              x{};
    std::vector<std::vector<double>> tops{};
};

/// A filled rectangle; the colour is that of look_of, or a grey where there is none.
struct box {
    double x0, x1, y0, y1;
    int    colour;
};

struct picture {
    std::string name;     ///< of the file
    std::string title;    ///< what it shows
    std::string heading;  ///< its name in the gallery; empty: it is not there
    scale       x, y;

    std::vector<series>                         lines{};
    stack                                       shares{};
    std::vector<box>                            boxes{};
    std::vector<std::pair<int, std::string>>    box_names{};  ///< what the colours of boxes stand for
    std::vector<std::pair<double, std::string>> x_names{};    ///< in place of numbers
    std::vector<std::pair<double, std::string>> y_names{};
    std::vector<double>                         marks{};      ///< vertical lines
};

inline std::string share_label(double x) { return mt::chart::number("%.3g %%", 100 * x); }

inline constexpr int samples = 500;

/// f over a stretch. Places on a logarithmic scale are equally far apart there.
template <class F>
series line(std::string name, look style, double from, double to, F const& f, bool logarithmic = false) {
    series s{.name = std::move(name), .style = style, .pieces = {{}}};
    for (int i = 0; i <= samples; ++i) {
        double const t = static_cast<double>(i) / samples;
        double const x = i == 0 ? from : i == samples ? to : logarithmic ? from * std::pow(to / from, t) : from + (to - from) * t;
        s.pieces[0].push_back({x, f(x)});
    }
    return s;
}

/// f(n) for n of 0 .. count - 1, as points of a line.
template <class F>
series points(std::string name, look style, int count, F const& f) {
    series s{.name = std::move(name), .style = style, .pieces = {{}}};
    for (int n = 0; n < count; ++n) s.pieces[0].push_back({static_cast<double>(n), f(n)});
    return s;
}

/// The same as dots.
inline series dotted(series s) {
    auto const all = std::move(s.pieces[0]);
    s.pieces.clear();
    for (auto const& p : all) s.pieces.push_back({p});
    return s;
}

/// Adds a share to those that stand; f(x) are the shares there, in the order of names.
template <class F>
stack stacked(std::vector<std::string> names, double from, double to, F const& f) {
    stack s{.names = std::move(names)};
    s.tops.resize(s.names.size() + 1);
    for (int i = 0; i <= samples; ++i) {
        double const x   = i == samples ? to : from + (to - from) * i / samples;
        double       sum = 0;
        auto const   w   = f(x);
        s.x.push_back(x);
        s.tops[0].push_back(0);
        for (std::size_t k = 0; k < s.names.size(); ++k) s.tops[k + 1].push_back(sum += w[k]);
    }
    return s;
}

inline look dashes(std::size_t colour) { return {look_of(colour).colour, "4 3"}; }

/// The stage of most pictures: 100 Gtok in steps of 100 Mtok.
inline constexpr double stage_tokens = 100e9;

constexpr mt::progress stage_at(double seen, double budget = stage_tokens) {
    auto const step = static_cast<std::int64_t>(seen / 100e6);
    return {step, {static_cast<std::int64_t>(seen)}, {static_cast<std::int64_t>(budget)}, {100'000'000}};
}

// The families.
std::vector<picture> of_annealing();
std::vector<picture> of_companions();
std::vector<picture> of_emulations();
std::vector<picture> of_mixture();
std::vector<picture> of_order();
std::vector<picture> of_position();
std::vector<picture> of_scores();

/// The three large pictures that other pages show, too: file name and text.
std::vector<std::pair<std::string, std::string>> overviews();

}  // namespace pictures
