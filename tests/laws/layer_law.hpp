#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>

// A layer's law: what backward computes is the slope of what forward computes. For devices whose memory the host can read.
namespace laws {

namespace mt = midtrain;

/// Weights of the sum that makes one number of a layer's output.
inline double share(mt::index_t i) { return mt::random_stream{5, 6}.uniform(static_cast<std::uint64_t>(i)) - 0.5; }

template <class View>
double weighted(View const& y) {
    double total = 0;
    for (mt::index_t r = 0; r < y.rows; ++r)
        for (mt::index_t c = 0; c < y.columns; ++c) total += share(r * y.columns + c) * y(r, c);
    return total;
}

template <class Pass>
auto gradient_of_weighted(Pass& p, mt::index_t rows, mt::index_t columns) {
    auto const d = p.make(rows, columns);
    for (mt::index_t i = 0; i < d.size(); ++i) d.data[i] = share(i);
    return mt::matrix_view<double const>(d);
}

// How a layer becomes one number, `value(pass, x)`, and how its gradient is asked for, `gradient(pass, x, dx)`.

/// y = forward(x), dx = backward(dy).
template <class Layer>
struct mapping {
    Layer layer;

    template <class Pass>
    double value(Pass& p, mt::matrix_view<double const> x) const {
        return weighted(layer.forward(p, x));
    }
    template <class Pass>
    void gradient(Pass& p, mt::matrix_view<double const> x, mt::matrix_view<double> dx) const {
        auto const y = layer.forward(p, x);
        auto const d = layer.backward(p, gradient_of_weighted(p, y.rows, y.columns));
        std::copy(d.data, d.data + d.size(), dx.data);
    }
};

/// y = forward(x), and backward_onto(dy, dx) adds to what dx holds.
template <class Layer>
struct beside_residual {
    Layer layer;

    template <class Pass>
    double value(Pass& p, mt::matrix_view<double const> x) const {
        return weighted(layer.forward(p, x));
    }
    template <class Pass>
    void gradient(Pass& p, mt::matrix_view<double const> x, mt::matrix_view<double> dx) const {
        std::fill(dx.data, dx.data + dx.size(), 0.5);
        auto const y = layer.forward(p, x);
        layer.backward_onto(p, gradient_of_weighted(p, y.rows, y.columns), dx);
        for (mt::index_t i = 0; i < dx.size(); ++i) dx.data[i] -= 0.5;
    }
};

/// y = forward() of the batch's tokens; there is no x.
template <class Layer>
struct of_tokens {
    Layer layer;

    template <class Pass>
    double value(Pass& p, mt::matrix_view<double const>) const {
        return weighted(layer.forward(p));
    }
    template <class Pass>
    void gradient(Pass& p, mt::matrix_view<double const>, mt::matrix_view<double>) const {
        auto const y = layer.forward(p);
        layer.backward(p, gradient_of_weighted(p, y.rows, y.columns));
    }
};

/// The mean over targets of log(sum(exp(logits))) - logits[target] + z log(sum(exp(logits)))^2, from the layer's own logits.
template <class Layer>
struct loss_of {
    Layer       layer;
    mt::index_t vocabulary;

    template <class Pass>
    double value(Pass& p, mt::matrix_view<double const> x) const {
        auto const logits = p.make(x.rows, vocabulary);
        layer.logits(p, x, logits);
        double total = 0;
        for (mt::index_t t = 0; t < x.rows; ++t) {
            if (p.batch.targets[t] < 0) continue;
            double below = 0;
            for (mt::index_t v = 0; v < vocabulary; ++v) below += std::exp(logits(t, v));
            double const log_z = std::log(below);
            total += log_z - logits(t, p.batch.targets[t]) + p.z_loss * log_z * log_z;
        }
        return total / p.batch.target_count;
    }
    template <class Pass>
    void gradient(Pass& p, mt::matrix_view<double const> x, mt::matrix_view<double> dx) const {
        layer.forward(p, x, true);
        auto const d = layer.backward(p);
        std::copy(d.data, d.data + d.size(), dx.data);
    }
};

/// One layer with all that a pass needs: weights, an input of `width` columns, two short sequences of which the second holds two documents.
template <class Device>
class workbench {
  public:
    static constexpr int vocabulary = 11;

    workbench(Device& device, mt::parameter_layout const& layout, mt::index_t width, mt::index_t half_head, double z_loss)
        : device_(&device), layout_(&layout), width_(width), half_(half_head), z_loss_(z_loss) {
        auto const n = [](mt::index_t k) { return static_cast<std::size_t>(k); };
        weights.resize(n(layout.size()));
        for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 1.6 * mt::random_stream{1, 1}.uniform(i) - 0.8;
        x.resize(n(owned_.view().count() * width));
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = 2 * mt::random_stream{1, 2}.uniform(i) - 1;
        for (mt::index_t t = 0; t < owned_.length; ++t)
            for (mt::index_t i = 0; i < half_; ++i) {
                cosine_.push_back(std::cos(static_cast<double>(t) / static_cast<double>(1 + i)));
                sine_.push_back(std::sin(static_cast<double>(t) / static_cast<double>(1 + i)));
            }
    }

    template <class Subject>
    double value(Subject const& subject) {
        return with_pass(mt::pass_mode::evaluate, [&](auto& p) { return subject.value(p, input()); });
    }
    /// Gradients of weights and input. The weights' buffer begins at one: layers add to it.
    template <class Subject>
    std::pair<std::vector<double>, std::vector<double>> gradient(Subject const& subject) {
        gradients_.assign(weights.size(), 1.0);
        std::vector<double> dx(x.size());
        with_pass(mt::pass_mode::train, [&](auto& p) {
            subject.gradient(p, input(), mt::as_matrix(dx.data(), owned_.view().count(), width_));
            return p.saved.empty() ? 0.0 : throw mt::error("backward left something on the tape");
        });
        for (double& g : gradients_) g -= 1.0;
        return {gradients_, dx};
    }

    std::vector<double> weights, x;

  private:
    mt::matrix_view<double const> input() const { return mt::as_matrix<double const>(x.data(), owned_.view().count(), width_); }

    template <class F>
    double with_pass(mt::pass_mode mode, F&& f) {
        auto const n = [](auto const& v) { return static_cast<mt::index_t>(v.size()); };
        mt::pass<Device, mt::fp64> p{.device = *device_, .layout = *layout_, .mode = mode, .weights = {weights.data(), n(weights)},
                                     .gradients = {gradients_.data(), n(gradients_)}, .masters = {weights.data(), n(weights)}, .batch = owned_.view(),
                                     .by_token = by_token_.view(), .by_position = by_position_.view(),
                                     .cosine = mt::as_matrix<double const>(cosine_.data(), owned_.length, half_),
                                     .sine = mt::as_matrix<double const>(sine_.data(), owned_.length, half_),
                                     .token_loss = {loss_.data(), n(loss_)}, .z_loss = z_loss_};
        p.memory = mt::arena(memory_.view());
        p.saving = mode == mt::pass_mode::train;
        double const y = f(p);
        device_->wait();
        return y;
    }

    /// Places of each index side by side.
    struct runs {
        std::vector<std::int32_t> order, begin{0};

        explicit runs(std::vector<std::int32_t> const& index) {
            for (std::int32_t i = 0; i < 64; ++i) {
                for (std::size_t t = 0; t < index.size(); ++t)
                    if (index[t] == i) order.push_back(static_cast<std::int32_t>(t));
                if (static_cast<std::int32_t>(order.size()) != begin.back()) begin.push_back(static_cast<std::int32_t>(order.size()));
            }
        }
        mt::op::index_runs view() const {
            auto const n = static_cast<mt::index_t>(begin.size());
            return {{order.data(), static_cast<mt::index_t>(order.size())}, {begin.data(), n}, n - 1};
        }
    };

    Device*                     device_;
    mt::parameter_layout const* layout_;
    mt::index_t                 width_, half_;
    double                      z_loss_;
    test::owned_batch           owned_ = test::owned_batch::random(2, 6, vocabulary, 2);
    runs                        by_token_{owned_.inputs}, by_position_{owned_.positions};
    std::vector<double>         gradients_, cosine_, sine_, loss_ = std::vector<double>(12);
    typename Device::template buffer<std::byte> memory_ = device_->template make<std::byte>(1 << 20);
};

/// Compares slopes with a gradient in a few places of each tensor and of the input; relative to the slope, or to a hundredth of the
/// tensor's largest gradient where that is more.
template <class Device, class Subject>
std::string layer(Device& device, mt::parameter_layout const& layout, Subject const& subject, mt::index_t width, mt::index_t half_head = 0,
                  double z_loss = 0, double tolerance = 1e-6) {
    workbench<Device> bench(device, layout, width, half_head, z_loss);
    auto const        found = bench.gradient(subject);
    auto const        slope = [&](double& w) {
        double const w0 = w, h = 1e-3;  // fourth order: an error of h^4, and 1e-16 / h of rounding
        auto const   at = [&](double d) {
            w = w0 + d;
            return bench.value(subject);
        };
        double const s = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
        w = w0;
        return s;
    };
    auto const compare = [&](std::string const& name, std::vector<double>& values, std::vector<double> const& gradient, mt::index_t offset,
                             mt::index_t size) -> std::string {
        double largest = 0;
        for (mt::index_t i = 0; i < size; ++i) largest = std::max(largest, std::abs(gradient[static_cast<std::size_t>(offset + i)]));
        if (!(largest > 0)) return name + ": there is no gradient";
        for (mt::index_t k = 0; k < 5; ++k) {
            auto const   i = static_cast<std::size_t>(offset + k * (size - 1) / 4);
            double const s = slope(values[i]), apart = std::abs(s - gradient[i]);
            if (!(apart <= tolerance * std::max(std::abs(s), 0.01 * largest)))
                return name + "[" + std::to_string(i - static_cast<std::size_t>(offset)) + "]: gradient " + std::to_string(gradient[i]) + ", slope " + std::to_string(s);
        }
        return {};
    };
    for (auto const& e : layout.entries())
        if (auto what = compare(e.name, bench.weights, found.first, e.offset, e.size()); !what.empty()) return what;
    return width > 0 ? compare("input", bench.x, found.second, 0, static_cast<mt::index_t>(bench.x.size())) : std::string();
}

}  // namespace laws
