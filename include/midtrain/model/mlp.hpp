#pragma once
#include <type_traits>
#include <utility>
#include <midtrain/model/linear.hpp>
#include <midtrain/op/activation.hpp>
#include <midtrain/op/elementwise.hpp>

namespace midtrain::inline MT_ABI::model {

/// down(activation(gate(x)) * up(x)), gate and up in one matrix (Shazeer 2020).
template <class Activation>
class gated_mlp {
  public:
    gated_mlp() = default;
    gated_mlp(linear gate_up, linear down) : in_(std::move(gate_up)), out_(std::move(down)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T      = typename Pass::stored;
        auto const h = in_.forward(p, x);
        auto const a = p.make(h.rows, h.columns / 2);
        p.device.rows(h.rows, op::gated_forward<T, Activation>{h, a});
        p.save(h);
        return out_.forward(p, matrix_view<T const>(a));
    }
    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T      = typename Pass::stored;
        auto const d = out_.backward(p, dy);
        auto const h = p.template take<matrix_view<T>>();
        p.device.rows(h.rows, op::gated_backward<T, Activation>{h, d, h});  // over the saved values: nobody needs them again
        return in_.backward(p, matrix_view<T const>(h));
    }

  private:
    linear in_, out_;
};

/// down(activation(up(x))). The activation of gelu_tanh is part of the products, as far as the device has that.
template <class Activation>
class plain_mlp {
    static constexpr bool fuses = std::is_same_v<Activation, op::gelu_tanh>;

  public:
    plain_mlp() = default;
    plain_mlp(linear up, linear down) : in_(std::move(up)), out_(std::move(down)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T      = typename Pass::stored;
        auto const a = p.make(x.rows, in_.weight().rows);
        auto const h = fuses ? in_.forward(p, x, a) : in_.forward(p, x);
        if constexpr (!fuses) p.device.elements(h.size(), op::activated_forward<T, Activation>{h.flat(), a.flat()});
        p.save(h);
        return out_.forward(p, matrix_view<T const>(a));
    }
    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T = typename Pass::stored;
        out_.weight_gradient(p, dy);
        auto const h = p.template take<matrix_view<T>>();
        if constexpr (fuses) {
            return in_.backward(p, matrix_view<T const>(out_.input_gradient(p, dy, matrix_view<T const>(h))));
        } else {
            auto const d = out_.input_gradient(p, dy);
            p.device.elements(h.size(), op::activated_backward<T, Activation>{h.flat(), d.flat(), h.flat()});
            return in_.backward(p, matrix_view<T const>(h));
        }
    }

  private:
    linear in_, out_;
};

using swiglu           = gated_mlp<op::silu>;
using geglu            = gated_mlp<op::gelu_tanh>;
using gelu_mlp         = plain_mlp<op::gelu_tanh>;
using relu_squared_mlp = plain_mlp<op::relu_squared>;

}  // namespace midtrain::inline MT_ABI::model
