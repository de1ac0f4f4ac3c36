#pragma once
#include <utility>
#include <midtrain/model/causal_convolution.hpp>
#include <midtrain/model/linear.hpp>
#include <midtrain/model/linear_by_heads.hpp>
#include <midtrain/op/column_sums.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/op/selective_scan.hpp>
#include <midtrain/op/selective_scan_backward.hpp>

namespace midtrain::inline MT_ABI::model {

/// The tensors of a state space that are neither projection nor convolution. All are read as the optimizer keeps them: rounding log_rate to
/// bfloat16 would change how long a state lasts by up to half a per cent.
struct state_space_tensors {
    parameter step_bias, log_rate, skip;
};

/// The Mamba mixer (Gu and Dao 2023, section 3.4): in projects to channels and their gates, a short convolution with silu, a selective scan
/// whose steps, B and C are made of its input, the gate, and out. In has linear's forward and backward and makes (rows, 2 * channels).
template <class In = linear>
class state_space {
  public:
    state_space(In in, causal_convolution mixes, linear_by_heads select, linear_by_heads steps, linear out, state_space_tensors tensors,
                index_t heads)
        : in_(std::move(in)), mixes_(mixes), select_(std::move(select)), steps_(std::move(steps)), out_(std::move(out)), tensors_(tensors),
          heads_(heads) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T         = typename Pass::stored;
        auto const both = in_.forward(p, x);
        p.save(both);
        auto const u         = mixes_.forward(p, both.columns_part(0, both.columns / 2));
        auto const selection = select_.forward(p, matrix_view<T const>(u));
        auto const step      = steps_.forward(p, matrix_view<T const>(selection));
        auto       scan      = make(p, both, u, selection, step);
        {
            scope const s(p);
            scan.scratch = p.make_row(scan.scratch_size());
            run(p.device, scan);
        }
        p.save(scan);
        return out_.forward(p, matrix_view<T const>(scan.output));
    }

    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T         = typename Pass::stored;
        auto const d    = out_.backward(p, dy);
        auto const scan = p.template take<selective_scan_problem<T>>();
        auto const n    = scan.input.rows, c = scan.channels();
        auto const du = p.make(n, c), dstep = p.make(n, c), dboth = p.make(n, 2 * c), dselection = p.make(n, scan.selection.columns);
        {
            scope const s(p);
            run(p.device, gradient_of(p, scan, d, du, dstep, dboth.columns_part(c, c), dselection));
            op::add_column_sums(p.device, op::bias_sums<T>{dstep}, p.template make<computed_t<T>>(op::row_parts(n), c),
                                p.gradient(tensors_.step_bias).flat());
        }
        steps_.backward_into(p, matrix_view<T const>(dstep), dselection);
        select_.backward_onto(p, matrix_view<T const>(dselection), du);
        auto const both = p.template take<matrix_view<T>>();
        mixes_.backward(p, both.columns_part(0, c), du, dboth.columns_part(0, c));
        return in_.backward(p, matrix_view<T const>(dboth));
    }

  private:
    template <class Pass, class T>
    auto make(Pass& p, matrix_view<T> both, matrix_view<T> u, matrix_view<T> selection, matrix_view<T> step) const {
        using C             = typename Pass::computed;
        auto const c        = u.columns;
        auto const log_rate = p.unrounded(tensors_.log_rate);
        auto       scan     = selective_scan_problem<T>{
                      .input = u, .step = step, .selection = selection, .gate = both.columns_part(c, c), .log_rate = log_rate,
                      .skip = p.unrounded(tensors_.skip).flat(), .bias = p.unrounded(tensors_.step_bias).flat(),
                      .document_begin = mixes_.documents(p), .output = p.make(u.rows, c), .kept = {}, .scratch = {}, .sequences = p.batch.sequences, .length = p.batch.length,
                      .heads = heads_, .rank = selection.columns / heads_ - 2 * log_rate.columns, .slots = 1,
                      .goes_on = p.cache.used > 0};
        if (p.mode != pass_mode::evaluate) scan.slots = scan.chunks();
        index_t const values = scan.sequences * scan.slots * log_rate.size();
        auto const    kept   = p.cache.capacity > 0 ? p.cache.template take_state<C>(values) : p.template make_row<C>(values).data;
        scan.kept            = {kept, values};
        return scan;
    }
    template <class Pass, class T>
    auto gradient_of(Pass& p, selective_scan_problem<T> const& scan, matrix_view<T> d, matrix_view<T> du, matrix_view<T> dstep,
                     matrix_view<T> dgate, matrix_view<T> dselection) const {
        using g             = selective_scan_gradient_problem<T>;
        auto const    row   = [&](index_t n) { return p.template make_row<typename Pass::computed>(n); };
        index_t const skips = scan.sequences * scan.channels();
        g             all{scan, d, du, dstep, dgate, dselection, p.gradient(tensors_.log_rate), p.gradient(tensors_.skip).flat(), {},
                          row(skips * scan.states()), row(skips), row(scan.tiles() * scan.input.rows * 2 * scan.states()), {}};
        all.scratch = row(all.scratch_size());
        all.carries = row(all.carries_size());
        return all;
    }

    In                  in_;
    causal_convolution  mixes_;
    linear_by_heads     select_, steps_;
    linear              out_;
    state_space_tensors tensors_;
    index_t             heads_;
};

}  // namespace midtrain::inline MT_ABI::model
