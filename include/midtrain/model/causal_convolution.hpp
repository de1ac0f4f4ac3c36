#pragma once
#include <midtrain/model/pass.hpp>
#include <midtrain/op/short_convolution.hpp>
#include <midtrain/op/sum_of_parts.hpp>

namespace midtrain::inline MT_ABI::model {

/// The short convolution with silu before a state space, one filter a channel (op/short_convolution.hpp).
class causal_convolution {
  public:
    causal_convolution() = default;
    /// `bias` may be missing. Across documents it runs on from one to the next.
    causal_convolution(parameter taps, parameter bias, bool across_documents) : taps_(taps), bias_(bias), across_(across_documents) {}

    /// x (tokens, channels), which the caller keeps for backward. Where tokens are generated, the newest inputs are kept for the next ones.
    template <class Pass, class T>
    matrix_view<T> forward(Pass& p, matrix_view<T> x) const {
        auto const    u = p.make(x.rows, x.columns);
        bool const    decodes = p.cache.capacity > 0, goes_on = p.cache.used > 0;
        index_t const more = taps_.rows - 1;
        auto const    kept = decodes ? as_matrix(p.cache.template take_state<T>(more * x.columns), more, x.columns) : matrix_view<T>{};
        auto const    of   = problem(p, x, goes_on ? matrix_view<T const>(kept) : matrix_view<T const>{});
        p.device.rows(u.rows, op::short_convolution_forward<T>{of, u});
        if (decodes) p.device.rows(op::column_tiles(u.columns), op::keep_inputs<T>{of.x, kept, goes_on});
        return u;
    }
    /// Overwrites dx; d, the gradient of forward's result, is spoilt.
    template <class Pass, class T>
    void backward(Pass& p, matrix_view<T> x, matrix_view<T> d, matrix_view<T> dx) const {
        using C             = typename Pass::computed;
        auto const    of    = problem(p, x, {});
        index_t const taps  = of.taps.rows, c = d.columns;
        index_t const parts = (d.rows + op::short_convolution_parts<T>::tokens - 1) / op::short_convolution_parts<T>::tokens;
        p.device.rows(d.rows, op::short_convolution_sum_backward<T>{of, d});
        p.device.rows(d.rows, op::short_convolution_backward<T>{of, d, dx});
        scope const s(p);
        auto const  sums = p.template make_row<C>(parts * (taps + 1) * c);
        p.device.rows(parts, op::short_convolution_parts<T>{of, d, sums});
        auto const gather = [&](parameter to, index_t first) {
            auto const g = p.gradient(to).flat();
            p.device.rows(op::sum_of_parts<C>::teams(g.size()), op::sum_of_parts<C>{sums, (taps + 1) * c, first, g});
        };
        gather(taps_, 0);
        if (bias_.index >= 0) gather(bias_, taps * c);
    }
    /// Where documents begin, or nothing if it runs across.
    template <class Pass>
    row_view<std::int32_t const> documents(Pass const& p) const {
        return across_ ? row_view<std::int32_t const>{} : p.batch.document_begin;
    }

  private:
    template <class Pass, class T>
    auto problem(Pass& p, matrix_view<T> x, matrix_view<T const> before) const {
        return op::short_convolution<T>{.x = x, .taps = p.weight(taps_),
                                        .bias = bias_.index < 0 ? row_view<T const>{} : row_view<T const>(p.weight(bias_).flat()),
                                        .document_begin = documents(p), .before = before, .length = p.batch.length};
    }

    parameter taps_, bias_;
    bool      across_ = false;
};

}  // namespace midtrain::inline MT_ABI::model
