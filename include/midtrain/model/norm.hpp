#pragma once
#include <string>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/norm.hpp>

namespace midtrain::inline MT_ABI::model {

/// Root-mean-square norm with a gain (Zhang and Sennrich 2019).
class rmsnorm {
  public:
    rmsnorm() = default;
    rmsnorm(parameter_layout& layout, index_t bucket, index_t width, std::string name, double epsilon) : epsilon_(epsilon) {
        gain_ =
            layout.add({.name = name + ".weight", .rows = width, .columns = 1, .role = role::norm, .begins = {1, 0}, .parts = {}}, bucket);
    }

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T    = typename Pass::stored;
        using C    = typename Pass::computed;
        auto y     = p.make(x.rows, x.columns);
        auto scale = p.make_row(x.rows);
        p.device.rows(x.rows, op::rmsnorm_forward<T>{x, p.weight(gain_).flat(), y, scale, C(epsilon_)});
        p.save(x);
        p.save(row_view<C const>(scale));
        return y;
    }
    /// Adds to dx: the norm stands beside a residual, whose gradient is there already.
    template <class Pass>
    void backward_onto(Pass& p, matrix_view<typename Pass::stored const> dy, matrix_view<typename Pass::stored> dx) const {
        using T          = typename Pass::stored;
        using C          = typename Pass::computed;
        auto const scale = p.template take<row_view<C const>>();
        auto const x     = p.template take<matrix_view<T const>>();
        p.device.rows(op::column_tiles(x.columns), op::rmsnorm_gain_backward<T>{x, dy, scale, p.gradient(gain_).flat()});
        p.device.rows(x.rows, op::rmsnorm_backward<T>{x, dy, p.weight(gain_).flat(), scale, dx});
    }

  private:
    parameter gain_;
    double    epsilon_ = 1e-6;
};

/// Layer norm with gain and bias (Ba, Kiros, Hinton 2016).
class layernorm {
  public:
    layernorm() = default;
    layernorm(parameter_layout& layout, index_t bucket, index_t width, std::string name, double epsilon) : epsilon_(epsilon) {
        gain_ =
            layout.add({.name = name + ".weight", .rows = width, .columns = 1, .role = role::norm, .begins = {1, 0}, .parts = {}}, bucket);
        bias_ = layout.add({.name = name + ".bias", .rows = width, .columns = 1, .role = role::bias, .begins = {}, .parts = {}}, bucket);
    }

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T    = typename Pass::stored;
        using C    = typename Pass::computed;
        auto y     = p.make(x.rows, x.columns);
        auto mean  = p.make_row(x.rows);
        auto scale = p.make_row(x.rows);
        p.device.rows(x.rows, op::layernorm_forward<T>{x, p.weight(gain_).flat(), p.weight(bias_).flat(), y, mean, scale, C(epsilon_)});
        p.save(x);
        p.save(row_view<C const>(mean));
        p.save(row_view<C const>(scale));
        return y;
    }
    /// Adds to dx, as rmsnorm does.
    template <class Pass>
    void backward_onto(Pass& p, matrix_view<typename Pass::stored const> dy, matrix_view<typename Pass::stored> dx) const {
        using T          = typename Pass::stored;
        using C          = typename Pass::computed;
        auto const scale = p.template take<row_view<C const>>();
        auto const mean  = p.template take<row_view<C const>>();
        auto const x     = p.template take<matrix_view<T const>>();
        p.device.rows(op::column_tiles(x.columns), op::layernorm_parameters_backward<T>{x, dy, mean, scale, p.gradient(gain_).flat(),
                                                                                       p.gradient(bias_).flat()});
        p.device.rows(x.rows, op::layernorm_backward<T>{x, dy, p.weight(gain_).flat(), mean, scale, dx});
    }

  private:
    parameter gain_, bias_;
    double    epsilon_ = 1e-5;
};

}  // namespace midtrain::inline MT_ABI::model
