#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>
#include <midtrain/train/mixture_search.hpp>
#include <midtrain/train/plot.hpp>
#include <midtrain/train/svg.hpp>

namespace midtrain::inline MT_ABI::chart {

/// What a search suggests: a row a source with the trials' shares as rings (the darker, the lower their loss), the start as a bar, and the
/// suggestion with its interval.
inline std::string draw_mixture_search(std::vector<std::string> const& sources, std::span<mixture_trial const> trials,
                                       std::span<double const> losses, mixture_suggestion const& s) {
    double const row = 46, left = 150, right = 640, top = 64, bottom = top + row * static_cast<double>(sources.size());
    svg          to(760, bottom + 76, "A mixture from trials");
    plot const   p{left, top, right, bottom, {0, 1, left, right, false}, {0, 1, bottom, top, false}};
    draw_title(to, {left, 26}, "Suggested mixture with 95 % intervals");
    to.text({left, 46},
            "foretold loss " + number("%.4f", s.loss.value) + " (" + number("%.4f", s.loss.low) + " to " + number("%.4f", s.loss.high) +
                            "); rank correlation of left-out trials " + number("%.2f", s.rank_correlation), 12);
    draw_ground(to, p, 5);
    for (double t : p.x.ticks(5)) to.text({p.x(t), bottom + 17}, number("%.0f %%", 100 * t), 11, "middle", "fill=\"#555555\"");
    to.text({(left + right) / 2, bottom + 36}, "share of the mixture", 12, "middle");
    auto const [low, high] = std::minmax_element(losses.begin(), losses.end());
    for (std::size_t j = 0; j < sources.size(); ++j) {
        double const y = top + row * (static_cast<double>(j) + 0.5);
        to.text({left - 10, y + 4}, fitted(sources[j], 12, left - 20), 12, "end");
        for (std::size_t i = 0; i < trials.size(); ++i) {
            double const good = *high > *low ? (*high - losses[i]) / (*high - *low) : 1;
            to.circle({p.x(trials[i].shares[j]), y - 9}, 3.2,
                      "fill=\"none\" stroke=\"#0072B2\" stroke-width=\"1.4\" stroke-opacity=\"" + number("%.2f", 0.15 + 0.85 * good) + "\"");
        }
        auto const& x = s.shares[j];
        to.line({p.x(trials[0].shares[j]), y - 16}, {p.x(trials[0].shares[j]), y + 16}, "stroke=\"#999999\" stroke-width=\"2\"");
        to.line({p.x(x.low), y + 8}, {p.x(x.high), y + 8}, "stroke=\"#D55E00\" stroke-width=\"2.4\"");
        to.circle({p.x(x.value), y + 8}, 4.6, "fill=\"#D55E00\"");
        to.text({right + 10, y + 4}, number("%.1f %%", 100 * trials[0].shares[j]) + " \u2192 " + number("%.1f %%", 100 * x.value), 11);
    }
    double const y = bottom + 60;
    to.circle({left + 4, y - 4}, 3.2, "fill=\"none\" stroke=\"#0072B2\" stroke-width=\"1.4\"");
    to.text({left + 14, y}, "trials, darker: lower loss", 11);
    to.line({left + 190, y - 10}, {left + 190, y + 2}, "stroke=\"#999999\" stroke-width=\"2\"");
    to.text({left + 200, y}, "start", 11);
    to.circle({left + 260, y - 4}, 4.6, "fill=\"#D55E00\"");
    to.text({left + 270, y}, "suggestion", 11);
    return to.finish();
}

}  // namespace midtrain::inline MT_ABI::chart
