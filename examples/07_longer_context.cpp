// A model trained on short sequences fails on long ones, and the way in which positions become angles decides how.
//
// The task: which letter stood eight places before this one? It is answered by position alone, and at length 64 the model is always
// right. You will see how often it still is up to position 512: with plain rope, worse the further it goes, since angles come that it
// never met; with every angle divided by eight (interpolation), hardly anywhere, since neighbours can no longer be told apart; with
// YaRN, which divides only the angles that turn slowly, far more often. Then each learns on for 30 steps at the new length.
#include <midtrain/midtrain.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace mt = midtrain;

constexpr mt::index_t trained = 64, extended = 512, back = 8;
constexpr double      base = 10'000;

struct tiny : mt::decoder_shape {
    static constexpr int layers = 1, width = 32, heads = 2, kv_heads = 2, ffn = 64, vocab = 16;
};
using model_type = mt::trainable<mt::host, mt::model::llama, tiny, mt::fp32>;

/// Random letters; from the ninth on, each asks for the one eight places before.
struct exercise {
    mt::index_t               sequences, length;
    std::vector<std::int32_t> inputs, targets, positions, begin;

    exercise(mt::index_t sequences, mt::index_t length, std::uint64_t seed) : sequences(sequences), length(length) {
        for (mt::index_t i = 0; i < sequences * length; ++i) {
            mt::index_t const t = i % length;
            inputs.push_back(static_cast<std::int32_t>(mt::random_stream{seed, 1}.bits(static_cast<std::uint64_t>(i)) % tiny::vocab));
            targets.push_back(t < back ? -1 : inputs[static_cast<std::size_t>(i - back)]);
            positions.push_back(static_cast<std::int32_t>(t));
            begin.push_back(0);
        }
    }
    mt::token_batch batch() const {
        auto const view = [&](std::vector<std::int32_t> const& v) { return mt::row_view<std::int32_t const>{v.data(), sequences * length}; };
        return {view(inputs), view(targets), view(positions), view(begin), sequences, length, static_cast<double>(sequences * (length - back))};
    }
};

template <class Policy>
void place(model_type& model, Policy const& policy) {
    model.set_rotary(extended, policy);
}

void train(model_type& model, mt::index_t sequences, mt::index_t length, int steps) {
    mt::adamw const optimizer{.decay = 0};
    model.prepare(optimizer);
    std::fill(model.slots().begin(), model.slots().end(), 0.0f);
    std::vector<float> loss(static_cast<std::size_t>(sequences * length));
    for (int step = 1; step <= steps; ++step) {
        exercise const e(sequences, length, static_cast<std::uint64_t>(length + step));
        model.zero_gradient();
        model.accumulate(e.batch(), {loss.data(), sequences * length});
        model.apply(optimizer, {.rate = 3e-3 * std::min(1.0, step / 20.0), .clip_factor = std::min(1.0, 1.0 / model.gradient_norm()), .step = step});
    }
}

/// Prints, for each stretch of positions, how often the right letter has more than half of the probability.
void examine(model_type& model) {
    exercise const     e(16, extended, 0);
    std::vector<float> loss(e.inputs.size());
    model.evaluate(e.batch(), {loss.data(), 16 * extended});
    for (mt::index_t first = back, end = trained; end <= extended; first = end, end *= 2) {
        int right = 0;
        for (mt::index_t s = 0; s < 16; ++s)
            for (mt::index_t t = first; t < end; ++t) right += loss[static_cast<std::size_t>(s * extended + t)] < 0.693f;  // log 2
        std::printf("%8.0f%%", 100.0 * right / static_cast<double>(16 * (end - first)));
    }
}

int main() {
    mt::host   device;
    model_type model(device, tiny{});
    model.initialise(/*seed*/ 1);
    place(model, mt::rope{.base = base, .length = trained});
    train(model, 32, trained, 150);
    std::vector<float> const weights(model.master().begin(), model.master().end());

    std::printf("positions                 1-64   65-128  129-256  257-512\n");
    auto const extend = [&](char const* name, auto const& policy) {
        device.upload(weights.data(), model.master());  // each begins with the same weights
        model.refresh();
        place(model, policy);
        std::printf("%-13s before", name);
        examine(model);
        train(model, 4, extended, 30);
        std::printf("\n%-13s after ", "");
        examine(model);
        std::printf("\n");
    };
    extend("rope", mt::rope{.base = base, .length = trained});
    extend("interpolated", mt::interpolated{.base = base, .trained = trained, .extended = extended});
    // Angles that turn twice or more within the trained length are kept. (The published 32 is meant for thousands of tokens.)
    extend("yarn", mt::yarn{.base = base, .trained = trained, .extended = extended, .fast = 2});
}
// Change next: mt::ntk, or rope with a base of 160'000. Or give YaRN its default, .fast = 32: within 64 tokens nothing turns so often, so
// it divides every angle and does little better than interpolation before it learns. On real text: examples/mid_train/longer_context.cpp.
//
// expected output:
//   positions                 1-64   65-128  129-256  257-512
// ~ rope          before +(9[5-9]|100)% +(8[0-9]|9[0-9]|100)% +[1-6][0-9]% +[0-4]?[0-9]%
// ~  +after  +(9[0-9]|100)% +(9[0-9]|100)% +(9[0-9]|100)% +(9[0-9]|100)%
// ~ interpolated  before +[0-9]+% +[0-9]+% +[0-9]+% +[0-9]%
// ~  +after  +[0-9]+% +[0-9]+% +[0-9]+% +[0-9]+%
// ~ yarn          before +(9[0-9]|100)% +(9[0-9]|100)% +([6-9][0-9]|100)% +([5-9][0-9]|100)%
// ~  +after  +(9[0-9]|100)% +(9[0-9]|100)% +(9[0-9]|100)% +(9[0-9]|100)%
