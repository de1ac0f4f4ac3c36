#pragma once
#include <optional>
#include <utility>
#include <midtrain/model/attention.hpp>
#include <midtrain/model/linear.hpp>
#include <midtrain/model/mlp.hpp>
#include <midtrain/model/norm.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/join.hpp>

namespace midtrain::inline MT_ABI::model {

/// mlp(norm(attention(norm(x | first embedding)))), without residuals inside: what Zamba's layers share (Glorioso et al. 2024, figure 2).
/// Its copies have the same parameters, whose gradients add up over all uses.
class shared_branch {
  public:
    shared_branch(rmsnorm before_attention, attention looks, rmsnorm before_mlp, gated_mlp<op::gelu_erf> mlp)
        : first_(std::move(before_attention)), attention_(std::move(looks)), second_(std::move(before_mlp)), mlp_(std::move(mlp)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T           = typename Pass::stored;
        using view        = matrix_view<T const>;
        auto const joined = p.make(x.rows, 2 * x.columns);
        p.device.rows(x.rows, op::join_forward<T>{x, p.first_embedding.value, joined});
        auto const seen = attention_.forward(p, view(first_.forward(p, view(joined))));
        return mlp_.forward(p, view(second_.forward(p, view(seen))));
    }
    /// Adds to dx, and to the gradient of the first embedding.
    template <class Pass>
    void backward_onto(Pass& p, matrix_view<typename Pass::stored const> dy, matrix_view<typename Pass::stored> dx) const {
        using T        = typename Pass::stored;
        using view     = matrix_view<T const>;
        auto const seen = p.zeros(dx.rows, dx.columns), joined = p.zeros(dx.rows, 2 * dx.columns);
        second_.backward_onto(p, view(mlp_.backward(p, dy)), seen);
        first_.backward_onto(p, view(attention_.backward(p, view(seen))), joined);
        p.device.rows(dx.rows, op::join_backward<T>{joined, dx, p.first_embedding.gradient});
    }

  private:
    rmsnorm                 first_;
    attention               attention_;
    rmsnorm                 second_;
    gated_mlp<op::gelu_erf> mlp_;
};

/// x + mixer(norm(x)), or where the block looks back x + mixer(norm(x + linear(shared(x | first embedding)))): what the shared branch says
/// goes to the mixer and not to the residual stream (Glorioso et al. 2024, eq. 6).
template <class Norm, class Mixer>
class shared_block {
  public:
    static constexpr bool sees_first_embedding = true;

    struct looking_back {
        shared_branch shared;
        linear        out;

        looking_back(shared_branch s, linear l) : shared(std::move(s)), out(std::move(l)) {}
    };

    shared_block(Norm norm, Mixer mixer, std::optional<looking_back> back)
        : back_(std::move(back)), norm_(std::move(norm)), mixer_(std::move(mixer)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T    = typename Pass::stored;
        using view = matrix_view<T const>;
        view in    = x;
        if (back_) {
            auto const said = back_->out.forward(p, view(back_->shared.forward(p, x)));
            p.device.elements(x.size(), op::add<T>{x.flat(), said.flat(), said.flat()});
            in = said;
        }
        auto const y = mixer_.forward(p, view(norm_.forward(p, in)));
        p.device.elements(x.size(), op::add<T>{x.flat(), y.flat(), y.flat()});
        return y;
    }
    /// d holds the gradient of the output and becomes that of the input.
    template <class Pass>
    void backward(Pass& p, matrix_view<typename Pass::stored> d) const {
        using T    = typename Pass::stored;
        using view = matrix_view<T const>;
        scope const s(p);
        auto const  dmixed = mixer_.backward(p, view(d));
        if (!back_) return norm_.backward_onto(p, view(dmixed), d);
        auto const said = p.zeros(d.rows, d.columns);
        norm_.backward_onto(p, view(dmixed), said);
        p.device.elements(d.size(), op::add<T>{d.flat(), said.flat(), d.flat()});
        back_->shared.backward_onto(p, view(back_->out.backward(p, view(said))), d);
    }

  private:
    std::optional<looking_back> back_;
    Norm                        norm_;
    Mixer                       mixer_;
};

}  // namespace midtrain::inline MT_ABI::model
