#pragma once
#include <string>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/add_then.hpp>
#include <midtrain/op/column_sums.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/norm.hpp>
#include <midtrain/problem/block_form.hpp>

namespace midtrain::inline MT_ABI::model {

/// What norms have in common: a gain, or one about zero, or none at all, which is one about zero that stays there.
class norm_parameters {
  public:
    norm_parameters() = default;
    norm_parameters(parameter_layout& layout, index_t bucket, index_t width, std::string const& name, double epsilon, norm_gain form, bool bias)
        : width_(width), epsilon_(epsilon), form_(form) {
        if (form == norm_gain::none) return;
        gain_ = layout.add({.name = name + ".weight", .rows = width, .columns = 1, .role = role::norm,
                            .begins = {form == norm_gain::plain ? 1.0 : 0.0, 0}, .parts = {}}, bucket);
        if (bias)
            bias_ = layout.add({.name = name + ".bias", .rows = width, .columns = 1, .role = role::bias, .begins = {}, .parts = {}}, bucket);
    }

    bool learned() const { return form_ != norm_gain::none; }
    template <class Pass>
    auto epsilon(Pass const&) const {
        return typename Pass::computed(epsilon_);
    }
    /// What is added to the gain.
    template <class Pass>
    auto plus(Pass const&) const {
        return typename Pass::computed(form_ == norm_gain::plain ? 0 : 1);
    }
    template <class Pass>
    row_view<typename Pass::stored const> gain(Pass& p) const {
        return learned() ? p.weight(gain_).flat() : zeros(p);
    }
    template <class Pass>
    row_view<typename Pass::stored const> bias(Pass& p) const {
        return learned() ? p.weight(bias_).flat() : zeros(p);
    }
    template <class Pass>
    auto gain_gradient(Pass& p) const {
        return p.gradient(gain_).flat();
    }
    template <class Pass>
    auto bias_gradient(Pass& p) const {
        return p.gradient(bias_).flat();
    }

  private:
    template <class Pass>
    row_view<typename Pass::stored const> zeros(Pass& p) const {
        auto const z = p.template make_row<typename Pass::stored>(width_);
        p.device.elements(width_, op::fill<typename Pass::stored>{z, 0});
        return z;
    }

    parameter gain_, bias_;
    index_t   width_   = 0;
    double    epsilon_ = 1e-6;
    norm_gain form_    = norm_gain::plain;
};

/// Root-mean-square norm with a gain (Zhang and Sennrich 2019), of a row or of each of its `groups` by itself; then rows lie side by side.
class rmsnorm {
  public:
    rmsnorm() = default;
    rmsnorm(parameter_layout& layout, index_t bucket, index_t width, std::string name, double epsilon, norm_gain form = norm_gain::plain,
            index_t groups = 1)
        : own_(layout, bucket, width, name, epsilon, form, false), groups_(groups) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        return forward(p, x, [&](auto const& norm) { p.device.rows(x.rows * groups_, norm); });
    }
    /// Of x + by * y, which y becomes; not by groups.
    template <class Pass>
    auto forward_sum(Pass& p, matrix_view<typename Pass::stored const> x, matrix_view<typename Pass::stored> y, typename Pass::computed by) const {
        MT_EXPECT(groups_ == 1);
        return forward(p, y, [&]<class F>(F const& norm) { p.device.rows(x.rows, op::add_then<typename Pass::stored, F>{x, y, by, norm}); });
    }
    /// Adds to dx: the norm stands beside a residual, whose gradient is there already.
    template <class Pass>
    void backward_onto(Pass& p, matrix_view<typename Pass::stored const> dy, matrix_view<typename Pass::stored> dx) const {
        using T          = typename Pass::stored;
        using C          = typename Pass::computed;
        auto const scale = p.template take<row_view<C const>>();
        auto const x     = p.template take<matrix_view<T const>>();
        if (own_.learned()) {
            scope const within(p);
            op::add_column_sums(p.device, op::rmsnorm_gain_sums<T>{x, dy, scale}, p.template make<C>(op::row_parts(x.rows), x.columns),
                                own_.gain_gradient(p));
        }
        p.device.rows(scale.size(), op::rmsnorm_backward<T>{by_group(x), by_group(dy), own_.gain(p), scale, by_group(dx), own_.plus(p)});
    }

  private:
    // `launch` is handed the row functor of the norm.
    template <class Pass, class Launch>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x, Launch launch) const {
        using T    = typename Pass::stored;
        auto y     = p.make(x.rows, x.columns);
        auto scale = p.make_row(x.rows * groups_);
        launch(op::rmsnorm_forward<T>{by_group(x), own_.gain(p), by_group(y), scale, own_.epsilon(p), own_.plus(p)});
        p.save(x);
        p.save(row_view<typename Pass::computed const>(scale));
        return y;
    }
    template <class T>
    matrix_view<T> by_group(matrix_view<T> x) const {
        return groups_ == 1 ? x : as_matrix(x.data, x.rows * groups_, x.columns / groups_);
    }

    norm_parameters own_;
    index_t         groups_ = 1;
};

/// Layer norm with gain and bias (Ba, Kiros, Hinton 2016), or with neither.
class layernorm {
  public:
    layernorm() = default;
    layernorm(parameter_layout& layout, index_t bucket, index_t width, std::string name, double epsilon, norm_gain form = norm_gain::plain)
        : own_(layout, bucket, width, name, epsilon, form, true) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        return forward(p, x, [&](auto const& norm) { p.device.rows(x.rows, norm); });
    }
    /// As rmsnorm's.
    template <class Pass>
    auto forward_sum(Pass& p, matrix_view<typename Pass::stored const> x, matrix_view<typename Pass::stored> y, typename Pass::computed by) const {
        return forward(p, y, [&]<class F>(F const& norm) { p.device.rows(x.rows, op::add_then<typename Pass::stored, F>{x, y, by, norm}); });
    }
    /// Adds to dx, as rmsnorm does.
    template <class Pass>
    void backward_onto(Pass& p, matrix_view<typename Pass::stored const> dy, matrix_view<typename Pass::stored> dx) const {
        using T          = typename Pass::stored;
        using C          = typename Pass::computed;
        auto const scale = p.template take<row_view<C const>>();
        auto const mean  = p.template take<row_view<C const>>();
        auto const x     = p.template take<matrix_view<T const>>();
        if (own_.learned()) {
            scope const within(p);
            op::add_column_sums(p.device, op::layernorm_parameters_sums<T>{x, dy, mean, scale},
                                p.template make<C>(op::row_parts(x.rows), 2 * x.columns), own_.gain_gradient(p), own_.bias_gradient(p));
        }
        p.device.rows(x.rows, op::layernorm_backward<T>{x, dy, own_.gain(p), mean, scale, dx, own_.plus(p)});
    }

  private:
    template <class Pass, class Launch>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x, Launch launch) const {
        using T    = typename Pass::stored;
        using C    = typename Pass::computed;
        auto y     = p.make(x.rows, x.columns);
        auto mean  = p.make_row(x.rows);
        auto scale = p.make_row(x.rows);
        launch(op::layernorm_forward<T>{x, own_.gain(p), own_.bias(p), y, mean, scale, own_.epsilon(p), own_.plus(p)});
        p.save(x);
        p.save(row_view<C const>(mean));
        p.save(row_view<C const>(scale));
        return y;
    }

    norm_parameters own_;
};

}  // namespace midtrain::inline MT_ABI::model
