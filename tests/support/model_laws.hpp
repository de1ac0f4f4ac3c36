#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/hf_rotary.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/slopes.hpp>
#include <support/small_models.hpp>

namespace test {

// Each of these takes a shape, of 96 tokens, whose numbers may also be known at run time only.

/// Fresh weights, and positions where the model turns: the shape's own, if it has any. Losses that keep experts busy have laws of their own.
template <class Device, class Family, class Shape, class Precision>
void begin(midtrain::trainable<Device, Family, Shape, Precision>& m) {
    m.initialise(1);
    m.balance = {};
    if constexpr (requires { requires Family::turns; }) {
        if constexpr (requires { m.shape().rotary; }) m.set_rotary(64, midtrain::io::position_of(m.shape().rotary));
        else m.set_rotary(64, plain_rope);
    }
}

/// The worst_slope_error of a model; two sequences of `length` tokens, of which the second holds two documents.
template <class Family, class Shape>
double worst_slope(midtrain::pass_mode mode, midtrain::index_t length, Shape const& shape = {}) {
    namespace mt = midtrain;
    mt::host                                         device(1);
    mt::trainable<mt::host, Family, Shape, mt::fp64> m(device, shape, mode);
    begin(m);
    auto const          owned = owned_batch::random(2, length, 96, static_cast<std::int32_t>(length / 2 - 1));
    auto const          b     = owned.view();
    std::vector<double> by_token(static_cast<std::size_t>(b.count()));
    auto const          losses = mt::row_view<double>{by_token.data(), b.count()};
    m.zero_gradient();
    m.accumulate(b, losses);
    return worst_slope_error(m, {m.gradient().begin(), m.gradient().end()}, 2e-5, [&] {
        m.evaluate(b, losses);
        double total = 0;
        for (double l : by_token) total += l;
        return total / b.target_count;
    });
}

/// No number of what a step begins with is to come through it.
template <class T>
void spoil(midtrain::row_view<T> memory) {
    std::fill(memory.begin(), memory.end(), std::numeric_limits<T>::quiet_NaN());
}

/// The whole gradient of such a batch.
template <class Device, class Family, class Shape, class Precision>
std::vector<typename Precision::computed> gradient_of(midtrain::pass_mode mode, midtrain::index_t length, Shape const& shape = {}) {
    namespace mt = midtrain;
    Device                                          device(3);
    mt::trainable<Device, Family, Shape, Precision> m(device, shape, mode);
    begin(m);
    auto const                                owned = owned_batch::random(2, length, 96, static_cast<std::int32_t>(length / 2 - 1));
    std::vector<typename Precision::computed> by_token(static_cast<std::size_t>(2 * length));
    spoil(m.gradient());
    m.zero_gradient();
    m.accumulate(owned.view(), {by_token.data(), 2 * length});
    return {m.gradient().begin(), m.gradient().end()};
}

/// Whether what backward calls finished, once a block, is already what it is in the end, bit for bit.
template <class Family, class Shape>
bool finished_is_final(midtrain::index_t length, Shape const& shape = {}) {
    namespace mt = midtrain;
    mt::host                                         device(1);
    mt::trainable<mt::host, Family, Shape, mt::fp64> m(device, shape);
    begin(m);
    auto const                       owned = owned_batch::random(2, length, 96, static_cast<std::int32_t>(length / 2 - 1));
    std::vector<double>              by_token(static_cast<std::size_t>(2 * length));
    std::vector<std::vector<double>> seen;
    auto const                       memory = m.gradient();
    auto                             look   = [&](mt::index_t n) { seen.emplace_back(memory.begin(), memory.begin() + n); };
    m.mtp_weight = 0.3;
    spoil(memory);
    m.zero_gradient();
    m.accumulate(owned.view(), {by_token.data(), 2 * length}, mt::gradient_listener(look));
    std::size_t before = 0;
    for (auto const& part : seen) {
        if (part.size() <= before || !std::equal(part.begin(), part.end(), m.gradient().begin())) return false;
        before = part.size();
    }
    return static_cast<int>(seen.size()) == m.shape().layers;
}

/// How far the logits of documents in one row are from those of each by itself, in units of the largest.
template <class Family, class Shape>
double apart_from_alone(std::vector<std::int32_t> begins, midtrain::index_t length, Shape const& shape = {}) {
    namespace mt = midtrain;
    mt::host                                         device(2);
    mt::trainable<mt::host, Family, Shape, mt::fp64> m(device, shape);
    begin(m);
    auto const logits = [&](owned_batch const& b) {
        std::vector<double> out(static_cast<std::size_t>(b.length) * 96);
        m.logits(b.view(), mt::as_matrix(out.data(), b.length, 96));
        return out;
    };
    begins.push_back(static_cast<std::int32_t>(length));
    auto row = owned_batch::random(1, length, 96, 0);
    for (std::size_t d = 0; d + 1 < begins.size(); ++d)
        for (auto t = begins[d]; t < begins[d + 1]; ++t) row.document_begin[static_cast<std::size_t>(t)] = begins[d], row.positions[static_cast<std::size_t>(t)] = t - begins[d];
    auto const packed = logits(row);
    double     most = 0, size = 0;
    for (std::size_t d = 0; d + 1 < begins.size(); ++d) {
        owned_batch one(1, begins[d + 1] - begins[d]);
        std::copy(row.inputs.begin() + begins[d], row.inputs.begin() + begins[d + 1], one.inputs.begin());
        auto const alone = logits(one);
        for (std::size_t i = 0; i < alone.size(); ++i) {
            most = std::max(most, std::abs(alone[i] - packed[static_cast<std::size_t>(begins[d]) * 96 + i]));
            size = std::max(size, std::abs(alone[i]));
        }
    }
    return most / size;
}

/// The loss of a batch after 200 steps on it, or as soon as it is below 0.005.
template <class Family, class Shape>
double loss_by_heart(midtrain::index_t length, Shape const& shape = {}) {
    namespace mt = midtrain;
    mt::host                                         device(1);
    mt::trainable<mt::host, Family, Shape, mt::fp32> m(device, shape);
    begin(m);
    mt::adamw const optimizer{.decay = 0};
    m.prepare(optimizer);
    auto const         owned = owned_batch::random(2, length, 96, static_cast<std::int32_t>(length / 2));
    auto const         b     = owned.view();
    std::vector<float> by_token(static_cast<std::size_t>(b.count()));
    double             loss = 0;
    for (int step = 1; step <= 200 && (step == 1 || loss >= 0.005); ++step) {
        m.zero_gradient();
        m.accumulate(b, {by_token.data(), b.count()});
        loss = 0;
        for (float l : by_token) loss += static_cast<double>(l) / b.target_count;
        mt::step_scalars s;
        s.rate        = 1e-2;
        s.step        = step;
        s.clip_factor = std::min(1.0, 1.0 / m.gradient_norm());
        m.apply(optimizer, s);
    }
    return loss;
}

/// How far logits are, token by token after a prompt, from those of the whole text at once, in units of the largest.
template <class Family, class Shape>
double apart_when_decoding(midtrain::index_t prompt, Shape const& shape = {}) {
    namespace mt = midtrain;
    mt::host                                         device(2);
    mt::trainable<mt::host, Family, Shape, mt::fp64> m(device, shape);
    begin(m);
    mt::index_t const   length = prompt + 9;
    auto const          row = owned_batch::random(1, length, 96, 0);
    std::vector<double> all(static_cast<std::size_t>(length) * 96), next(96);
    m.logits(row.view(), mt::as_matrix(all.data(), length, 96));
    auto   decoding = m.begin_decoding(length);
    double most = 0, size = 0;
    for (mt::index_t t = 0; t < length; t = decoding.used) {
        m.decode(decoding, std::span(row.inputs).subspan(static_cast<std::size_t>(t), t == 0 ? static_cast<std::size_t>(prompt) : 1), next);
        for (std::size_t i = 0; i < 96; ++i) {
            double const want = all[static_cast<std::size_t>(decoding.used - 1) * 96 + i];
            most = std::max(most, std::abs(next[i] - want));
            size = std::max(size, std::abs(want));
        }
    }
    return most / size;
}

}  // namespace test
