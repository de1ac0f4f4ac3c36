#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/data/whole_shares.hpp>

namespace midtrain::inline MT_ABI {

/// The weights that a stage's sequences are drawn with. A mixture that looks back is asked once a window, as it sees the record at the
/// window's first step, and its weights are rounded to whole sequences of the window: so no later answer can change what is owed, and
/// the sampler's bound stands. Nothing here is state: a resumed run asks anew and gets the same answer.
class held_weights {
  public:
    void begin(std::size_t sources) {
        held_.assign(sources, 0.0);
        window_ = none;
    }

    /// Step `step` of a stage comes next.
    template <class Stage>
    void look(Stage const& s, std::int64_t step, loss_record const& so_far) {
        if constexpr (MixtureLooksBack<decltype(s.mixture)>) {
            std::int64_t const hold = s.mixture.window();
            if (hold <= 0 || window_ == step / hold) return;
            window_                  = step / hold;
            std::int64_t const first = window_ * hold, last = std::min(first + hold, s.steps());
            auto const         w     = s.mixture.weights(s.at(first), so_far.before(so_far.stage_begin + first));
            std::copy(w.begin(), w.end(), held_.begin());
            data::round_to_whole_shares(held_, (s.at(last).seen - s.at(first).seen).count / s.batch.length);
        }
    }
    /// In force at a place of the stage.
    template <class Mixture>
    void write(Mixture const& mixture, progress here, std::span<double> to) const {
        if (window_ != none) {
            std::copy(held_.begin(), held_.end(), to.begin());
            return;
        }
        auto const w = weights_of(mixture, here);
        std::copy(w.begin(), w.end(), to.begin());
    }

  private:
    static constexpr std::int64_t none = -1;

    std::vector<double> held_;
    std::int64_t        window_ = none;
};

}  // namespace midtrain::inline MT_ABI
