#pragma once
#include <utility>
#include <midtrain/model/causal_convolution.hpp>
#include <midtrain/model/linear.hpp>
#include <midtrain/model/norm.hpp>
#include <midtrain/model/state_space.hpp>
#include <midtrain/op/by_heads.hpp>
#include <midtrain/op/column_sums.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/op/selective_scan.hpp>
#include <midtrain/op/selective_scan_backward.hpp>

namespace midtrain::inline MT_ABI::model {

/// The Mamba-2 mixer (Dao and Gu 2024, section 7): in projects to gates, channels, B, C and a step for each head; channels, B and C go through
/// the short convolution with silu; the scan loses all states of a head at one rate; what comes out is gated, normed by groups, and projected
/// out. It scans as Mamba does, token by token, with what a head has once spread over its channels and states.
class state_space_duality {
  public:
    state_space_duality(linear in, causal_convolution mixes, rmsnorm norm, linear out, state_space_tensors tensors, index_t groups, index_t states)
        : in_(std::move(in)), mixes_(mixes), norm_(std::move(norm)), out_(std::move(out)), tensors_(tensors), groups_(groups), states_(states) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T         = typename Pass::stored;
        auto const both = in_.forward(p, x);
        p.save(both);
        auto const u    = mixes_.forward(p, mixed(both));
        auto       scan = make(p, both, u);
        {
            scope const s(p);
            scan.scratch = p.make_row(scan.scratch_size());
            run(p.device, scan);
        }
        p.save(scan);
        return out_.forward(p, matrix_view<T const>(norm_.forward(p, matrix_view<T const>(scan.output))));
    }

    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T           = typename Pass::stored;
        auto const dnorm  = out_.backward(p, dy);
        auto const d      = p.zeros(dnorm.rows, dnorm.columns);
        norm_.backward_onto(p, matrix_view<T const>(dnorm), d);
        auto const scan = p.template take<selective_scan_problem<T>>();
        auto const both = p.template take<matrix_view<T>>();
        auto const n    = both.rows, c = scan.channels();
        auto const du = p.make(n, c + selected()), dboth = p.make(n, both.columns);
        {
            scope const s(p);
            scan_backward(p, scan, d, du, dboth);
        }
        mixes_.backward(p, mixed(both), du, mixed(dboth));
        return in_.backward(p, matrix_view<T const>(dboth));
    }

  private:
    index_t heads() const { return tensors_.log_rate.columns; }
    index_t selected() const { return 2 * groups_ * states_; }
    // Columns of what is projected in: gates, what is convolved, steps.
    index_t channels(index_t columns) const { return (columns - selected() - heads()) / 2; }
    template <class T>
    matrix_view<T> mixed(matrix_view<T> both) const {
        index_t const c = channels(both.columns);
        return both.columns_part(c, c + selected());
    }
    template <class T>
    matrix_view<T> steps(matrix_view<T> both) const {
        return both.columns_part(both.columns - heads(), heads());
    }

    /// What each head has once, for `each` values of it.
    template <class Pass>
    auto spread(Pass& p, parameter once, index_t each) const {
        using X      = typename Pass::master;
        using C      = typename Pass::computed;
        auto const x = p.unrounded(once);
        auto const y = as_matrix(p.template make_row<C>(heads() * each).data, index_t{1}, heads() * each);
        p.device.elements(y.size(), op::spread_by_heads<X, C>{as_matrix(x.data, index_t{1}, heads()), y});
        return y;
    }
    template <class Pass, class T>
    auto make(Pass& p, matrix_view<T> both, matrix_view<T> u) const {
        using C             = typename Pass::computed;
        index_t const c     = channels(both.columns), each = c / heads();
        auto const    step  = p.make(both.rows, c);
        p.device.elements(step.size(), op::spread_by_heads<T, T>{matrix_view<T const>(steps(both)), step});
        auto scan = selective_scan_problem<T>{
            .input = u.columns_part(0, c), .step = step, .selection = u.columns_part(c, selected()), .gate = both.columns_part(0, c),
            .log_rate = as_matrix(spread(p, tensors_.log_rate, each * states_).data, c, states_), .skip = spread(p, tensors_.skip, each).flat(),
            .bias = spread(p, tensors_.step_bias, each).flat(), .document_begin = mixes_.documents(p), .output = p.make(both.rows, c),
            .kept = {}, .scratch = {}, .sequences = p.batch.sequences, .length = p.batch.length, .heads = groups_, .rank = 0, .slots = 1,
            .goes_on = p.cache.used > 0, .apart = true};
        if (p.mode != pass_mode::evaluate) scan.slots = scan.chunks();
        index_t const values = scan.sequences * scan.slots * c * states_;
        scan.kept            = {p.cache.capacity > 0 ? p.cache.template take_state<C>(values) : p.template make_row<C>(values).data, values};
        return scan;
    }
    /// Writes the gates' and steps' gradients into dboth, and what the convolution made into du.
    template <class Pass, class T>
    void scan_backward(Pass& p, selective_scan_problem<T> const& scan, matrix_view<T> d, matrix_view<T> du, matrix_view<T> dboth) const {
        using C             = typename Pass::computed;
        using g             = selective_scan_gradient_problem<T>;
        index_t const c     = scan.channels(), skips = scan.sequences * c, rates = c * states_;
        auto const    row   = [&](index_t n) { return p.template make_row<C>(n); };
        auto const    dstep = p.make(d.rows, c);
        auto const    drate = row(rates), dskip = row(c);
        p.device.elements(rates, op::fill<C>{drate, 0});
        p.device.elements(c, op::fill<C>{dskip, 0});
        g gradient{scan, d, du.columns_part(0, c), dstep, dboth.columns_part(0, c), du.columns_part(c, selected()),
                        as_matrix(drate.data, c, states_), dskip, {}, row(skips * states_), row(skips),
                        row(scan.tiles() * d.rows * 2 * states_), {}};
        gradient.scratch = row(gradient.scratch_size());
        gradient.carries = row(gradient.carries_size());
        run(p.device, gradient);
        auto const sum = [&](parameter to, row_view<C> from) {
            p.device.rows(1, op::sum_by_heads<C, C>{as_matrix(from.data, index_t{1}, from.size()),
                                                    as_matrix(p.gradient(to).data, index_t{1}, heads()), true});
        };
        sum(tensors_.log_rate, drate);
        sum(tensors_.skip, dskip);
        auto const dsteps = steps(dboth);
        p.device.rows(d.rows, op::sum_by_heads<T, T>{dstep, dsteps});
        op::add_column_sums(p.device, op::bias_sums<T>{dsteps}, p.template make<C>(op::row_parts(d.rows), heads()),
                            p.gradient(tensors_.step_bias).flat());
    }

    linear              in_;
    causal_convolution  mixes_;
    rmsnorm             norm_;
    linear              out_;
    state_space_tensors tensors_;
    index_t             groups_, states_;
};

}  // namespace midtrain::inline MT_ABI::model
