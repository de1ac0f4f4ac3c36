#pragma once
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// The numbers of a selective state space (Mamba; Gu and Dao 2023; Mamba-2: Dao and Gu 2024). A shape has them as its member `state`.
struct state_shape {
    int    states           = 16;     ///< of each channel
    int    taps             = 4;      ///< tokens that the convolution sees
    int    inner            = 0;      ///< channels; 0: twice the width
    int    rank             = 0;      ///< of what makes the time steps; 0: a sixteenth of the width; Mamba-2 has none
    int    heads            = 1;      ///< that select apart from each other (Zamba; groups of Mamba-2)
    int    rates            = 0;      ///< Mamba-2: heads of which each has one step and one rate for all its states; Mamba has none
    bool   bias             = false;  ///< the projections in and out have one
    bool   convolution_bias = true;
    bool   across_documents = false;  ///< as transformers, which knows no documents: state and convolution run on from one to the next
    double step_least = 0.001, step_most = 0.1, step_floor = 1e-4, step_scale = 1;  ///< of fresh time steps
};

/// The channels of a shape's state spaces.
template <class Shape>
constexpr int inner_of(Shape const& s) {
    return s.state.inner > 0 ? s.state.inner : 2 * s.width;
}
/// The rank of what makes their time steps; Mamba-2 has none.
template <class Shape>
constexpr int step_rank_of(Shape const& s) {
    return s.state.rates > 0 ? 0 : s.state.rank > 0 ? s.state.rank : (s.width + 15) / 16;
}

}  // namespace midtrain::inline MT_ABI
