#pragma once
#include <utility>
#include <midtrain/model/layer_product.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::model {

/// Each head's columns of y = those of x times its own matrix's transpose. x (rows, heads * stride) of which each head's first `inputs`
/// columns count, w (heads * outputs, inputs), y (rows, heads * outputs). With one head a product like any other.
class linear_by_heads {
  public:
    linear_by_heads() = default;
    linear_by_heads(parameter_layout& layout, index_t bucket, index_t heads, index_t inputs, index_t outputs, parameter_part part,
                    initial_values begins)
        : heads_(heads), outputs_(outputs) {
        auto const name = part.name;
        weight_ = layout.add({.name = name, .rows = heads * outputs, .columns = inputs, .role = role::matrix, .begins = begins,
                              .parts = {std::move(part)}}, bucket);
    }

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T      = typename Pass::stored;
        auto const y = p.make(x.rows, heads_ * outputs_);
        for (index_t h = 0; h < heads_; ++h)
            multiply(p, product_of::layer, gemm_problem<T, T, T>{.a = inputs(x, h), .b = of_head(p.weight(weight_), h),
                                                                 .b_is = operand::transposed, .c = y.columns_part(h * outputs_, outputs_)});
        p.save(x);
        return y;
    }
    /// Writes the columns of dx that count.
    template <class Pass>
    void backward_into(Pass& p, matrix_view<typename Pass::stored const> dy, matrix_view<typename Pass::stored> dx) const {
        back(p, dy, dx, false);
    }
    /// Adds to them.
    template <class Pass>
    void backward_onto(Pass& p, matrix_view<typename Pass::stored const> dy, matrix_view<typename Pass::stored> dx) const {
        back(p, dy, dx, true);
    }

  private:
    template <class T>
    matrix_view<T> inputs(matrix_view<T> x, index_t head) const {
        return x.columns_part(head * (x.columns / heads_), weight_.columns);
    }
    template <class T>
    matrix_view<T> of_head(matrix_view<T> w, index_t head) const {
        return w.rows_part(head * outputs_, outputs_);
    }
    template <class Pass, class T>
    void back(Pass& p, matrix_view<T const> dy, matrix_view<T> dx, bool adds) const {
        using C      = typename Pass::computed;
        auto const x = p.template take<matrix_view<T const>>();
        for (index_t h = 0; h < heads_; ++h) {
            auto const d = dy.columns_part(h * outputs_, outputs_);
            multiply(p, product_of::weight_gradient, gemm_problem<T, T, C>{.a = d, .a_is = operand::transposed, .b = inputs(x, h),
                                                                           .c = of_head(p.gradient(weight_), h), .accumulate = true});
            multiply(p, product_of::input_gradient, gemm_problem<T, T, T>{.a = d, .b = of_head(p.weight(weight_), h), .c = inputs(dx, h),
                                                                          .accumulate = adds});
        }
    }

    parameter weight_;
    index_t   heads_ = 1, outputs_ = 0;
};

}  // namespace midtrain::inline MT_ABI::model
