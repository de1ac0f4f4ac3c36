#pragma once
#include <utility>
#include <midtrain/model/pass.hpp>
#include <midtrain/model/residual.hpp>

namespace midtrain::inline MT_ABI::model {

/// A transformer block: two branches of the residual stream, what mixes tokens and then the MLP.
template <class Norm, class Mixer, class Mlp>
class block {
  public:
    block(residual<Norm, Mixer> mixer, residual<Norm, Mlp> mlp) : mixer_(std::move(mixer)), mlp_(std::move(mlp)) {}
    /// Pre-norm: x + mixer(norm(x)), then + mlp(norm(.)).
    block(Norm before_mixer, Mixer mixer, Norm before_mlp, Mlp mlp)
        : mixer_(std::move(before_mixer), std::move(mixer)), mlp_(std::move(before_mlp), std::move(mlp)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        return mixer_.forward_through(p, x, mlp_);
    }
    /// d holds the gradient of the output and becomes that of the input.
    template <class Pass>
    void backward(Pass& p, matrix_view<typename Pass::stored> d) const {
        scope const s(p);
        mlp_.backward(p, d);
        mixer_.backward(p, d);
    }

  private:
    residual<Norm, Mixer> mixer_;
    residual<Norm, Mlp>   mlp_;
};

}  // namespace midtrain::inline MT_ABI::model
