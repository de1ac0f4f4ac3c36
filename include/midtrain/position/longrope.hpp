#pragma once
#include <cstddef>
#include <iterator>
#include <midtrain/core/required.hpp>
#include <midtrain/core/short_list.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/maps.hpp>

namespace midtrain::inline MT_ABI::position {

/// One factor a pair, for heads of up to 256 values.
using pair_factors = short_list<double, 128>;

/// LongRoPE (Ding et al. 2024): h = theta / lambda_i with a factor for each pair, found by a search (position/longrope_search.hpp). A list
/// for sequences up to the trained context and one for longer ones, as published models have them; alpha = sqrt(1 + ln s / ln trained).
/// g = m, and the first `start` positions turn as if nothing were stretched. Type "longrope" in transformers, which has no `start`.
struct longrope {
    required<double>  base;
    required<index_t> trained, extended;
    pair_factors      long_factor{}, short_factor{};  ///< by pair; an empty one is all ones
    double            factor = 0;                     ///< s; 0: extended / trained
    double            attention_factor = 0;           ///< alpha; 0: as above
    index_t           start = 0;                      ///< n-hat of the paper

    constexpr double  stretch() const { return factor > 0 ? factor : position::stretch(trained, extended); }
    constexpr index_t context() const { return extended; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t length) const {
        auto const& list = length > trained ? long_factor : short_factor;
        return position::plain_frequency(base, pair, width) / (pair < std::ssize(list) ? list[static_cast<std::size_t>(pair)] : 1.0);
    }
    constexpr double position(index_t t) const { return static_cast<double>(t); }
    constexpr double temperature(index_t) const {
        if (attention_factor > 0) return attention_factor;
        return stretch() <= 1 ? 1.0 : math::sqrt(1.0 + math::log(stretch()) / math::log(static_cast<double>(trained)));
    }
    constexpr index_t plain_start() const { return start; }
    constexpr double  plain_frequency(index_t pair, index_t width) const { return position::plain_frequency(base, pair, width); }

    constexpr position_fault fault(index_t head_size) const {
        if (auto const f = rope_fault(base, trained, extended); f != position_fault::none) return f;
        if (!(factor == 0 || factor >= 1) || !(attention_factor >= 0)) return position_fault::factor;
        return start >= 0 && fits(long_factor, head_size / 2) && fits(short_factor, head_size / 2) ? position_fault::none
                                                                                                   : position_fault::lists;
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    static constexpr bool fits(pair_factors const& list, index_t pairs) {
        for (double const f : list)
            if (!(f > 0 && f <= 1e9)) return false;
        return list.empty() || std::ssize(list) == pairs;
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::longrope;
using position::pair_factors;
}  // namespace midtrain::inline MT_ABI
