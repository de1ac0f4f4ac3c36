#pragma once
#include <utility>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/elementwise.hpp>

namespace midtrain::inline MT_ABI::model {

/// A pre-norm transformer block: x + mixer(norm(x)), then + mlp(norm(.)).
template <class Norm, class Mixer, class Mlp>
class block {
  public:
    block(Norm before_mixer, Mixer mixer, Norm before_mlp, Mlp mlp)
        : first_(std::move(before_mixer)), mixer_(std::move(mixer)), second_(std::move(before_mlp)), mlp_(std::move(mlp)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T        = typename Pass::stored;
        auto const mid = mixer_.forward(p, as_const(first_.forward(p, x)));
        p.device.elements(x.size(), op::add<T>{x.flat(), mid.flat(), mid.flat()});
        auto const y = mlp_.forward(p, as_const(second_.forward(p, as_const(mid))));
        p.device.elements(x.size(), op::add<T>{mid.flat(), y.flat(), y.flat()});
        return y;
    }

    /// d holds the gradient of the output and becomes that of the input.
    template <class Pass>
    void backward(Pass& p, matrix_view<typename Pass::stored> d) const {
        scope const s(p);
        second_.backward_onto(p, as_const(mlp_.backward(p, as_const(d))), d);
        first_.backward_onto(p, as_const(mixer_.backward(p, as_const(d))), d);
    }

  private:
    template <class T>
    static matrix_view<T const> as_const(matrix_view<T> m) {
        return m;
    }

    Norm  first_;
    Mixer mixer_;
    Norm  second_;
    Mlp   mlp_;
};

}  // namespace midtrain::inline MT_ABI::model
