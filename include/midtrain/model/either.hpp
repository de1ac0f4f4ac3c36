#pragma once
#include <utility>
#include <variant>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI::model {

/// One of two layers that are asked alike, decided when the model is made: what a block, a mixer or an MLP is where the layers of one model
/// differ in kind. Three kinds are either<A, either<B, C>>. Both give forward, and backward, the same type. The kind is asked once a layer on
/// the host; kernels see nothing of it.
template <class A, class B>
class either {
  public:
    either(A a) : held_(std::in_place_index<0>, std::move(a)) {}
    either(B b) : held_(std::in_place_index<1>, std::move(b)) {}

    bool is_first() const { return held_.index() == 0; }

    template <class Pass, class... X>
    auto forward(Pass& p, X const&... x) const {
        if (auto const* a = std::get_if<0>(&held_)) return a->forward(p, x...);
        return std::get_if<1>(&held_)->forward(p, x...);
    }
    template <class Pass, class... D>
    auto backward(Pass& p, D const&... d) const {
        if (auto const* a = std::get_if<0>(&held_)) return a->backward(p, d...);
        return std::get_if<1>(&held_)->backward(p, d...);
    }

  private:
    std::variant<A, B> held_;
};

}  // namespace midtrain::inline MT_ABI::model
