#pragma once
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// Which half of the concatenation comes first, and how checkpoints call the parts: DeepSeek-V3's released weights put the embedding first
/// (its paper, arXiv 2412.19437, eq. 21, the hidden state), MiMo's (arXiv 2505.07608) the hidden state.
enum class mtp_form { deepseek, mimo };

/// The numbers of multi-token prediction. A shape has them as its member `mtp`.
struct mtp_shape {
    int      depth    = 0;                   ///< modules, each of which predicts one token further; 0: none
    mtp_form form     = mtp_form::deepseek;
    bool     own_head = false;               ///< each module has a vocabulary head of its own; else the main one's

    friend constexpr bool operator==(mtp_shape const&, mtp_shape const&) = default;
};

/// The modules of a shape.
template <class Shape>
constexpr int mtp_depth_of(Shape const& s) {
    if constexpr (requires { s.mtp; }) return s.mtp.depth;
    else return 0;
}

}  // namespace midtrain::inline MT_ABI
