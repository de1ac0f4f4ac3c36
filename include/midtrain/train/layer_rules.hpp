#pragma once
#include <midtrain/core/types.hpp>
#include <midtrain/problem/key_sharing.hpp>
#include <midtrain/problem/layer_kind.hpp>

// What the layers of a shape must keep. Judges are those of rules.hpp.
namespace midtrain::inline MT_ABI::detail {

template <class Shape, class Judge>
constexpr void judge_layers(Shape const& shape, Judge const& judge) {
    bool negative = false, twice = false, unfit = false, keyless = false;
    for (int n = 0; n < shape.layers; ++n) {
        auto const kind   = layer_of(shape, n);
        auto const scores = scores_of(shape, n);
        negative |= kind.window < 0;
        keyless |= sharing_flaw_of(shape, n) != sharing_flaw::none;
        if constexpr (requires { scores.tells_positions; }) twice |= scores.tells_positions && kind.how == positions::rotary;
        if constexpr (requires { scores.fits(index_t{}); }) unfit |= !scores.fits(shape.heads);
    }
    judge.template refuse_if<"the window of a layer is negative">(negative, "");
    judge.template refuse_if<"a layer whose scores tell positions by themselves (ALiBi) also turns: let layer(n) say positions::none">(
        twice, "");
    judge.template refuse_if<"a layer takes keys and values that it cannot have: keys_from names an earlier layer that makes its own, all readers "
                             "of a layer take them in one form, and keys that are turned go to layers that turn as it does">(keyless, "");
    judge.template refuse_if<"the numbers of what a layer does to its scores make no sense: ALiBi has the shape's heads, LogN a trained length "
                             "above one, a temperature a scale of at least zero, a cap is above zero">(unfit, "");
}

}  // namespace midtrain::inline MT_ABI::detail
