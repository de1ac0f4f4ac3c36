#pragma once
#include <utility>
#include <midtrain/model/linear.hpp>

namespace midtrain::inline MT_ABI::model {

/// down(silu(gate(x)) * up(x)), gate and up in one matrix (Shazeer 2020).
class swiglu {
  public:
    swiglu() = default;
    swiglu(linear gate_up, linear down) : in_(std::move(gate_up)), out_(std::move(down)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T      = typename Pass::stored;
        auto const h = in_.forward(p, x);
        auto const a = p.make(h.rows, h.columns / 2);
        p.device.rows(h.rows, op::swiglu_forward<T>{h, a});
        p.save(h);
        return out_.forward(p, matrix_view<T const>(a));
    }
    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T      = typename Pass::stored;
        auto const d = out_.backward(p, dy);
        auto const h = p.template take<matrix_view<T>>();
        p.device.rows(h.rows, op::swiglu_backward<T>{h, d, h});  // over the saved values: nobody needs them again
        return in_.backward(p, matrix_view<T const>(h));
    }

  private:
    linear in_, out_;
};

/// down(gelu(up(x))), the GPT-2 form.
class gelu_mlp {
  public:
    gelu_mlp() = default;
    gelu_mlp(linear up, linear down) : in_(std::move(up)), out_(std::move(down)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T      = typename Pass::stored;
        auto const h = in_.forward(p, x);
        auto const a = p.make(h.rows, h.columns);
        p.device.elements(h.size(), op::gelu_forward<T>{h.flat(), a.flat()});
        p.save(h);
        return out_.forward(p, matrix_view<T const>(a));
    }
    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T      = typename Pass::stored;
        auto const d = out_.backward(p, dy);
        auto const h = p.template take<matrix_view<T>>();
        p.device.elements(h.size(), op::gelu_backward<T>{h.flat(), d.flat(), h.flat()});
        return in_.backward(p, matrix_view<T const>(h));
    }

  private:
    linear in_, out_;
};

}  // namespace midtrain::inline MT_ABI::model
