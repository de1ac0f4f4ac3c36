#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>
#include <midtrain/model/embedding.hpp>
#include <midtrain/model/head.hpp>
#include <midtrain/model/mtp.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/embedding.hpp>
#include <midtrain/problem/key_sharing.hpp>

namespace midtrain::inline MT_ABI::model {

/// Embedding, equal blocks, norm, head. Owns no memory; p says what is kept between forward and backward. Blocks that look back at the
/// embedding say so by  static constexpr bool sees_first_embedding = true;  and find it in p.first_embedding. In training modules that predict
/// tokens further on may stand behind the final norm; `looks_ahead`: there may be some. `room`: for keys and values that blocks share.
template <class Block, class Norm, bool looks_ahead = false>
class decoder {
  public:
    using ahead = mtp_module<Block, Norm>;

    decoder(embedding in, std::vector<Block> blocks, Norm norm, head out, std::vector<ahead> further = {},
            key_room room = {})
        : in_(std::move(in)), blocks_(std::move(blocks)), norm_(std::move(norm)), out_(std::move(out)), ahead_(std::move(further)),
          room_(room) {}

    /// Fills p.token_loss, one value a token, and in training what backward needs.
    template <class Pass>
    void forward(Pass& p) const {
        bool const train = p.mode != pass_mode::evaluate;
        auto const x     = hidden(p, train);
        p.saving         = train;
        auto const h     = norm_.forward(p, x);
        out_.forward(p, view_of_const(h), train);
        if constexpr (looks_ahead) {
            auto seen = view_of_const(h);
            if (train)
                for (auto const& m : ahead_) seen = m.forward(p, seen);
        }
    }

    /// Adds the gradient of sum(token_loss) / target_count to p.gradients.
    template <class Pass>
    void backward(Pass& p) const {
        using T       = typename Pass::stored;
        auto const     first = p.first_embedding.value;
        if (first_is_seen()) p.first_embedding.gradient = p.zeros(first.rows, first.columns);
        matrix_view<T> further{};  // what the modules send back to what stands behind the final norm
        if constexpr (looks_ahead)
            if (!ahead_.empty()) {
                further = p.zeros(first.rows, first.columns);
                for (auto m = ahead_.rbegin(); m != ahead_.rend(); ++m) further = m->backward(p, further);
            }
        auto const dh = out_.backward(p);
        if (!ahead_.empty()) p.device.elements(dh.size(), op::add<T>{dh.flat(), further.flat(), dh.flat()});
        auto const d = p.zeros(dh.rows, dh.columns);
        if (room_.slots > 0) p.shared_keys.gradient = p.zeros(room_.slots * dh.rows, room_.width);
        norm_.backward_onto(p, view_of_const(dh), d);
        auto bucket = static_cast<index_t>(blocks_.size());  // block n is bucket n + 1 of the layout
        for (auto b = blocks_.rbegin(); b != blocks_.rend(); ++b) {
            scope const s(p);
            if (p.mode == pass_mode::recompute) {
                auto const x = p.template take<matrix_view<T const>>();
                b->forward(p, x);
            }
            b->backward(p, d);
            p.finish_from(bucket--);
        }
        if (first_is_seen()) p.device.elements(d.size(), op::add<T>{d.flat(), p.first_embedding.gradient.flat(), d.flat()});
        in_.backward(p, view_of_const(d));
    }

    /// The logits of every token: (tokens, vocabulary).
    template <class Pass>
    void logits(Pass& p, matrix_view<typename Pass::computed> out) const {
        auto const x = hidden(p, false);
        p.saving     = false;
        out_.logits(p, view_of_const(norm_.forward(p, x)), out);
    }
    /// The logits of the tokens that `rows` names: out (rows, vocabulary).
    template <class Pass>
    void logits(Pass& p, row_view<std::int32_t const> rows, matrix_view<typename Pass::computed> out) const {
        using T      = typename Pass::stored;
        auto const x = hidden(p, false);
        p.saving     = false;
        auto const h = norm_.forward(p, x);
        for (index_t r = 0; r < rows.size(); r += head::least_rows) {
            scope const   s(p);
            index_t const n      = std::min(head::least_rows, rows.size() - r);
            auto const    picked = p.make(n, h.columns);
            p.device.rows(n, op::embedding_forward<T>{view_of_const(h), rows.part(r, n), picked});
            out_.logits(p, view_of_const(picked), out.rows_part(r, n));
        }
    }

  private:
    static constexpr bool sees_first = requires { Block::sees_first_embedding; };

    template <class T>
    static matrix_view<T const> view_of_const(matrix_view<T> m) {
        return m;
    }

    bool first_is_seen() const { return sees_first || !ahead_.empty(); }

    template <class Pass>
    auto hidden(Pass& p, bool train) const {
        using T = typename Pass::stored;
        matrix_view<T const> x = in_.forward(p);
        if (first_is_seen()) p.first_embedding.value = x;
        if (room_.slots > 0) p.shared_keys.value = p.make((p.mode == pass_mode::evaluate ? room_.slots : room_.numbers) * x.rows, room_.width);
        if (p.mode == pass_mode::train && train) {
            p.saving = true;
            for (auto const& b : blocks_) x = b.forward(p, x);
            return x;
        }
        auto const keep = [&] { return p.make(x.rows, x.columns); };
        auto       spare = train ? matrix_view<T>{} : keep();
        if (!train) p.show_residual(x);
        for (auto const& b : blocks_) {
            p.saving = train;
            p.save(x);
            p.saving     = false;
            auto const y = train ? keep() : spare;
            {
                scope const s(p);
                p.device.elements(y.size(), op::convert<T, T>{b.forward(p, x).flat(), y.flat()});
            }
            x = y;
            if (!train) p.show_residual(x);
        }
        p.saving = train;
        return x;
    }

    embedding          in_;
    std::vector<Block> blocks_;
    Norm               norm_;
    head               out_;
    std::vector<ahead> ahead_;
    key_room           room_;
};

}  // namespace midtrain::inline MT_ABI::model
