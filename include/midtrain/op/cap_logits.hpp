#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// x = cap * tanh(x / cap), and where `slope` has memory the slope of that, 1 - tanh(x / cap)^2: Gemma 2's last logits (arXiv 2408.00118,
/// section 2).
template <class C>
struct cap_logits {
    row_view<C> x, slope;
    C           cap;

    MT_HOST_DEVICE void operator()(index_t i) const {
        C const t = hyperbolic_tangent(x.data[i] / cap);
        x.data[i] = cap * t;
        if (slope.data) slope.data[i] = C(1) - t * t;
    }
};

/// g = slope * g: the gradient of what was capped.
template <class T>
struct cap_logits_backward {
    row_view<computed_t<T> const> slope;
    row_view<T>                   g;

    MT_HOST_DEVICE void operator()(index_t i) const { g.data[i] = T(computed_t<T>(g.data[i]) * slope.data[i]); }
};

}  // namespace midtrain::inline MT_ABI::op
