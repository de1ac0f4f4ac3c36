#pragma once
#include <cstdint>
#include <midtrain/annealing/batch_ramp.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// Which steps a stage has, and how large each is: the one place where tokens, steps and sequences are converted, also under a batch ramp.
/// The rule: a step has as many sequences as the last change says that is not after the step's first token (or step). Steps begin while a
/// whole one fits into the budget; what they sum to is the stage's budget from then on, so that a decay ends with the last step.
class batch_calendar {
  public:
    /// Before a step: what is done, and how large the step is.
    struct place {
        std::int64_t step = 0, seen = 0;  ///< steps, tokens
        index_t      sequences = 0;
    };

    constexpr batch_calendar(index_t sequences, index_t length, annealing::batch_ramp const& ramp, tokens budget)
        : sequences_(sequences), length_(length), budget_(budget.count), ramp_(&ramp), changes_(ramp.changes(sequences)) {}

    /// After the last step.
    constexpr place end() const {
        return find([](place const&, std::int64_t) { return std::int64_t{-1}; });
    }
    /// Before step `step`, from 0; after the last one where there are not so many.
    constexpr place at_step(std::int64_t step) const {
        return find([&](place const& from, std::int64_t steps) { return step < from.step + steps ? step - from.step : -1; });
    }
    /// Before the step that the stage's sequence number `sequence`, from 0, belongs to.
    constexpr place at_sequence(std::int64_t sequence) const {
        return find([&](place const& from, std::int64_t steps) {
            std::int64_t const inside = (sequence - from.seen / length_) / from.sequences;
            return inside < steps ? inside : -1;
        });
    }

  private:
    // Goes from change to change. chosen(place, steps) is told where a stretch of equal steps begins and how many it has, and says which of
    // them is looked for, or -1.
    template <class Chosen>
    constexpr place find(Chosen const& chosen) const {
        place p{0, 0, sequences_};
        if (length_ < 1 || sequences_ < 1) return p;
        bool const in_steps = ramp_->counts_steps();
        for (std::int64_t k = 0;; ++k) {
            std::int64_t const batch = p.sequences * length_, fit = (budget_ - p.seen) / batch;
            bool const         more  = k < changes_;
            auto const         next  = more ? ramp_->change(sequences_, k) : annealing::batch_change{};
            std::int64_t const until = !more ? fit : in_steps ? next.after - p.step : (next.after - p.seen + batch - 1) / batch;
            std::int64_t const steps = until < 0 ? 0 : until < fit ? until : fit;
            std::int64_t const found = steps > 0 ? chosen(p, steps) : -1;
            std::int64_t const taken = found >= 0 ? found : steps;
            p.step += taken, p.seen += taken * batch;
            if (found >= 0 || !more || until > fit) return p;
            if (next.sequences < 1) return p;
            p.sequences = next.sequences;
        }
    }

    index_t                      sequences_, length_;
    std::int64_t                 budget_;
    annealing::batch_ramp const* ramp_;
    std::int64_t                 changes_;
};

}  // namespace midtrain::inline MT_ABI
