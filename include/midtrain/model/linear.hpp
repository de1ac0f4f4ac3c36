#pragma once
#include <string>
#include <utility>
#include <vector>
#include <midtrain/model/layer_product.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/norm.hpp>
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
        using T = typename Pass::stored;
        auto y  = p.make(x.rows, weight_.rows);
        multiply(p, product_of::layer, gemm_problem<T, T, T>{.a = x, .b = p.weight(weight_), .b_is = operand::transposed, .c = y});
        if (bias_.index >= 0) p.device.rows(y.rows, op::add_bias<T>{y, p.weight(bias_).flat()});
        p.save(x);
        return y;
    }

    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T      = typename Pass::stored;
        using C      = typename Pass::computed;
        auto const x = p.template take<matrix_view<T const>>();
        multiply(p, product_of::weight_gradient, gemm_problem<T, T, C>{
            .a = dy, .a_is = operand::transposed, .b = x, .c = p.gradient(weight_), .accumulate = true});
        if (bias_.index >= 0)
            p.device.rows(op::column_tiles(dy.columns), op::column_sum<T>{dy, p.gradient(bias_).flat()});
        auto dx = p.make(dy.rows, weight_.columns);
        multiply(p, product_of::input_gradient, gemm_problem<T, T, T>{.a = dy, .b = p.weight(weight_), .c = dx});
        return dx;
    }

  private:
    parameter weight_, bias_;
};

}  // namespace midtrain::inline MT_ABI::model
