#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/evaluate.hpp>
#include <midtrain/train/plot.hpp>
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
    double                                      width = 900, height = 552;
    bool                                        headed = true;  ///< the title stands in the picture, too
};

namespace chart {

class position_drawing {
  public:
    position_drawing(std::vector<position_curve> const& curves, position_chart_options const& how)
        : curves_(curves),
          how_(how),
          right_(how.width - 140),
          top_(how.headed ? 84 : 14),
          bottom_(how.height - 52),
          to_(how.width, how.height, how.title) {
        double low = 1e300, high = -1e300, longest = 2 * how.from;
        for (auto const& c : curves) {
            add(names_, c.name), add(variants_, c.variant);
            for (auto const& p : c.loss) {
                if (middle(p) < how.from) continue;
                low = std::min(low, p.loss), high = std::max(high, p.loss);
                longest = std::max(longest, static_cast<double>(p.last + 1));
            }
        }
        plot_ = {left, top_, right_, bottom_, {how.from, longest, left, right_, true}, with_room(low, high, bottom_, top_)};
    }

    std::string draw() {
        if (how_.headed) to_.text({left, 28}, fitted(how_.title, 17, right_ - left), 17, "start", "fill=\"#111111\" font-weight=\"bold\"");
        draw_ground(to_, plot_);
        draw_scale(to_, plot_.y, left, right_, 7, tick_label(plot_.y, 7));
        for (double t : plot_.x.ticks(0)) to_.text({plot_.x(t), bottom_ + 17}, context_label(t), 11, "middle", "fill=\"#555555\"");
        to_.text({(left + right_) / 2, bottom_ + 36}, "tokens of the document seen before the target (log scale)", 12, "middle");
        if (how_.headed) draw_title(to_, {left, top_ - 12}, "Loss (nats per token)");
        marks();
        for (auto const& c : curves_)
            to_.polyline(line(c), style(c) + " data-name=\"" + escaped(variants_.size() > 1 ? c.name + ", " + c.variant : c.name) + "\"");
        legend();
        labels();
        return to_.finish();
    }

  private:
    static constexpr double left = 66;

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
            if (middle(p) >= how_.from) all.push_back({plot_.x(middle(p)), plot_.y(p.loss)});
        return all;
    }
    void marks() {
        for (auto const& [at, name] : how_.marks) {
            if (at < plot_.x.low || at > plot_.x.high) continue;
            draw_boundaries(to_, plot_, {at});
            to_.text({plot_.x(at) - 5, top_ + 15}, name, 11, "end", "fill=\"#333333\" font-style=\"italic\"");
        }
    }
    void legend() {
        if (variants_.size() == 1 && variants_[0].empty()) return;
        double x = right_;
        for (std::size_t v = variants_.size(); v-- > 0;) {
            x -= text_width(variants_[v], 12);
            to_.text({x, top_ - 12}, variants_[v], 12);
            to_.line({x - 36, top_ - 16}, {x - 6, top_ - 16}, "stroke=\"#333333\" stroke-width=\"1.8\"" + dashes(v));
            x -= 54;
        }
    }
    /// A name a colour, where the curves of that name end.
    void labels() {
        std::vector<double> wanted;
        for (auto const& n : names_) {
            double end = bottom_;
            for (auto const& c : curves_)
                if (c.name == n && !line(c).empty()) end = line(c).back().y;
            wanted.push_back(end);
        }
        auto const at = spread(wanted, 16, top_ + 6, bottom_ - 4);
        for (std::size_t i = 0; i < names_.size(); ++i) {
            to_.line({right_ + 10, at[i]}, {right_ + 26, at[i]}, svg::stroke({look_of(i).colour, ""}, 2.4));
            to_.text({right_ + 31, at[i] + 4}, fitted(names_[i], 12, how_.width - right_ - 34), 12);
        }
    }

    std::vector<position_curve> const& curves_;
    position_chart_options const&      how_;
    double                             right_, top_, bottom_;
    std::vector<std::string>           names_, variants_;
    plot                               plot_;
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
