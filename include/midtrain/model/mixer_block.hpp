#pragma once
#include <utility>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/elementwise.hpp>

namespace midtrain::inline MT_ABI::model {

/// A pre-norm block without an MLP: x + mixer(norm(x)).
template <class Norm, class Mixer>
class mixer_block {
  public:
    mixer_block(Norm norm, Mixer mixer) : norm_(std::move(norm)), mixer_(std::move(mixer)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T      = typename Pass::stored;
        auto const y = mixer_.forward(p, matrix_view<T const>(norm_.forward(p, x)));
        p.device.elements(x.size(), op::add<T>{x.flat(), y.flat(), y.flat()});
        return y;
    }
    /// d holds the gradient of the output and becomes that of the input.
    template <class Pass>
    void backward(Pass& p, matrix_view<typename Pass::stored> d) const {
        using T = typename Pass::stored;
        scope const s(p);
        norm_.backward_onto(p, matrix_view<T const>(mixer_.backward(p, matrix_view<T const>(d))), d);
    }

  private:
    Norm  norm_;
    Mixer mixer_;
};

}  // namespace midtrain::inline MT_ABI::model
