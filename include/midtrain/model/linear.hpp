#pragma once
#include <string>
#include <utility>
#include <vector>
#include <midtrain/model/layer_product.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/column_sums.hpp>
#include <midtrain/problem/fused_gemm.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::model {

/// y = x w^T, and + bias where the layer has one. x (rows, inputs), w (outputs, inputs), y (rows, outputs).
class linear {
  public:
    linear() = default;
    /// `weights` and `biases` name the parts as checkpoints know them; no biases: none.
    linear(parameter_layout& layout, index_t bucket, index_t inputs, index_t outputs, std::vector<parameter_part> weights,
           std::vector<parameter_part> biases, double deviation) {
        auto const name = weights.front().name;
        weight_ = layout.add({.name = name, .rows = outputs, .columns = inputs, .role = role::matrix,
                              .begins = {0, deviation}, .parts = std::move(weights)}, bucket);
        if (biases.empty()) return;
        auto const bias_name = biases.front().name;
        bias_ = layout.add({.name = bias_name, .rows = outputs, .columns = 1, .role = role::bias, .begins = {},
                            .parts = std::move(biases)}, bucket);
    }

    parameter weight() const { return weight_; }

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        return forward(p, x, {});
    }
    /// y, and gelu = gelu_tanh(y), dense and like it.
    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x, matrix_view<typename Pass::stored> gelu) const {
        using T  = typename Pass::stored;
        auto y   = p.make(x.rows, weight_.rows);
        auto all = biased_gemm_problem<T>{
            .product = {.a = x, .b = p.weight(weight_), .b_is = operand::transposed, .c = y}, .bias = {}, .gelu = gelu};
        if (bias_.index >= 0) all.bias = p.weight(bias_).flat();
        if (bias_.index >= 0 || gelu.size() > 0) multiply(p, product_of::layer, all);
        else multiply(p, product_of::layer, all.product);
        p.save(x);
        return y;
    }

    /// dx. What forward saved is taken by weight_gradient.
    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        weight_gradient(p, dy);
        return input_gradient(p, dy);
    }
    template <class Pass>
    void weight_gradient(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T      = typename Pass::stored;
        using C      = typename Pass::computed;
        auto const x = p.template take<matrix_view<T const>>();
        auto const g = p.gradient_product(weight_, dy, x);
        if (bias_.index < 0) return multiply(p, product_of::weight_gradient, g);
        scope const within(p);
        auto const  work = p.template make_row<C>(op::row_parts(dy.rows) * dy.columns);
        multiply(p, product_of::weight_gradient, summed_gemm_problem<T>{.product = g, .sums = p.gradient(bias_).flat(), .work = work});
    }
    template <class Pass>
    auto input_gradient(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T = typename Pass::stored;
        auto dx = p.make(dy.rows, weight_.columns);
        multiply(p, product_of::input_gradient, gemm_problem<T, T, T>{.a = dy, .b = p.weight(weight_), .c = dx});
        return dx;
    }
    /// The gradient of `before` where x = gelu_tanh(before).
    template <class Pass>
    auto input_gradient(Pass& p, matrix_view<typename Pass::stored const> dy, matrix_view<typename Pass::stored const> before) const {
        using T = typename Pass::stored;
        auto dx = p.make(dy.rows, weight_.columns);
        multiply(p, product_of::input_gradient,
                 gelu_gradient_gemm_problem<T>{.product = {.a = dy, .b = p.weight(weight_), .c = dx}, .before = before});
        return dx;
    }

  private:
    parameter weight_, bias_;
};

}  // namespace midtrain::inline MT_ABI::model
