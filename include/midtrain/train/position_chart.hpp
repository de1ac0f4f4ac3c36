#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/evaluate.hpp>
#include <midtrain/train/svg.hpp>

namespace midtrain::inline MT_ABI {

/// A model's loss along documents. Curves of one name share a colour, those of one variant their dashes: {"books", "before", ...}.
struct position_curve {
    std::string                name, variant;
    std::vector<position_loss> loss;
};

struct position_chart_options {
    std::string                                 title = "Held-out loss by position in the document";
    std::vector<std::pair<double, std::string>> marks;  ///< numbers of tokens to point out: {4096, "trained context"}
    double                                      from = 16;  ///< tokens seen, where the scale begins: before, all models only guess
};

namespace chart {

class position_drawing {
  public:
    position_drawing(std::vector<position_curve> const& curves, position_chart_options const& how)
        : curves_(curves), how_(how), to_(width, bottom + 52, how.title) {
        double low = 1e300, high = -1e300, longest = 2 * how.from;
        for (auto const& c : curves) {
            add(names_, c.name), add(variants_, c.variant);
            for (auto const& p : c.loss) {
                if (middle(p) < how.from) continue;
                low = std::min(low, p.loss), high = std::max(high, p.loss);
                longest = std::max(longest, static_cast<double>(p.last + 1));
            }
        }
        x_ = {how.from, longest, left, right, true};
        y_ = with_room(low, high, bottom, top);
    }

    std::string draw() {
        to_.text({left, 28}, fitted(how_.title, 17, right - left), 17, "start", "fill=\"#111111\" font-weight=\"bold\"");
        to_.rectangle(left, top, right - left, bottom - top, "fill=\"#fafafa\"");
        draw_scale(to_, y_, left, right, 7, [&](double v) { return number(("%." + std::to_string(y_.decimals(7)) + "f").c_str(), v); });
        for (double t : x_.ticks(0)) {
            to_.line({x_(t), top}, {x_(t), bottom}, "stroke=\"#e4e4e4\" stroke-width=\"1\"");
            to_.text({x_(t), bottom + 17}, context_label(t), 11, "middle", "fill=\"#555555\"");
        }
        to_.text({(left + right) / 2, bottom + 36}, "tokens of the document seen before the target (log scale)", 12, "middle");
        to_.text({left, top - 12}, "Loss (nats per token)", 13, "start", "fill=\"#111111\" font-weight=\"bold\"");
        marks();
        for (auto const& c : curves_) to_.polyline(line(c), style(c));
        legend();
        labels();
        return to_.finish();
    }

  private:
    static constexpr double width = 900, left = 66, right = 760, top = 84, bottom = 500;

    static void add(std::vector<std::string>& to, std::string const& what) {
        if (std::find(to.begin(), to.end(), what) == to.end()) to.push_back(what);
    }
    static std::size_t place(std::vector<std::string> const& in, std::string const& what) {
        return static_cast<std::size_t>(std::find(in.begin(), in.end(), what) - in.begin());
    }
    static std::string context_label(double t) { return t < 1024 ? number("%.0f", t) : number("%.0fk", t / 1024); }

    /// The last variant, usually what came out, is the full line.
    std::string dashes(std::size_t variant) const {
        static char const* const kinds[] = {"", " stroke-dasharray=\"6 4\"", " stroke-dasharray=\"2 3\"", " stroke-dasharray=\"9 3 2 3\""};
        return kinds[(variants_.size() - 1 - variant) % 4];
    }
    std::string style(position_curve const& c) const {
        return svg::stroke({look_of(place(names_, c.name)).colour, ""}, 1.8) + dashes(place(variants_, c.variant));
    }
    /// Of the positions that a value stands for, on the scale's terms.
    static double middle(position_loss const& p) { return std::sqrt(static_cast<double>(p.first + 1) * static_cast<double>(p.last + 1)); }
    std::vector<point> line(position_curve const& c) const {
        std::vector<point> all;
        for (auto const& p : c.loss)
            if (middle(p) >= how_.from) all.push_back({x_(middle(p)), y_(p.loss)});
        return all;
    }
    void marks() {
        for (auto const& [at, name] : how_.marks) {
            if (at < x_.low || at > x_.high) continue;
            to_.line({x_(at), top}, {x_(at), bottom}, "stroke=\"#333333\" stroke-width=\"1\" stroke-dasharray=\"4 3\"");
            to_.text({x_(at) - 5, top + 15}, name, 11, "end", "fill=\"#333333\" font-style=\"italic\"");
        }
    }
    void legend() {
        double x = right;
        for (std::size_t v = variants_.size(); v-- > 0;) {
            x -= text_width(variants_[v], 12);
            to_.text({x, top - 12}, variants_[v], 12);
            to_.line({x - 36, top - 16}, {x - 6, top - 16}, "stroke=\"#333333\" stroke-width=\"1.8\"" + dashes(v));
            x -= 54;
        }
    }
    /// A name a colour, where the curves of that name end.
    void labels() {
        std::vector<double> wanted;
        for (auto const& n : names_) {
            double end = bottom;
            for (auto const& c : curves_)
                if (c.name == n && !line(c).empty()) end = line(c).back().y;
            wanted.push_back(end);
        }
        auto const at = spread(wanted, 16, top + 6, bottom - 4);
        for (std::size_t i = 0; i < names_.size(); ++i) {
            to_.line({right + 10, at[i]}, {right + 26, at[i]}, svg::stroke({look_of(i).colour, ""}, 2.4));
            to_.text({right + 31, at[i] + 4}, fitted(names_[i], 12, width - right - 34), 12);
        }
    }

    std::vector<position_curve> const& curves_;
    position_chart_options const&      how_;
    std::vector<std::string>           names_, variants_;
    axis                               x_, y_;
    svg                                to_;
};

}  // namespace chart

/// Loss over the position in the document, by powers of two, as one self-contained SVG.
inline std::string draw_position_chart(std::vector<position_curve> const& curves, position_chart_options const& how = {}) {
    bool any = false;
    for (auto const& c : curves)
        for (auto const& p : c.loss) any = any || static_cast<double>(p.first + 1) >= how.from;
    check(how.from >= 1 && any, "a chart by position needs `from` of at least 1 and a curve that reaches beyond it");
    return chart::position_drawing(curves, how).draw();
}

}  // namespace midtrain::inline MT_ABI
