#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/devices.hpp>
#include <support/small_models.hpp>

// A layer's law: what backward computes is the slope of what forward computes.
namespace laws {

namespace mt = midtrain;

/// Weights of the sum that makes one number of a layer's output.
inline double share(mt::index_t i) { return mt::random_stream{5, 6}.uniform(static_cast<std::uint64_t>(i)) - 0.5; }

/// What the host sees of a matrix without gaps.
template <class Pass, class T>
std::vector<double> on_host(Pass& p, mt::matrix_view<T> m) {
    return test::downloaded(p.device, mt::row_view<T>{m.data, m.size()});
}

template <class Pass, class View>
double weighted(Pass& p, View const& y) {
    double     total = 0;
    auto const all   = on_host(p, y);
    for (mt::index_t i = 0; i < y.size(); ++i) total += share(i) * all[static_cast<std::size_t>(i)];
    return total;
}

template <class Pass>
auto gradient_of_weighted(Pass& p, mt::index_t rows, mt::index_t columns) {
    auto const          d = p.make(rows, columns);
    std::vector<double> all(static_cast<std::size_t>(d.size()));
    for (mt::index_t i = 0; i < d.size(); ++i) all[static_cast<std::size_t>(i)] = share(i);
    p.device.upload(all.data(), mt::row_view<double>{d.data, d.size()});
    return mt::matrix_view<double const>(d);
}

// How a layer becomes one number, `value(pass, x)`, and how its gradient is asked for, `gradient(pass, x, dx)`; dx is the host's.

/// y = forward(x), dx = backward(dy).
template <class Layer>
struct mapping {
    Layer layer;

    template <class Pass>
    double value(Pass& p, mt::matrix_view<double const> x) const {
        return weighted(p, layer.forward(p, x));
    }
    template <class Pass>
    void gradient(Pass& p, mt::matrix_view<double const> x, std::vector<double>& dx) const {
        auto const y = layer.forward(p, x);
        auto const d = layer.backward(p, gradient_of_weighted(p, y.rows, y.columns));
        dx = on_host(p, d);
    }
};

/// y = forward(x), and backward_onto(dy, dx) adds to what dx holds.
template <class Layer>
struct beside_residual {
    Layer layer;

    template <class Pass>
    double value(Pass& p, mt::matrix_view<double const> x) const {
        return weighted(p, layer.forward(p, x));
    }
    template <class Pass>
    void gradient(Pass& p, mt::matrix_view<double const> x, std::vector<double>& dx) const {
        std::vector<double> const before(dx.size(), 0.5);
        auto const                held = test::uploaded(p.device, before);
        auto const                onto = mt::as_matrix(held.view().data, x.rows, x.columns);
        auto const                y    = layer.forward(p, x);
        layer.backward_onto(p, gradient_of_weighted(p, y.rows, y.columns), onto);
        dx = on_host(p, onto);
        for (double& d : dx) d -= 0.5;
    }
};

/// y = forward() of the batch's tokens; there is no x.
template <class Layer>
struct of_tokens {
    Layer layer;

    template <class Pass>
    double value(Pass& p, mt::matrix_view<double const>) const {
        return weighted(p, layer.forward(p));
    }
    template <class Pass>
    void gradient(Pass& p, mt::matrix_view<double const>, std::vector<double>&) const {
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
        auto const made = p.make(x.rows, vocabulary);
        layer.logits(p, x, made);
        auto const logits = on_host(p, made);
        auto const targets = test::downloaded(p.device, p.batch.targets);
        double     total = 0;
        for (mt::index_t t = 0; t < x.rows; ++t) {
            auto const target = targets[static_cast<std::size_t>(t)];
            if (target < 0) continue;
            auto const* row   = &logits[static_cast<std::size_t>(t * vocabulary)];
            double      below = 0;
            for (mt::index_t v = 0; v < vocabulary; ++v) below += std::exp(row[v]);
            double const log_z = std::log(below);
            total += log_z - row[target] + p.z_loss * log_z * log_z;
        }
        return total / p.batch.target_count;
    }
    template <class Pass>
    void gradient(Pass& p, mt::matrix_view<double const> x, std::vector<double>& dx) const {
        layer.forward(p, x, true);
        auto const d = layer.backward(p);
        dx = on_host(p, d);
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
        return with_pass(mt::pass_mode::evaluate, [&](auto& p, auto const& x) { return subject.value(p, x); });
    }
    /// Gradients of weights and input. The weights' buffer begins at one: layers add to it.
    template <class Subject>
    std::pair<std::vector<double>, std::vector<double>> gradient(Subject const& subject) {
        gradients_.assign(weights.size(), 1.0);
        std::vector<double> dx(x.size());
        with_pass(mt::pass_mode::train, [&](auto& p, auto const& x) {
            subject.gradient(p, x, dx);
            gradients_ = test::downloaded(p.device, p.gradients);
            return p.saved.empty() ? 0.0 : throw mt::error("backward left something on the tape");
        });
        for (double& g : gradients_) g -= 1.0;
        return {gradients_, dx};
    }

    std::vector<double> weights, x;

  private:
    /// f(pass, x) with all that the pass points to on the device.
    template <class F>
    double with_pass(mt::pass_mode mode, F&& f) {
        auto const on   = [&](auto const& values) { return test::uploaded(*device_, values); };
        auto const flat = on(weights), gradients = on(gradients_), input = on(x), cosine = on(cosine_), sine = on(sine_), loss = on(loss_);
        auto const inputs = on(owned_.inputs), targets = on(owned_.targets), positions = on(owned_.positions), begin = on(owned_.document_begin);
        auto const tokens = on(sorted(owned_.inputs)), places = on(sorted(owned_.positions));
        auto       batch  = owned_.view();
        auto const count  = on(std::vector<double>{batch.target_count});
        batch.inputs = inputs.view(), batch.targets = targets.view(), batch.positions = positions.view(), batch.document_begin = begin.view();
        mt::pass<Device, mt::fp64> p{.device = *device_, .layout = *layout_, .mode = mode, .weights = flat.view(), .gradients = gradients.view(),
                                     .masters = flat.view(), .batch = batch, .targets = count.view().data,
                                     .by_token = tokens.view(), .by_position = places.view(),
                                     .cosine = mt::as_matrix<double const>(cosine.view().data, owned_.length, half_),
                                     .sine = mt::as_matrix<double const>(sine.view().data, owned_.length, half_), .token_loss = loss.view(), .z_loss = z_loss_};
        p.memory = mt::arena(memory_.view());
        p.saving = mode == mt::pass_mode::train;
        return f(p, mt::as_matrix<double const>(input.view().data, batch.count(), width_));
    }

    /// Places of each index side by side.
    static std::vector<std::int32_t> sorted(std::vector<std::int32_t> const& index) {
        std::vector<std::int32_t> order(index.size());
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return index[static_cast<std::size_t>(a)] < index[static_cast<std::size_t>(b)]; });
        return order;
    }

    Device*                     device_;
    mt::parameter_layout const* layout_;
    mt::index_t                 width_, half_;
    double                      z_loss_;
    test::owned_batch           owned_ = test::owned_batch::random(2, 6, vocabulary, 2);
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
