#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// x = cap * tanh(x / cap), and where `slope` has memory the slope of that, 1 - tanh(x / cap)^2: Gemma 2's last logits (arXiv 2408.00118,
/// section 2).
template <class C>
struct cap_logits {
    row_view<C> x, slope;
    C           cap;

    template <int w>
    MT_HOST_DEVICE MT_INLINE void values_from(index_t i) const {
        C const    most   = cap;
        auto const capped = [=](C& u) {
            C const t = hyperbolic_tangent(u / most);
            u         = most * t;
            return C(1) - t * t;
        };
        if (slope.data) do_values<w>(i, [=](C& u, C& k) { k = capped(u); }, updates{x.data}, writes{slope.data});
        else do_values<w>(i, capped, updates{x.data});
    }
    MT_HOST_DEVICE void operator()(index_t i) const { values_from<1>(i); }

    static constexpr int pack_size = 16 / sizeof(C);
    bool                 packs() const { return aligned_for_packs<pack_size>(x.data, slope.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const { values_from<pack_size>(i); }
};

/// g = slope * g: the gradient of what was capped.
template <class T>
struct cap_logits_backward {
    row_view<computed_t<T> const> slope;
    row_view<T>                   g;

    template <int w>
    MT_HOST_DEVICE MT_INLINE void values_from(index_t i) const {
        using C = computed_t<T>;
        do_values<w>(i, [](C& d, C k) { d = d * k; }, updates{g.data}, reads{slope.data});
    }
    MT_HOST_DEVICE void operator()(index_t i) const { values_from<1>(i); }

    static constexpr int pack_size = 16 / sizeof(T);
    bool                 packs() const { return aligned_for_packs<pack_size>(slope.data, g.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const { values_from<pack_size>(i); }
};

}  // namespace midtrain::inline MT_ABI::op
