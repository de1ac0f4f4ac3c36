#pragma once
#include <algorithm>
#include <cstdint>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/cap_logits.hpp>
#include <midtrain/op/cross_entropy.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::model {

/// The vocabulary head, logits = multiplier * h w^T, which may be capped (op/cap_logits.hpp), and its cross-entropy, in chunks of rows, so that
/// the logits of a whole batch never exist. Since the denominator of the loss is known before, gradients are written in forward, and backward only hands them on.
class head {
  public:
    static constexpr index_t least_rows = 256;  ///< of a chunk: what a cache holds

    head() = default;
    explicit head(parameter table, double multiplier = 1, double cap = 0)  ///< tied: the embedding's table
        : table_(table), multiplier_(multiplier), cap_(cap) {}
    head(parameter_layout& layout, index_t bucket, index_t vocabulary, index_t width, std::string name, double deviation, double multiplier = 1,
         double cap = 0)
        : multiplier_(multiplier), cap_(cap) {
        table_ = layout.add(
            {.name = name, .rows = vocabulary, .columns = width, .role = role::head, .begins = {0, deviation}, .parts = {}}, bucket);
    }

    /// What another head than the main one is to predict, where its losses go, and what they weigh beside the main one's.
    template <class C>
    struct task {
        row_view<std::int32_t const> targets;
        row_view<C>                  losses;
        double                       weight;
    };

    parameter table() const { return table_; }
    /// Rows of a chunk: the more, the fewer times the table's gradient is read and written, which is what a device with a large memory pays for.
    template <class Pass>
    index_t rows(Pass const& p) const {
        index_t const room = p.logits_bytes / (table_.rows * static_cast<index_t>(sizeof(typename Pass::computed)));
        return std::max(least_rows, room / least_rows * least_rows);
    }

    /// Fills p.token_loss; in training also the gradients of the table and, saved for backward, of h.
    template <class Pass>
    void forward(Pass& p, matrix_view<typename Pass::stored const> h, bool train) const {
        go(p, h, train, {p.batch.targets, p.token_loss, 1}, p.z_loss);
    }
    /// The same of another task, in training.
    template <class Pass>
    void forward(Pass& p, matrix_view<typename Pass::stored const> h, task<typename Pass::computed> const& t) const {
        go(p, h, true, t, 0);
    }
    template <class Pass>
    auto backward(Pass& p) const {
        return p.template take<matrix_view<typename Pass::stored>>();
    }
    /// Logits of the rows of h, for looking at and for drawing tokens.
    template <class Pass>
    void logits(Pass& p, matrix_view<typename Pass::stored const> h, matrix_view<typename Pass::computed> out) const {
        using T = typename Pass::stored;
        p.device.gemm(gemm_problem<T, T, typename Pass::computed>{.a = multiplied(p, h), .b = p.weight(table_), .b_is = operand::transposed, .c = out});
        capped(p, out, {});
    }

  private:
    template <class Pass>
    void go(Pass& p, matrix_view<typename Pass::stored const> h, bool train, task<typename Pass::computed> const& t, double z) const {
        using T  = typename Pass::stored;
        using C  = typename Pass::computed;
        h        = multiplied(p, h);
        auto dh  = train ? p.make(h.rows, h.columns) : matrix_view<T>{};
        auto const w = p.weight(table_);
        {
            scope const s(p);
            auto const  chunk    = rows(p);
            auto const  logits   = p.template make<C>(std::min(chunk, h.rows), w.rows);
            auto const  gradient = train ? over(p, logits) : matrix_view<T>{};
            auto const  slope    = train && cap_ > 0 ? p.template make<C>(logits.rows, w.rows) : matrix_view<C>{};
            for (index_t r = 0; r < h.rows; r += chunk) {
                index_t const n = std::min(chunk, h.rows - r);
                p.device.gemm(gemm_problem<T, T, C>{.a = h.rows_part(r, n), .b = w, .b_is = operand::transposed,
                                                    .c = logits.rows_part(0, n)});
                capped(p, logits.rows_part(0, n), slope);
                auto const g = train ? gradient.rows_part(0, n) : gradient;
                p.device.rows(n, op::cross_entropy<T>{logits.rows_part(0, n), t.targets.part(r, n), t.losses.part(r, n),
                                                      g, train ? p.target_count() : nullptr, t.weight, C(z)});
                if (!train) continue;
                if (cap_ > 0) p.device.elements(g.size(), op::cap_logits_backward<T>{slope.rows_part(0, n).flat(), g.flat()});
                p.device.gemm(gemm_problem<T, T, T>{.a = g, .b = w, .c = dh.rows_part(r, n)});
                p.device.gemm(p.gradient_product(table_, g, h.rows_part(r, n)));
            }
        }
        if (train) multiplied(p, matrix_view<T const>(dh), dh), p.save(dh);
    }
    // In place; `slope` is as large or empty.
    template <class Pass, class C>
    void capped(Pass& p, matrix_view<C> logits, matrix_view<C> slope) const {
        if (cap_ > 0) p.device.elements(logits.size(), op::cap_logits<C>{logits.flat(), slope.flat(), C(cap_)});
    }
    // What stands before the head is multiplied, so no logit is touched twice.
    template <class Pass, class T>
    void multiplied(Pass& p, matrix_view<T const> x, matrix_view<T> y) const {
        if (multiplier_ != 1) p.device.elements(x.size(), op::scaled<T>{x.flat(), y.flat(), computed_t<T>(multiplier_)});
    }
    template <class Pass, class T>
    matrix_view<T const> multiplied(Pass& p, matrix_view<T const> x) const {
        if (multiplier_ == 1) return x;
        auto const y = p.make(x.rows, x.columns);
        multiplied(p, x, y);
        return y;
    }
    // Where the gradient of the logits goes: over the logits when the types agree.
    template <class Pass, class C>
    static auto over(Pass& p, matrix_view<C> logits) {
        using T = typename Pass::stored;
        if constexpr (std::is_same_v<T, C>) return logits;
        else return p.make(logits.rows, logits.columns);
    }

    parameter table_;
    double    multiplier_ = 1, cap_ = 0;
};

}  // namespace midtrain::inline MT_ABI::model
