#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>
#include <midtrain/train/decay_law.hpp>
#include <midtrain/train/plot.hpp>
#include <midtrain/train/svg.hpp>

namespace midtrain::inline MT_ABI {

/// The loss that a law foretells at the end of `steps` steps at the rate `peak`, which falls in a straight line to zero over the last
/// `share` of them.
inline double loss_after_decay(decay_law const& law, double peak, std::int64_t steps, double share) {
    std::vector<double> rates(static_cast<std::size_t>(steps));
    double const        n = static_cast<double>(steps), tail = share * n;
    for (std::size_t i = 0; i < rates.size(); ++i) rates[i] = peak * (tail > 0 ? std::min(1.0, (n - static_cast<double>(i)) / tail) : 1.0);
    return foretold(law, rates).back();
}

namespace chart {

/// Two panels: the curves as they were measured with what the law says of them, and the final loss over the share of steps that decays.
inline std::string draw_decay_law(std::span<rated_curve const> curves, decay_law_fit const& fit) {
    double last = 1, low = 1e300, high = -1e300, peak = 0;
    std::vector<series> seen, said;
    for (std::size_t k = 0; k < curves.size(); ++k) {
        auto const& c = curves[k];
        series      dots{c.name, look_of(k), {{}}, 1.2, false}, line{c.name, look_of(k), {{}}, 2.4, false};
        auto const  law  = foretold(fit.law, c.rates);
        // The first moments would squeeze the rest.
        auto const  from   = c.steps.empty() ? 0 : std::max<std::int64_t>(c.steps.back() / 20, 1);
        auto const  stride = std::max<std::size_t>(1, c.steps.size() / 400);
        for (std::size_t i = 0; i < c.steps.size(); i += stride) {
            if (c.steps[i] < from) continue;
            dots.pieces[0].push_back({static_cast<double>(c.steps[i]), c.losses[i]});
            line.pieces[0].push_back({static_cast<double>(c.steps[i]), law[static_cast<std::size_t>(c.steps[i]) - 1]});
            low = std::min(low, c.losses[i]), high = std::max(high, c.losses[i]);
        }
        if (dots.pieces[0].empty()) continue;
        last = std::max(last, dots.end());
        for (double r : c.rates) peak = std::max(peak, r);
        seen.push_back(std::move(dots)), said.push_back(std::move(line));
    }
    svg        to(960, 420, "A law of annealing");
    plot const p{64, 60, 470, 364, {0, last, 64, 470, false}, with_room(low, high, 364, 60)};
    draw_title(to, {p.left, 40}, "Loss over steps: measured (thin) and by the law (bold)");
    draw_ground(to, p, 5);
    draw_scale(to, p.y, p.left, p.right, 6, tick_label(p.y, 6));
    for (double t : p.x.ticks(5)) to.text({p.x(t), p.bottom + 17}, tokens_label(t), 11, "middle", "fill=\"#555555\"");
    to.text({(p.left + p.right) / 2, p.bottom + 36}, "steps", 12, "middle");
    for (auto const& s : seen) draw_series(to, p, s);
    for (auto const& s : said) draw_series(to, p, s);
    draw_end_labels(to, p, said, 600, [](double v) { return number("%.3f", v); });

    std::vector<series> ends;
    std::size_t         k = 0;
    for (double times : {0.5, 1.0, 2.0, 4.0}) {
        auto const steps = std::max<std::int64_t>(2, static_cast<std::int64_t>(times * last));
        series     s{tokens_label(static_cast<double>(steps)) + " steps", look_of(k++), {{}}, times == 1 ? 2.4 : 1.6, times == 1};
        for (int i = 0; i <= 40; ++i) s.pieces[0].push_back({2.5 * i, loss_after_decay(fit.law, peak, steps, 0.025 * i)});
        ends.push_back(std::move(s));
    }
    auto const [least, most] = range_of(ends);
    plot const q{664, 60, 830, 364, {0, 100, 664, 830, false}, with_room(least, most, 364, 60)};
    draw_title(to, {q.left - 40, 40}, "Foretold final loss by share of decay");
    draw_ground(to, q, 4);
    draw_scale(to, q.y, q.left, q.right, 6, tick_label(q.y, 6));
    for (double t : q.x.ticks(4)) to.text({q.x(t), q.bottom + 17}, number("%g %%", t), 11, "middle", "fill=\"#555555\"");
    to.text({(q.left + q.right) / 2, q.bottom + 36}, "steps that decay", 12, "middle");
    for (auto const& s : ends) draw_series(to, q, s);
    draw_end_labels(to, q, ends, 956, [](double v) { return number("%.3f", v); });
    return to.finish();
}

}  // namespace chart
}  // namespace midtrain::inline MT_ABI
