#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

// What charts are drawn with. Pixels, y downwards; no scripts, no fonts but the reader's.
namespace midtrain::inline MT_ABI::chart {

struct point {
    double x = 0, y = 0;
};

/// Colours that colour-blind readers tell apart (Okabe and Ito 2008; their yellow, too pale for a line, is darkened), then again dashed.
struct look {
    std::string_view colour;
    std::string_view dashes;  ///< empty: a full line
};
inline look look_of(std::size_t i) {
    static constexpr std::array<std::string_view, 8> colours{"#0072B2", "#E69F00", "#009E73", "#CC79A7",
                                                             "#56B4E9", "#D55E00", "#8C7A00", "#6A5A8C"};
    static constexpr std::array<std::string_view, 3> dashes{"", "6 3", "2 2"};
    return {colours[i % colours.size()], dashes[i / colours.size() % dashes.size()]};
}

/// Every colour that our charts use, and the one that takes its place on a dark page.
struct ink {
    std::string_view paper, night;
};
inline constexpr std::array<ink, 20> inks{{
    {"#ffffff", "#171b21"}, {"#fafafa", "#1d222a"}, {"#e4e4e4", "#323a45"}, {"#bbbbbb", "#5d6875"}, {"#999999", "#7f8a98"},
    {"#777777", "#9aa5b2"}, {"#555555", "#aab4c0"}, {"#333333", "#d3dae2"}, {"#111111", "#f0f4f8"}, {"#000000", "#fefefe"},
    {"#0072B2", "#4C9FE8"}, {"#E69F00", "#F2B441"}, {"#009E73", "#2FC79A"}, {"#CC79A7", "#E7A0C6"}, {"#56B4E9", "#9BDDF8"},
    {"#D55E00", "#FF8A4C"}, {"#8C7A00", "#CFC04A"}, {"#6A5A8C", "#B3A3DF"}, {"#117733", "#4FBF73"}, {"#882255", "#DC74A4"},
}};

/// Text with what XML reserves escaped, and without the control characters that it forbids.
inline std::string escaped(std::string_view text) {
    std::string s;
    for (char c : text) {
        if (c == '&') s += "&amp;";
        else if (c == '<') s += "&lt;";
        else if (c == '>') s += "&gt;";
        else if (c == '"') s += "&quot;";
        else if (static_cast<unsigned char>(c) >= 0x20 || c == '\t') s += c;
    }
    return s;
}

/// About as wide as most readers' sans-serif: 0.56 of its size a character.
inline double text_width(std::string_view s, double size) {
    auto const begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
    return 0.56 * size * static_cast<double>(std::count_if(s.begin(), s.end(), begins));
}
/// Cut at a character so that it fits, with an ellipsis.
inline std::string fitted(std::string_view text, double size, double width) {
    if (text_width(text, size) <= width) return std::string(text);
    std::string s(text);
    while (!s.empty() && text_width(s, size) + 0.56 * size > width) {
        while (!s.empty() && (static_cast<unsigned char>(s.back()) & 0xc0) == 0x80) s.pop_back();
        if (!s.empty()) s.pop_back();
    }
    return s.empty() ? s : s + "\u2026";
}

/// printf of one number.
inline std::string number(char const* format, double x) {
    char text[48];
    std::snprintf(text, sizeof text, format, x);
    return text;
}

/// Values to pixels, in proportion or by powers of two.
struct axis {
    double low = 0, high = 1;        ///< values
    double from = 0, to = 1;         ///< pixels of low and high
    bool   logarithmic = false;

    double operator()(double v) const {
        auto const   as = [&](double x) { return logarithmic ? std::log2(x) : x; };
        double const a = as(low), b = as(high);
        return b > a ? from + (as(v) - a) / (b - a) * (to - from) : from;
    }
    /// Distance between ticks: 1, 2 or 5 times a power of ten, so that there are at most `most` steps.
    double step(int most) const {
        double const rough = std::max(high - low, 1e-300) / most, ten = std::pow(10, std::floor(std::log10(rough)));
        for (double m : {1.0, 2.0, 5.0})
            if (m * ten >= rough * (1 - 1e-9)) return m * ten;
        return 10 * ten;
    }
    /// Multiples of the step, or powers of two, that lie on the axis.
    std::vector<double> ticks(int most) const {
        std::vector<double> all;
        if (logarithmic) {
            auto k = static_cast<int>(std::ceil(std::log2(low) - 1e-9));
            for (; std::exp2(k) <= high * (1 + 1e-9); ++k) all.push_back(std::exp2(k));
            return all;
        }
        double const s = step(most);
        for (double k = std::ceil(low / s - 1e-9); k * s <= high + 1e-9 * s; ++k)
            all.push_back(k * s + 0.0);  // + 0: no minus before a zero
        return all;
    }
    /// Decimals that tell the ticks apart.
    int decimals(int most) const { return std::max(0, static_cast<int>(-std::floor(std::log10(step(most)) + 1e-9))); }
};

/// Room on both sides of what an axis must show.
inline axis with_room(double low, double high, double from, double to) {
    double const room = high > low ? 0.06 * (high - low) : 0.05 * std::max(std::abs(low), 1e-3);
    return {low - room, high + room, from, to, false};
}

/// Heights for labels of lines that end at `wanted`, at least `apart` from each other, between top and bottom if they can be.
inline std::vector<double> spread(std::vector<double> const& wanted, double apart, double top, double bottom) {
    std::vector<std::size_t> order(wanted.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return wanted[a] < wanted[b]; });
    auto y = wanted;
    for (std::size_t k = 0; k < order.size(); ++k)
        y[order[k]] = std::max(y[order[k]], k > 0 ? y[order[k - 1]] + apart : top);
    for (std::size_t k = order.size(); k-- > 0;)
        y[order[k]] = std::min(y[order[k]], k + 1 < order.size() ? y[order[k + 1]] - apart : bottom);
    return y;
}

/// A drawing that grows element by element; `style` is any further attributes.
class svg {
  public:
    svg(double width, double height, std::string_view title) {
        text_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + at(width) + " " + at(height) + "\" width=\"" + at(width) +
                "\" height=\"" + at(height) + "\" font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n<title>" +
                escaped(title) + "</title>\n";
        rectangle(0, 0, width, height, "fill=\"#ffffff\"");
    }

    void line(point a, point b, std::string_view style) {
        add("<line x1=\"" + at(a.x) + "\" y1=\"" + at(a.y) + "\" x2=\"" + at(b.x) + "\" y2=\"" + at(b.y) + "\"", style);
    }
    void rectangle(double x, double y, double width, double height, std::string_view style) {
        add("<rect x=\"" + at(x) + "\" y=\"" + at(y) + "\" width=\"" + at(width) + "\" height=\"" + at(height) + "\"", style);
    }
    void polyline(std::vector<point> const& all, std::string_view style) {
        add("<polyline fill=\"none\" points=\"" + listed(all) + "\"", style);
    }
    void polygon(std::vector<point> const& all, std::string_view style) {
        add("<polygon points=\"" + listed(all) + "\"", style);
    }
    void circle(point c, double radius, std::string_view style) {
        add("<circle cx=\"" + at(c.x) + "\" cy=\"" + at(c.y) + "\" r=\"" + at(radius) + "\"", style);
    }
    /// anchor: start, middle or end.
    void text(point p, std::string_view s, double size, std::string_view anchor = "start", std::string_view style = "fill=\"#333333\"") {
        text_ += "<text x=\"" + at(p.x) + "\" y=\"" + at(p.y) + "\" font-size=\"" + at(size) + "\" text-anchor=\"" +
                 std::string(anchor) + "\" " + std::string(style) + ">" + escaped(s) + "</text>\n";
    }
    /// A line of a look's colour and dashes.
    static std::string stroke(look l, double width) {
        return "stroke=\"" + std::string(l.colour) + "\" stroke-width=\"" + at(width) + "\" stroke-linejoin=\"round\"" +
               (l.dashes.empty() ? "" : " stroke-dasharray=\"" + std::string(l.dashes) + "\"");
    }
    std::string finish() const { return text_ + "</svg>\n"; }

  private:
    static std::string at(double x) {
        auto s = number("%.1f", x);
        if (s.ends_with(".0")) s.resize(s.size() - 2);
        return s == "-0" ? "0" : s;
    }
    static std::string listed(std::vector<point> const& all) {
        std::string s;
        for (auto const& p : all) s.append(s.empty() ? "" : " ").append(at(p.x)).append(",").append(at(p.y));
        return s;
    }
    void add(std::string const& element, std::string_view style) { text_.append(element).append(" ").append(style).append("/>\n"); }

    std::string text_;
};

/// A horizontal grid with labels left of it.
template <class Label>
void draw_scale(svg& to, axis const& y, double left, double right, int most, Label const& label) {
    for (double v : y.ticks(most)) {
        to.line({left, y(v)}, {right, y(v)}, "stroke=\"#e4e4e4\" stroke-width=\"1\"");
        to.text({left - 7, y(v) + 4}, label(v), 11, "end", "fill=\"#555555\"");
    }
}

}  // namespace midtrain::inline MT_ABI::chart
