#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/train/bootstrap.hpp>
#include <midtrain/train/svg.hpp>

namespace midtrain::inline MT_ABI {

/// A model's held-out loss on a source, in nats a token.
struct held_out_loss {
    std::string source, model;  ///< model: "before", "control", "after anneal", ...
    interval    loss;
};

/// What the points are: losses, or changes against a model that all are compared with, whose zero is then drawn.
enum class held_out_kind { loss, change };

namespace chart {

/// The models' marks: they differ in form and in colour. Models that have lines elsewhere bring their colour.
inline void draw_mark(svg& to, std::size_t model, point p, std::string_view own_colour = {}) {
    static constexpr std::array<std::string_view, 6> colours{"#777777", "#000000", "#0072B2", "#D55E00", "#117733", "#882255"};
    std::string const colour(own_colour.empty() ? colours[model % colours.size()] : own_colour), full = "fill=\"" + colour + "\"";
    auto const hollow = "fill=\"#ffffff\" stroke-width=\"1.8\" stroke=\"" + colour + "\"";
    switch (model % colours.size()) {
        case 0: return to.circle(p, 3.8, hollow);
        case 1: return to.rectangle(p.x - 3.5, p.y - 3.5, 7, 7, hollow);
        case 2: return to.circle(p, 4.2, full);
        case 3: return to.polygon({{p.x, p.y - 5.2}, {p.x + 5.2, p.y}, {p.x, p.y + 5.2}, {p.x - 5.2, p.y}}, full);
        case 4: return to.polygon({{p.x, p.y - 5}, {p.x + 5, p.y + 4}, {p.x - 5, p.y + 4}}, full);
        default: return to.rectangle(p.x - 4, p.y - 4, 8, 8, full);
    }
}

/// Held-out loss by source: a small chart a source, each on its own scale, since sources differ by far more than models do.
class held_out_panel {
  public:
    /// Sources have the colours of their place among the run's. With `wrapped` pixels the names of models take as many lines as they need,
    /// the title is the page's, and colours are those of the models' lines.
    held_out_panel(std::vector<held_out_loss> const& all, std::vector<std::string> const& run_sources, held_out_kind kind,
                   std::size_t columns = 7, double wrapped = 0)
        : all_(&all), coloured_(run_sources), kind_(kind), most_columns_(columns), wrapped_(wrapped) {
        auto const add = [](std::vector<std::string>& to, std::string const& what) {
            if (std::find(to.begin(), to.end(), what) == to.end()) to.push_back(what);
        };
        for (auto const& h : all) add(sources_, h.source), add(models_, h.model), add(coloured_, h.source);
    }

    double height() const {
        return all_->empty() ? 0 : (wrapped_ > 0 ? 16 + legend(nullptr, 0, 0) : 70) + row_height * static_cast<double>(rows());
    }

    void draw(svg& to, double left, double top, double right) const {
        if (all_->empty()) return;
        if (wrapped_ == 0)
            to.text({left, top + 12},
                    kind_ == held_out_kind::loss
                        ? "Held-out loss (nats per token), bars: 95 % intervals; each source on its own scale"
                        : "Change of held-out loss (nats per token), bars: paired 95 % intervals; each source on its own scale",
                    13, "start", "fill=\"#111111\" font-weight=\"bold\"");
        if (wrapped_ > 0) top += legend(&to, left, top) - 18;
        else legend(&to, left, top + 20);
        auto const   columns = std::min(sources_.size(), most_columns_);
        double const width   = (right - left) / static_cast<double>(columns);
        for (std::size_t s = 0; s < sources_.size(); ++s)
            one(to, s, left + width * static_cast<double>(s % columns), top + 66 + row_height * static_cast<double>(s / columns), width);
    }

  private:
    static constexpr double row_height = 190;

    static std::size_t place(std::vector<std::string> const& in, std::string const& what) {
        return static_cast<std::size_t>(std::find(in.begin(), in.end(), what) - in.begin());
    }
    /// The models' marks and names; returns the height that they take.
    double legend(svg* to, double left, double top) const {
        double x = left, y = top + 10;
        for (std::size_t m = 0; m < models_.size(); ++m) {
            double const width = 15 + text_width(models_[m], 12) + 22;
            if (wrapped_ > 0 && x > left && x + width > left + wrapped_) x = left, y += 20;
            if (to) draw_mark(*to, m, {x + 5, y}, colour(m)), to->text({x + 15, y + 4}, models_[m], 12);
            x += width;
        }
        return y - top + 10;
    }
    std::string_view colour(std::size_t model) const { return wrapped_ > 0 ? look_of(model).colour : std::string_view(); }
    std::size_t      rows() const { return (sources_.size() + most_columns_ - 1) / most_columns_; }

    void one(svg& to, std::size_t s, double left, double top, double width) const {
        double const a = left + 38, b = left + width - 8, bottom = top + row_height - 40;
        bool const   change = kind_ == held_out_kind::change;
        double       low = change ? 0 : 1e300, high = change ? 0 : -1e300;
        for (auto const& h : *all_)
            if (h.source == sources_[s]) low = std::min(low, h.loss.low), high = std::max(high, h.loss.high);
        auto const y = with_room(low, high, bottom, top);
        to.rectangle(a, top, b - a, bottom - top, "fill=\"#fafafa\"");
        draw_scale(to, y, a, b, 5, [&](double v) { return number(("%." + std::to_string(y.decimals(5)) + "f").c_str(), v); });
        if (change) to.line({a, y(0)}, {b, y(0)}, "stroke=\"#111111\" stroke-width=\"1\"");
        double const name = wrapped_ > 0 ? a : left + 21;
        if (wrapped_ == 0)
            to.rectangle(left + 8, top - 18, 9, 9, "fill=\"" + std::string(look_of(place(coloured_, sources_[s])).colour) + "\"");
        to.text({name, top - 9}, fitted(sources_[s], 12, left + width - name - 11), 12, "start", "fill=\"#111111\"");
        for (auto const& h : *all_) {
            if (h.source != sources_[s]) continue;
            auto const   m = place(models_, h.model);
            double const x = a + (b - a) * (static_cast<double>(m) + 0.5) / static_cast<double>(models_.size());
            to.line({x, y(h.loss.low)}, {x, y(h.loss.high)}, "stroke=\"#555555\" stroke-width=\"1.4\"");
            for (double end : {h.loss.low, h.loss.high})
                to.line({x - 3, y(end)}, {x + 3, y(end)}, "stroke=\"#555555\" stroke-width=\"1.4\"");
            draw_mark(to, m, {x, y(h.loss.value)}, colour(m));
        }
    }

    std::vector<held_out_loss> const* all_;
    std::vector<std::string>          coloured_, sources_, models_;
    held_out_kind                     kind_;
    std::size_t                       most_columns_;  ///< side by side
    double                            wrapped_;
};

}  // namespace chart
}  // namespace midtrain::inline MT_ABI
