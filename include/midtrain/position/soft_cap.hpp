#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::position {

/// Soft-capping (Gemma 2's `attn_logit_softcapping`, 50 there): cap * tanh(s / cap), so that no score leaves (-cap, cap).
struct soft_cap {
    required<double> cap;

    constexpr bool fits(index_t) const { return cap > 0 && cap < 1e30; }

    template <class C>
    MT_HOST_DEVICE C score(C s, index_t, index_t, index_t) const {
        C const most = C(cap);
        return most * hyperbolic_tangent(s / most);
    }
    template <class C>
    MT_HOST_DEVICE C slope(C s, index_t, index_t, index_t) const {
        C const t = hyperbolic_tangent(s / C(cap));
        return C(1) - t * t;
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::soft_cap;
}
