#pragma once
#include <midtrain/core/error.hpp>
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

/// Throws midtrain::error where a shape asks for modules that its family does not have.
template <class Shape>
void check_no_mtp(Shape const& s) {
    check(mtp_depth_of(s) == 0, "mtp: decoders have modules that predict tokens further on; this family has none");
}

}  // namespace midtrain::inline MT_ABI
