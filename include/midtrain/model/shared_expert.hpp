#pragma once
#include <string>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/model/expert_names.hpp>
#include <midtrain/model/mlp.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/gate_rows.hpp>
#include <midtrain/problem/expert_shape.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::model {

/// The expert that all tokens share: a SwiGLU MLP, weighed by sigmoid(w x) where the shape says so. Without one its answer is zero.
class shared_expert {
  public:
    shared_expert() = default;
    shared_expert(parameter_layout& layout, index_t bucket, std::string const& at, expert_shape const& s, index_t width, double deviation,
                  double small, expert_names const& n)
        : has_(s.shared_ffn > 0) {
        check(has_ || !s.shared_gate, "experts: shared_gate is for a shared expert, and shared_ffn is 0");
        if (!has_) return;
        auto const   own = at + n.shared;
        linear const gate_up(layout, bucket, width, 2 * s.shared_ffn,
                             {{own + n.gate + ".weight", 0, s.shared_ffn}, {own + n.up + ".weight", s.shared_ffn, s.shared_ffn}}, {}, deviation);
        mlp_ = swiglu(gate_up, linear(layout, bucket, s.shared_ffn, width, {{own + n.down + ".weight", 0, width}}, {}, small));
        if (s.shared_gate)
            gate_ = layout.add({.name = at + n.shared_gate, .rows = 1, .columns = width, .role = role::router, .begins = {0, deviation},
                                .parts = {}}, bucket);
    }

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T = typename Pass::stored;
        using C = typename Pass::computed;
        if (!has_) return p.zeros(x.rows, x.columns);
        auto const s = mlp_.forward(p, x);
        if (gate_.index < 0) return s;
        auto const y = p.make(x.rows, x.columns);
        auto const g = p.template make<C>(x.rows, 1);
        p.device.gemm(gemm_problem<T, T, C>{.a = x, .b = p.weight(gate_), .b_is = operand::transposed, .c = g});
        p.device.rows(x.rows, op::gate_rows_forward<T>{s, g.flat(), y});
        p.save(x);
        p.save(s);
        p.save(g);
        return y;
    }
    /// Adds to dx.
    template <class Pass>
    void backward_onto(Pass& p, matrix_view<typename Pass::stored const> dy, matrix_view<typename Pass::stored> dx) const {
        using T = typename Pass::stored;
        using C = typename Pass::computed;
        if (!has_) return;
        scope const     within(p);
        auto            ds = dy;
        if (gate_.index >= 0) {
            auto const g  = p.template take<matrix_view<C>>();
            auto const s  = p.template take<matrix_view<T>>();
            auto const x  = p.template take<matrix_view<T const>>();
            auto const dg = p.make(x.rows, 1);
            p.device.rows(x.rows, op::gate_rows_backward<T>{s, g.flat(), dy, dg.flat()});  // s becomes its own gradient
            p.device.gemm(p.gradient_product(gate_, dg, x));
            p.device.gemm(gemm_problem<T, T, T>{.a = dg, .b = p.weight(gate_), .c = dx, .accumulate = true});
            ds = s;
        }
        auto const other = mlp_.backward(p, ds);
        p.device.elements(dx.size(), op::add<T>{dx.flat(), other.flat(), dx.flat()});
    }

  private:
    swiglu    mlp_;
    parameter gate_;
    bool      has_ = false;
};

}  // namespace midtrain::inline MT_ABI::model
