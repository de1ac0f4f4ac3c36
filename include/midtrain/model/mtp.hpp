#pragma once
#include <cstdint>
#include <utility>
#include <midtrain/model/head.hpp>
#include <midtrain/model/linear.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/join.hpp>
#include <midtrain/op/mtp_rows.hpp>
#include <midtrain/problem/mtp_shape.hpp>

namespace midtrain::inline MT_ABI::model {

/// Module k of multi-token prediction (DeepSeek-V3, arXiv 2412.19437, eq. 21 to 25): from h, the hidden state of token t behind the final norm
/// or of the module before, and the embedding of token t + k,
///     h' = block(w [norm(embedding), norm(h)]),  logits = head(norm(h')),  target: that of token t + k,
/// where t + k is of the same document. The loss is divided by the targets of the main head, and weighs p.mtp_weight / depth. It is for
/// training alone, and keeps what backward needs whatever the pass's mode.
template <class Block, class Norm>
class mtp_module {
  public:
    /// `ahead`: k, from 1, of `depth`.
    mtp_module(Norm embedding_norm, Norm hidden_norm, linear project, Block block, Norm last, head out, mtp_form form, index_t ahead, index_t depth)
        : embedding_norm_(std::move(embedding_norm)), hidden_norm_(std::move(hidden_norm)), project_(std::move(project)),
          block_(std::move(block)), last_(std::move(last)), out_(std::move(out)), form_(form), ahead_(ahead), depth_(depth) {}

    /// h' of h; the embedding is p.first_embedding.
    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> h) const {
        using T            = typename Pass::stored;
        auto const within  = document(p);
        auto const further = p.make(h.rows, h.columns), both = p.make(h.rows, 2 * h.columns);
        p.device.rows(h.rows, op::look_ahead_forward<T>{p.first_embedding.value, further, within});
        matrix_view<T const> const e = embedding_norm_.forward(p, matrix_view<T const>(further)), n = hidden_norm_.forward(p, h);
        p.device.rows(h.rows, op::join_forward<T>{embedding_first() ? e : n, embedding_first() ? n : e, both});
        matrix_view<T const> const y = block_.forward(p, matrix_view<T const>(project_.forward(p, matrix_view<T const>(both))));
        auto const                 targets = p.template make_row<std::int32_t>(h.rows);
        auto const                 losses  = p.make_row(h.rows);
        p.device.elements(h.rows, op::targets_ahead{p.batch.targets, targets, within});
        out_.forward(p, matrix_view<T const>(last_.forward(p, y)), {targets, losses, p.mtp_weight / static_cast<double>(depth_)});
        p.device.rows(1, op::add_losses_ahead<typename Pass::computed>{losses, targets, p.mtp_losses.part(2 * (ahead_ - 1), 2)});
        return y;
    }

    /// d holds the gradient of h' and is used up. The gradient of h; that of the embedding is added to p.first_embedding's.
    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored> d) const {
        using T = typename Pass::stored;
        last_.backward_onto(p, matrix_view<T const>(out_.backward(p)), d);
        block_.backward(p, d);
        auto const both = project_.backward(p, matrix_view<T const>(d));
        auto const half = [&](bool first) { return matrix_view<T const>(both.columns_part(first ? 0 : d.columns, d.columns)); };
        auto const dh = p.zeros(d.rows, d.columns), de = p.zeros(d.rows, d.columns);
        hidden_norm_.backward_onto(p, half(!embedding_first()), dh);
        embedding_norm_.backward_onto(p, half(embedding_first()), de);
        p.device.rows(d.rows, op::look_ahead_backward<T>{de, p.first_embedding.gradient, document(p)});
        return dh;
    }

  private:
    bool embedding_first() const { return form_ == mtp_form::deepseek; }
    template <class Pass>
    op::same_document document(Pass const& p) const {
        return {p.batch.document_begin, p.batch.length, ahead_};
    }

    Norm     embedding_norm_, hidden_norm_;
    linear   project_;
    Block    block_;
    Norm     last_;
    head     out_;
    mtp_form form_;
    index_t  ahead_, depth_;
};

}  // namespace midtrain::inline MT_ABI::model
