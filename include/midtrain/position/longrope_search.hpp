#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/core/short_list.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/longrope.hpp>
#include <midtrain/position/yarn.hpp>

namespace midtrain::inline MT_ABI::position {

/// The numbers of LongRoPE's evolutionary search (Ding et al. 2024, algorithm 1; defaults of its section 4).
struct longrope_search {
    index_t                 population = 64, parents = 32, mutated = 16, crossed = 16;  ///< parents: the best that live on
    int                     generations = 40;
    double                  chance = 0.3;       ///< that a mutation touches a pair
    double                  step = 0.01;        ///< of a factor
    double                  most = 1.25;        ///< the largest factor, in multiples of the stretch
    bool                    monotone = true;    ///< no factor is below that of a faster pair
    short_list<index_t, 16> starts{0};          ///< n-hat: how many first tokens may stay plain; transformers knows 0 only
    std::uint64_t           seed = 1;
};

/// A set of factors and what it is worth: the less, the better.
struct longrope_found {
    longrope policy;
    double   value = 0;
};

namespace detail {

/// What the search draws its candidates from. All randomness is a count of draws, so a search is a function of its seed.
class longrope_breeder {
  public:
    longrope_breeder(longrope_search const& how, longrope const& of, index_t width)
        : how_(how), of_(of), pairs_(width / 2), most_(how.most * of.stretch()), draws_{how.seed, 0x10e6} {}

    /// Interpolation, NTK and YaRN as lists.
    std::vector<longrope> ancestors() const {
        index_t const width = 2 * pairs_;
        double const  s = of_.stretch(), base = ntk_base(of_.base, s, width);
        yarn const    by_yarn{.base = of_.base, .trained = of_.trained, .extended = of_.extended, .factor = of_.factor};
        return {with([&](index_t) { return s; }),
                with([&](index_t i) { return position::plain_frequency(of_.base, i, width) / position::plain_frequency(base, i, width); }),
                with([&](index_t i) {
                    return position::plain_frequency(of_.base, i, width) / by_yarn.inverse_frequency(i, width, of_.extended);
                })};
    }
    longrope mutant(longrope p) {
        for (index_t i = 0; i < pairs_; ++i) {
            if (uniform() >= how_.chance) continue;
            double const low = how_.monotone && i > 0 ? at(p, i - 1) : 1.0, high = how_.monotone && i + 1 < pairs_ ? at(p, i + 1) : most_;
            at(p, i) = std::clamp(on_grid(low + uniform() * (high - low)), low, std::max(low, high));
        }
        if (uniform() < how_.chance) p.start = how_.starts[below(how_.starts.size())];
        return p;
    }
    /// Each factor from one parent or the other; what would fall is raised to its neighbour.
    longrope child(longrope a, longrope const& b) {
        for (index_t i = 0; i < pairs_; ++i) {
            if (uniform() < 0.5) at(a, i) = at(b, i);
            if (how_.monotone && i > 0) at(a, i) = std::max(at(a, i), at(a, i - 1));
        }
        if (uniform() < 0.5) a.start = b.start;
        return a;
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(uniform() * static_cast<double>(n)); }

  private:
    static double& at(longrope& p, index_t i) { return p.long_factor[static_cast<std::size_t>(i)]; }
    static double  at(longrope const& p, index_t i) { return p.long_factor[static_cast<std::size_t>(i)]; }

    double uniform() { return draws_.uniform(drawn_++); }
    double on_grid(double x) const { return how_.step * static_cast<double>(static_cast<std::int64_t>(x / how_.step + 0.5)); }
    template <class F>
    longrope with(F const& factor) const {
        longrope p = of_;
        p.long_factor.clear();
        p.start = how_.starts[0];
        for (index_t i = 0; i < pairs_; ++i) p.long_factor.push_back(std::clamp(factor(i), 1.0, most_));
        return p;
    }

    longrope_search how_;
    longrope        of_;
    index_t         pairs_;
    double          most_;
    random_stream   draws_;
    std::uint64_t   drawn_ = 0;
};

}  // namespace detail

/// Searches the long factors of `of` (its base, its trained and its extended length stay) for heads that turn `width` values:
/// value(longrope const&) is what a candidate is worth, such as a model's loss at the extended length, and is asked once a candidate.
/// watch(generation, best so far, candidates asked so far) hears of every generation; generation 0 is the one that interpolation, NTK,
/// YaRN and their mutants make, so the result is never worse than these.
template <class Value, class Watch>
longrope_found search_longrope(longrope_search const& how, longrope const& of, index_t width, Value const& value, Watch const& watch) {
    check(how.population >= 3 && how.parents >= 2 && how.mutated >= 0 && how.crossed >= 0 && how.generations >= 0,
          "longrope search: a population of three and two parents are the least");
    check(how.chance > 0 && how.chance <= 1 && how.step > 0 && how.most >= 1 && !how.starts.empty(),
          "longrope search: chance and step are above zero, most is at least one, and starts has something");
    check(width >= 2 && width / 2 <= static_cast<index_t>(pair_factors::capacity) && of.fault(width) == position_fault::none,
          "longrope search: the policy's numbers do not fit each other or the heads");
    detail::longrope_breeder    breed(how, of, width);
    std::vector<longrope_found> alive;
    index_t                     asked = 0;
    auto const ask = [&](longrope const& p) {
        double const v = value(p);
        alive.push_back({p, v == v ? v : math::infinity}), ++asked;
    };
    for (auto const& p : breed.ancestors()) ask(p);
    while (asked < how.population) ask(breed.mutant(alive[breed.below(3)].policy));
    for (int generation = 0;; ++generation) {
        std::stable_sort(alive.begin(), alive.end(), [](auto const& a, auto const& b) { return a.value < b.value; });
        if (std::ssize(alive) > how.parents) alive.erase(alive.begin() + how.parents, alive.end());
        watch(generation, std::as_const(alive.front()), asked);
        if (generation == how.generations) return alive.front();
        std::size_t const old = alive.size();
        for (index_t k = 0; k < how.mutated; ++k) ask(breed.mutant(alive[breed.below(old)].policy));
        for (index_t k = 0; k < how.crossed; ++k) {
            std::size_t const a = breed.below(old), b = breed.below(old);
            ask(breed.child(alive[a].policy, alive[b].policy));
        }
    }
}
template <class Value>
longrope_found search_longrope(longrope_search const& how, longrope const& of, index_t width, Value const& value) {
    return search_longrope(how, of, width, value, [](int, longrope_found const&, index_t) {});
}

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::longrope_found;
using position::longrope_search;
using position::search_longrope;
}  // namespace midtrain::inline MT_ABI
