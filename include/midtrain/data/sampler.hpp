#pragma once
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>

namespace midtrain::inline MT_ABI::data {

/// Decides which source each sequence of a stage comes from. What has been drawn of each of n sources stays within 1 - 1/(2n - 2)
/// sequences of what its weights ask for (half a sequence for two), at every moment, also when the weights change on the way.
///
/// The rule and the bound, which no rule can better for all weights, are Tijdeman's (1980, "The chairman assignment problem"): the next
/// sequence of a source may be drawn once it would not run ahead by more, and must be before it falls behind by more; of those that may,
/// the one that must be first. Taking the largest deficit does not keep the bound. Deadlines look at the weights to come, which is why
/// weights are a function of the position.
class sampler {
  public:
    /// All there is to save: how many sequences of each source were drawn, and how many the weights asked for.
    struct state {
        std::vector<std::int64_t> drawn;
        std::vector<double>       asked;
    };

    /// `length`: sequences in the stage. The seed only breaks ties.
    sampler(std::size_t sources, std::int64_t length, std::uint64_t seed) : length_(length) {
        check(sources > 0, "a mixture needs at least one source");
        slack_ = sources > 2 ? 1.0 / static_cast<double>(2 * sources - 2) : 0.5;
        now_.drawn.assign(sources, 0);
        now_.asked.assign(sources, 0.0);
        order_.resize(sources);
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        for (std::size_t i = sources; i > 1; --i) std::swap(order_[i - 1], order_[random_stream{seed, 17}.bits(i) % i]);
        ahead_.resize(sources);
        weights_.resize(sources);
    }

    state const& now() const { return now_; }
    void         resume(state const& s) {
        check(s.drawn.size() == order_.size() && s.asked.size() == order_.size(),
              "the checkpoint counts another number of sources than the recipe has");
        now_ = s;
    }
    std::int64_t position() const { return std::accumulate(now_.drawn.begin(), now_.drawn.end(), std::int64_t{0}); }

    /// The source of the next sequence. `weights_at(position, std::span<double>)` writes the weights in force at a position of the
    /// stage: none negative, their sum one.
    template <class WeightsAt>
    std::size_t next(WeightsAt const& weights_at) {
        std::int64_t const here = position();
        weights_at(here, std::span<double>(weights_));
        for (std::size_t i = 0; i < weights_.size(); ++i) now_.asked[i] += weights_[i];
        std::size_t const chosen = earliest(here, weights_at);
        ++now_.drawn[chosen];
        return chosen;
    }

  private:
    template <class WeightsAt>
    std::size_t earliest(std::int64_t here, WeightsAt const& weights_at) {
        ahead_ = now_.asked;
        for (std::int64_t at = here;; ++at) {
            std::size_t best = order_.size();
            for (std::size_t i : order_) {
                bool const eligible = now_.asked[i] - static_cast<double>(now_.drawn[i]) >= slack_ - rounding;
                bool const due      = lag(i) >= 1 - slack_ - rounding;
                if (eligible && (due || at + 1 >= length_) && (best == order_.size() || lag(i) > lag(best))) best = i;
            }
            if (best != order_.size()) return best;
            if (at + 1 >= length_) return most_behind();
            weights_at(at + 1, std::span<double>(weights_));
            for (std::size_t i = 0; i < weights_.size(); ++i) ahead_[i] += weights_[i];
        }
    }
    double      lag(std::size_t i) const { return ahead_[i] - static_cast<double>(now_.drawn[i]); }
    std::size_t most_behind() const {
        std::size_t best = order_.front();
        for (std::size_t i : order_)
            if (lag(i) > lag(best)) best = i;
        return best;
    }

    static constexpr double   rounding = 1e-9;  // of sums of weights over a stage
    std::int64_t              length_;
    double                    slack_;  // what a source may lack of a whole sequence
    state                     now_;
    std::vector<std::size_t>  order_;
    std::vector<double>       ahead_, weights_;
};

}  // namespace midtrain::inline MT_ABI::data
