#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/model/layer_product.hpp>
#include <midtrain/model/router.hpp>
#include <midtrain/model/shared_expert.hpp>
#include <midtrain/op/expert_rows.hpp>
#include <midtrain/op/grouped_gemm.hpp>

namespace midtrain::inline MT_ABI::model {

/// A mixture of experts in an MLP's place (Shazeer et al. 2017): each token goes to a few of many SwiGLU MLPs, whose answers are added by
/// the router's weights, and beside them to one that all tokens share. Which rows go where is known to the device alone.
class experts {
  public:
    /// `at`: what the names of a layer begin with; `small`: the deviation of fresh weights that write to the residual stream.
    experts(parameter_layout& layout, index_t bucket, std::string at, expert_shape const& s, index_t width, double deviation, double small)
        : experts(layout, bucket, at, s, width, deviation, small, expert_names_of(s.naming)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T      = typename Pass::stored;
        auto const y = shared_.forward(p, x);
        auto const r = router_.forward(p, x);
        auto const h = p.make(r.order.place.size(), 2 * ffn_);
        scope const s(p);
        auto const  rows = p.make(h.rows, x.columns), a = p.make(h.rows, ffn_);
        p.device.rows(h.rows, op::gather_rows<T>{x, r.order, r.chosen.columns, rows});
        product(p, rows, in_, operand::transposed, h, r.order);
        p.device.rows(h.rows, op::weighted_swiglu_forward<T>{h, r.weights.flat(), r.order, a});
        product(p, a, out_, operand::transposed, rows, r.order);
        p.device.rows(x.rows, op::add_rows<T>{rows, r.order, r.chosen.columns, y});
        p.save(x);
        p.save(h);
        p.save(r);
        return y;
    }

    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T       = typename Pass::stored;
        using C       = typename Pass::computed;
        auto const r  = p.template take<router::routing<T, C>>();
        auto const h  = p.template take<matrix_view<T>>();
        auto const x  = p.template take<matrix_view<T const>>();
        auto const dx = p.make(x.rows, x.columns);
        {
            scope const s(p);
            auto const  rows = p.make(h.rows, x.columns), a = p.make(h.rows, ffn_);
            auto const  dweight = p.template make<C>(x.rows, r.chosen.columns);
            p.device.rows(h.rows, op::gather_rows<T>{dy, r.order, r.chosen.columns, rows});
            product(p, rows, out_, operand::plain, a, r.order);
            p.device.rows(h.rows, op::weighted_swiglu_backward<T>{h, r.weights.flat(), r.order, a, dweight.flat()});
            outer(p, rows, a, out_, r.order);
            p.device.rows(h.rows, op::gather_rows<T>{x, r.order, r.chosen.columns, rows});
            outer(p, h, rows, in_, r.order);
            product(p, h, in_, operand::plain, rows, r.order);
            router_.backward(p, r, x, dweight, dx);
            p.device.rows(x.rows, op::add_rows<T>{rows, r.order, r.chosen.columns, dx});
        }
        shared_.backward_onto(p, dy, dx);
        return dx;
    }

  private:
    experts(parameter_layout& layout, index_t bucket, std::string at, expert_shape const& s, index_t width, double deviation, double small,
            expert_names const& n)
        : router_(layout, bucket, at += n.at, s, width, deviation, n), ffn_(s.ffn) {
        std::vector<parameter_part> in, out;
        for (index_t e = 0; e < s.count; ++e) {
            auto const one = at + n.expert + std::to_string(e) + ".";
            in.push_back({.name = one + n.gate + ".weight", .first_row = 2 * e * ffn_, .rows = ffn_});
            in.push_back({.name = one + n.up + ".weight", .first_row = (2 * e + 1) * ffn_, .rows = ffn_});
            out.push_back({.name = one + n.down + ".weight", .first_row = e * width, .rows = width});
        }
        auto const add = [&](index_t rows, index_t columns, double spread, std::vector<parameter_part> parts) {
            auto const name = parts.front().name;
            return layout.add({.name = name, .rows = rows, .columns = columns, .role = role::expert, .begins = {0, spread},
                               .parts = std::move(parts)}, bucket);
        };
        in_     = add(2 * s.count * ffn_, width, deviation, std::move(in));
        out_    = add(s.count * width, ffn_, small, std::move(out));
        shared_ = shared_expert(layout, bucket, at, s, width, deviation, small, n);
    }

    template <class Pass, class T>
    static void product(Pass& p, matrix_view<T> a, parameter w, operand how, matrix_view<T> c, op::expert_order const& order) {
        multiply(p, how == operand::transposed ? product_of::layer : product_of::input_gradient,
                 grouped_gemm_problem<T, T, T>{.a = a, .b = p.weight(w), .b_is = how, .c = c, .begin = order.begin});
    }
    /// gradient(w) += a^T b by expert.
    template <class Pass, class T>
    static void outer(Pass& p, matrix_view<T> a, matrix_view<T> b, parameter w, op::expert_order const& order) {
        multiply(p, product_of::weight_gradient,
                 grouped_outer_problem<T, T, typename Pass::computed>{.a = a, .b = b, .c = p.gradient(w), .begin = order.begin});
    }

    router        router_;
    parameter     in_, out_;  // gate and up of each expert, one under the other; down of each
    shared_expert shared_;
    index_t       ffn_ = 0;
};

}  // namespace midtrain::inline MT_ABI::model
