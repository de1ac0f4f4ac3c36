#pragma once
#include <optional>
#include <utility>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/elementwise.hpp>

namespace midtrain::inline MT_ABI::model {

/// A branch of the residual stream: x + multiplier * after(f(before(x))). Either norm may be missing: pre-norm has the first (GPT-2, Llama),
/// OLMo 2 the second (arXiv 2501.00656, section 3.2), Gemma 2 both. The multiplier is Granite's and MiniCPM's (Yang et al. 2023, depth-muP).
template <class Norm, class F>
class residual {
  public:
    residual(std::optional<Norm> before, F f, std::optional<Norm> after = {}, double multiplier = 1)
        : before_(std::move(before)), f_(std::move(f)), after_(std::move(after)), multiplier_(multiplier) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        auto const y = within(p, enter(p, x));
        add(p, x, y);
        return y;
    }
    /// This branch and then the next one: the sum that ends this one and the norm that begins that one are one pass.
    template <class Pass, class G>
    auto forward_through(Pass& p, matrix_view<typename Pass::stored const> x, residual<Norm, G> const& next) const {
        using T      = typename Pass::stored;
        auto const y = within(p, enter(p, x));
        if (!next.before_) {
            add(p, x, y);
            return next.forward(p, matrix_view<T const>(y));
        }
        auto const z = next.within(p, matrix_view<T const>(next.before_->forward_sum(p, x, y, by(p))));
        next.add(p, matrix_view<T const>(y), z);
        return z;
    }

    /// d holds the gradient of the output and becomes that of the input.
    template <class Pass>
    void backward(Pass& p, matrix_view<typename Pass::stored> d) const {
        using T                = typename Pass::stored;
        matrix_view<T const> g = d;
        if (multiplier_ != 1) {
            auto const less = p.make(d.rows, d.columns);
            p.device.elements(d.size(), op::scaled<T>{d.flat(), less.flat(), by(p)});
            g = less;
        }
        if (after_) {
            auto const within = p.zeros(d.rows, d.columns);
            after_->backward_onto(p, g, within);
            g = within;
        }
        auto const dx = f_.backward(p, g);
        if (before_) before_->backward_onto(p, matrix_view<T const>(dx), d);
        else p.device.elements(d.size(), op::add<T>{d.flat(), dx.flat(), d.flat()});
    }

  private:
    template <class, class>
    friend class residual;

    template <class Pass>
    matrix_view<typename Pass::stored const> enter(Pass& p, matrix_view<typename Pass::stored const> x) const {
        return before_ ? matrix_view<typename Pass::stored const>(before_->forward(p, x)) : x;
    }
    template <class Pass>
    auto within(Pass& p, matrix_view<typename Pass::stored const> x) const {
        auto const y = f_.forward(p, x);
        return after_ ? after_->forward(p, matrix_view<typename Pass::stored const>(y)) : y;
    }
    template <class Pass>
    void add(Pass& p, matrix_view<typename Pass::stored const> x, matrix_view<typename Pass::stored> y) const {
        using T = typename Pass::stored;
        if (multiplier_ == 1) p.device.elements(x.size(), op::add<T>{x.flat(), y.flat(), y.flat()});
        else p.device.elements(x.size(), op::add_scaled<T>{x.flat(), y.flat(), y.flat(), by(p)});
    }
    template <class Pass>
    auto by(Pass const&) const {
        return computed_t<typename Pass::stored>(multiplier_);
    }

    std::optional<Norm> before_;
    F                   f_;
    std::optional<Norm> after_;
    double              multiplier_ = 1;
};

}  // namespace midtrain::inline MT_ABI::model
