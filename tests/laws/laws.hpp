#pragma once
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>
#include <midtrain/concepts/annealing_policy.hpp>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/concepts/position_policy.hpp>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/optim/elementwise_step.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/problem/parameters.hpp>

// What each concept promises beyond its signature. A law returns the first thing that breaks it, and nothing where it holds:
//   BOOST_TEST(laws::annealing(my_policy, 2_Gtok, 0.0) == "");
// They need no test framework and no more than the concept, so that they serve for policies of one's own, too.
namespace laws {

namespace mt = midtrain;

/// Points of a stage: its ends, and 2,000 steps between.
template <class F>
std::string over(mt::tokens budget, F&& broken) {
    std::int64_t const steps = 2000;
    for (std::int64_t step = 0; step <= steps; ++step) {
        mt::progress const at{step, {budget.count / steps * step + budget.count % steps * step / steps}, budget, {budget.count / steps}};
        std::string const  what = broken(at);
        if (!what.empty()) return what + " at " + std::to_string(at.seen.count) + " of " + std::to_string(budget.count) + " tokens";
    }
    return {};
}

/// Finite and not negative over the whole budget, and `end` after the last token.
template <mt::AnnealingPolicy Policy>
std::string annealing(Policy const& policy, mt::tokens budget, double end) {
    auto const rate = [&](mt::progress at) { return static_cast<double>(policy.rate(at)); };
    auto const sound = over(budget, [&](mt::progress at) -> std::string {
        if (!std::isfinite(rate(at))) return "the rate is not a number";
        if (rate(at) < 0) return "the rate is negative";
        return rate(at) == rate(at) ? "" : "the rate is another when asked again";
    });
    if (!sound.empty()) return sound;
    double const last = rate({2000, budget, budget, {budget.count / 2000}});
    return std::abs(last - end) <= 1e-12 * std::max(1.0, std::abs(end)) ? "" : "the rate ends at " + std::to_string(last);
}

/// None negative, and their sum is one, over the whole budget. The sum of a few shares rounds by an ulp each.
template <mt::MixturePolicy Policy>
std::string mixture(Policy const& policy, mt::tokens budget) {
    return over(budget, [&](mt::progress at) -> std::string {
        auto const w     = policy.weights(at);
        double     total = 0;
        for (std::size_t i = 0; i < w.size(); ++i) {
            if (!(w[i] >= 0)) return "weight " + std::to_string(i) + " is negative or not a number";
            total += w[i];
        }
        return std::abs(total - 1) <= 1e-15 * static_cast<double>(w.size() + 1) ? "" : "the weights sum to " + std::to_string(total);
    });
}

/// Frequencies are positive and fall with the pair, positions rise, the temperature is positive; and the same policy with nothing to
/// stretch is plain rotary of `base`, to the rounding of a power.
template <mt::PositionScalingPolicy Policy>
std::string position(Policy const& policy, Policy const& unstretched, double base, mt::index_t width) {
    mt::index_t const length = policy.context();
    if (length <= 0) return "the context is empty";
    for (mt::index_t i = 0; i < width / 2; ++i) {
        double const f = policy.inverse_frequency(i, width, length), plain = mt::position::plain_frequency(base, i, width);
        if (!(f > 0 && std::isfinite(f))) return "frequency " + std::to_string(i) + " is not positive";
        if (i > 0 && !(f < policy.inverse_frequency(i - 1, width, length))) return "frequency " + std::to_string(i) + " does not fall";
        double const same = unstretched.inverse_frequency(i, width, unstretched.context());
        if (!(std::abs(same - plain) <= 1e-12 * plain)) return "unstretched, frequency " + std::to_string(i) + " is not plain";
    }
    for (mt::index_t t = 1; t < length; ++t)
        if (!(policy.position(t) > policy.position(t - 1))) return "position " + std::to_string(t) + " does not rise";
    if (!(policy.temperature(length) > 0)) return "the temperature is not positive";
    return unstretched.temperature(unstretched.context()) == 1 ? "" : "unstretched, the temperature is not one";
}

/// What `stored` can hold survives the way through `computed` and through `master`, bit for bit. All of bfloat16; of wider types, a
/// million patterns.
template <class Precision>
std::string precision() {
    using T = typename Precision::stored;
    std::uint64_t const many = sizeof(T) == 2 ? 65536 : 1'000'000;
    for (std::uint64_t n = 0; n < many; ++n) {
        std::uint64_t const pattern = sizeof(T) == 2 ? n : mt::random_stream{1, 2}.bits(n);
        T                   x;
        std::memcpy(static_cast<void*>(&x), &pattern, sizeof x);
        if (std::isnan(static_cast<double>(mt::computed_t<T>(x)))) continue;
        T const a = T(static_cast<typename Precision::computed>(x)), b = T(static_cast<typename Precision::master>(x));
        if (std::memcmp(&a, &x, sizeof x) != 0) return "pattern " + std::to_string(pattern) + " is lost in `computed`";
        if (std::memcmp(&b, &x, sizeof x) != 0) return "pattern " + std::to_string(pattern) + " is lost in `master`";
    }
    return {};
}

/// A few weights of one tensor under an optimizer. For devices whose memory the host can read.
template <class Device, class Optimizer, class Precision>
class weights_under {
    using C = typename Precision::computed;
    using M = typename Precision::master;

  public:
    static constexpr mt::index_t count = 192;

    weights_under(Device& device, Optimizer optimizer) : device_(&device), optimizer_(optimizer) {
        for (mt::index_t i = 0; i < count; ++i) master_.view()[i] = M(mt::random_stream{1, 3}.uniform(static_cast<std::uint64_t>(i)) - 0.5);
        for (auto& d : decay_.view()) d = static_cast<C>(optimizer.decay_of(mt::role::matrix));
    }
    /// Step n, with a gradient of that size.
    void step(std::int64_t n, double size) {
        for (mt::index_t i = 0; i < count; ++i)
            gradient_.view()[i] = C(size * (mt::random_stream{2, static_cast<std::uint64_t>(n)}.uniform(static_cast<std::uint64_t>(i)) - 0.5));
        auto& s = scalars_.view()[0];
        s       = {.rate = 1e-2, .clip_factor = 0.5, .step = n};
        optimizer_.prepare(s);
        using pass = mt::elementwise_step<Optimizer, Precision>;
        device_->rows(pass::teams(count),
                      pass{optimizer_, scalars_.view().data, master_.view(), stored_.view(), gradient_.view(), slots_.view(), decay_.view()});
        device_->wait();
    }
    /// Takes over what a checkpoint holds of another.
    void resume(weights_under const& other) {
        std::copy(other.master_.view().begin(), other.master_.view().end(), master_.view().begin());
        std::copy(other.slots_.view().begin(), other.slots_.view().end(), slots_.view().begin());
    }
    std::vector<M> master() const { return {master_.view().begin(), master_.view().end()}; }
    bool           stored_is_rounded_master() const {
        for (mt::index_t i = 0; i < count; ++i) {
            auto const want = typename Precision::stored(master_.view()[i]);
            if (std::memcmp(&want, &stored_.view()[i], sizeof want) != 0) return false;
        }
        return true;
    }

  private:
    template <class T>
    using buffer = typename Device::template buffer<T>;

    Device*                           device_;
    Optimizer                         optimizer_;
    buffer<M>                         master_   = device_->template make<M>(count);
    buffer<typename Precision::stored> stored_  = device_->template make<typename Precision::stored>(count);
    buffer<C>                         gradient_ = device_->template make<C>(count), slots_ = device_->template make<C>(Optimizer::slots * count),
                                      decay_    = device_->template make<C>(count / 64);
    buffer<mt::step_scalars>          scalars_  = device_->template make<mt::step_scalars>(1);
};

/// No gradient and no decay: no change of any bit. Weights move where there is a gradient. Resumed from weights and slots: the same bits.
template <class Precision, class Device, class Optimizer>
std::string optimizer(Device& device, Optimizer const& undecayed, Optimizer const& usual) {
    weights_under<Device, Optimizer, Precision> still(device, undecayed), whole(device, usual), stopped(device, usual), resumed(device, usual);
    auto const begin = still.master();
    for (std::int64_t n = 1; n <= 3; ++n) still.step(n, 0);
    auto const kept = still.master();
    if (kept != begin) return "without gradient and decay the weights changed";
    for (std::int64_t n = 1; n <= 6; ++n) whole.step(n, 1);
    auto const moved = whole.master();
    if (moved == begin) return "with a gradient the weights did not change";
    for (std::int64_t n = 1; n <= 3; ++n) stopped.step(n, 1);
    resumed.resume(stopped);
    for (std::int64_t n = 4; n <= 6; ++n) resumed.step(n, 1);
    auto const again = resumed.master();
    if (again != moved) return "resumed, it ends with other bits";
    return whole.stored_is_rounded_master() ? "" : "the stored weights are not the rounded master weights";
}

}  // namespace laws
