#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/maps.hpp>

namespace midtrain::inline MT_ABI::position {

/// In what the ramp of yarn runs straight: the pair's index, as in the reference code, transformers and DeepSeek, and in all published
/// models; or the number of turns, as in the paper (eq. 17-18).
enum class yarn_ramp { pairs, turns };
/// Where the temperature of yarn acts: on cosine and sine, as in the paper and transformers, so that scores get its square; or on the
/// scores of attention, as in DeepSeek-V3's code. The two differ where a part of a head does not turn.
enum class yarn_heat { rotary, scores };

/// YaRN (Peng et al. 2023): h keeps fast pairs and divides slow ones by s, with a ramp between those that turn `fast` and `slow` times over
/// the trained context; g = m; alpha = 0.1 ln s + 1. Type "yarn" in transformers.
struct yarn {
    required<double>  base;
    required<index_t> trained, extended;
    double            fast = 32, slow = 1;             ///< turns over the trained context
    double            factor = 0;                      ///< s; 0: extended / trained. DeepSeek-V3 trains at 32K with its 40 for 160K
    yarn_ramp         ramp = yarn_ramp::pairs;
    bool              truncate = true;                 ///< round the ends of the ramp in pairs outwards; gpt-oss does not
    double            mscale = 0, mscale_all_dim = 0;  ///< alpha = (0.1 mscale ln s + 1) / (0.1 mscale_all_dim ln s + 1) if both are set
    double            attention_factor = 0;            ///< alpha itself; 0: as above
    yarn_heat         heat = yarn_heat::rotary;

    constexpr double  stretch() const { return factor > 0 ? factor : position::stretch(trained, extended); }
    constexpr index_t context() const { return extended; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t) const {
        double const theta = plain_frequency(base, pair, width);
        return blended(theta, stretch(), kept(theta, pair, width));
    }
    constexpr double position(index_t t) const { return static_cast<double>(t); }
    constexpr double temperature(index_t) const {
        double const s = stretch();
        if (heat == yarn_heat::scores)
            return attention_factor > 0 ? 1.0 : yarn_heat_of(s, mscale > 0 ? mscale : 1.0) / yarn_heat_of(s, heat_on_all());
        if (attention_factor > 0) return attention_factor;
        return mscale != 0 && mscale_all_dim != 0 ? yarn_heat_of(s, mscale) / yarn_heat_of(s, mscale_all_dim) : yarn_heat_of(s);
    }
    /// (0.1 mscale_all_dim ln s + 1)^2 where the temperature acts on the scores (DeepSeek-V3, inference/model.py).
    constexpr double score_factor(index_t) const {
        if (heat == yarn_heat::rotary) return 1.0;
        double const h = attention_factor > 0 ? attention_factor : yarn_heat_of(stretch(), heat_on_all());
        return h * h;
    }
    constexpr position_fault fault(index_t) const {
        if (auto const f = rope_fault(base, trained, extended); f != position_fault::none) return f;
        if (!(factor == 0 || factor >= 1) || !(attention_factor >= 0)) return position_fault::factor;
        return slow > 0 && slow < fast ? position_fault::none : position_fault::ramp;
    }

    // Below: parts of the above. Public, so that the policy stays an aggregate.
    // What the scores' temperature is made with: what is not set is as mscale, which is one if that is not set either.
    constexpr double heat_on_all() const { return mscale_all_dim != 0 ? mscale_all_dim : mscale != 0 ? mscale : 1.0; }
    constexpr double kept(double theta, index_t pair, index_t width) const {
        if (ramp == yarn_ramp::turns) return position::ramp(turns_over(trained, theta), slow, fast);
        double low = pair_that_turns(fast, width), high = pair_that_turns(slow, width);
        if (truncate) low = rounded_down(low), high = -rounded_down(-high);
        double const last = static_cast<double>(width - 1);
        low = low < 0 ? 0.0 : low, high = high > last ? last : high;
        return 1.0 - position::ramp(static_cast<double>(pair), low, high == low ? low + 0.001 : high);
    }
    // The (real) pair that turns n times over the trained context.
    constexpr double pair_that_turns(double n, index_t width) const {
        return static_cast<double>(width) * math::log(static_cast<double>(trained) / (n * 2.0 * math::pi)) / (2.0 * math::log(base));
    }
    static constexpr double rounded_down(double x) {
        auto const n = static_cast<double>(static_cast<index_t>(x));
        return n > x ? n - 1.0 : n;
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::yarn;
using position::yarn_heat;
using position::yarn_ramp;
}  // namespace midtrain::inline MT_ABI
