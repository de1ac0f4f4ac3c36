#pragma once
#include <midtrain/annealing/shapes.hpp>
#include <midtrain/annealing/warmup.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/short_list.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// WSD-S (Wen et al. 2024): one run that decays several times and goes on from each decayed checkpoint at the peak again. A decay ends
/// after each number of tokens in `ends`, and at the stage's end; each takes the share `decay` of its period. OLMo-core: WSDS.
template <class Shape = linear_shape>
struct wsd_s_of {
    required<double>            peak, decay;
    short_list<tokens>          ends{};
    tokens                      warmup{};
    double                      floor = 0;
    warmup_from                 from  = warmup_from::zero;
    double                      start = 0;
    [[no_unique_address]] Shape shape{};

    constexpr double rate(progress at) const {
        tokens const up = warmed_so_far(at, from);
        if (up < warmup) return warm_up(start, peak, up, warmup);
        tokens begin{}, end = at.budget;
        for (tokens const e : ends) {
            if (at.seen < e) {
                end = e;
                break;
            }
            begin = e;
        }
        double const length = static_cast<double>((end - begin).count) * decay, left = static_cast<double>((end - at.seen).count);
        return left >= length ? peak.value : fall(shape, peak, floor, 1.0 - left / length);
    }
    constexpr bool fits(tokens budget) const {
        if (!(decay >= 0 && decay <= 1) || warmup < tokens{} || !shape_fits(shape, peak, floor)) return false;
        tokens before{};
        for (tokens const e : ends) {
            if (!(before < e && e < budget)) return false;
            before = e;
        }
        tokens const first = ends.empty() ? budget : ends[0];
        return static_cast<double>(warmup.count) <= static_cast<double>(first.count) * (1.0 - decay);
    }
};
using wsd_s = wsd_s_of<>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::wsd_s;
using annealing::wsd_s_of;
}  // namespace midtrain::inline MT_ABI
