// Your own optimizer: the update of one weight. The library makes a kernel of it that passes once over weights, gradients and memory.
//
// You will see Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"; the library has it too), which looks only at the
// sign of a momentum. So each step moves every weight by the rate, neither more nor less: after ten steps of 0.1, by 1.00. Then it
// teaches a tiny decoder to count, in 300 steps of 0.001, and no weight ends farther than 0.3 from where it began.
#include <midtrain/midtrain.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace mt = midtrain;

// begin: update
/// c = beta1 m + (1 - beta1) g;  w -= rate * (sign(c) + decay * w);  m = beta2 m + (1 - beta2) g.
struct lion {
    double beta1 = 0.9, beta2 = 0.99, decay = 0;

    static constexpr int slots = 1;  // numbers kept for each weight; the trainer stores them in checkpoints

    // What decays may differ by what a weight is for.
    constexpr double decay_of(mt::role r) const { return r == mt::role::matrix ? decay : 0.0; }

    // Once a step, on the host: what depends on the step's number alone, such as Adam's corrections. Lion has none.
    constexpr void prepare(mt::step_scalars&) const {}

    // For each weight, on the device: C is the type to compute in.
    template <class C>
    MT_HOST_DEVICE C update(C w, C g, C (&slot)[slots], mt::step_scalars const& s, C weight_decay) const {
        C const c = C(beta1) * slot[0] + C(1 - beta1) * g;
        slot[0]   = C(beta2) * slot[0] + C(1 - beta2) * g;
        return w - C(s.rate) * (C((c > 0) - (c < 0)) + weight_decay * w);
    }
};
// end: update

struct tiny : mt::decoder_shape {
    static constexpr int layers = 1, width = 32, heads = 2, kv_heads = 2, ffn = 64, vocab = 32;
};

int main() {
    // By hand, on one weight whose gradient is always 5.
    float            w = 2, slot[lion::slots] = {};
    mt::step_scalars scalars{.rate = 0.1};
    for (int step = 1; step <= 10; ++step) w = lion{}.update(w, 5.0f, slot, scalars, 0.0f);
    std::printf("moved by %.2f\n", 2.0 - static_cast<double>(w));

    // On a model: 0, 1, 2, ... 31, then 0 again.
    std::vector<std::int32_t> count(33), positions(32), begin(32, 0);
    for (std::int32_t i = 0; i < 33; ++i) count[static_cast<std::size_t>(i)] = i % 32;
    for (std::int32_t i = 0; i < 32; ++i) positions[static_cast<std::size_t>(i)] = i;
    mt::token_batch const batch{.inputs = {count.data(), 32}, .targets = {count.data() + 1, 32}, .positions = {positions.data(), 32},
                                .document_begin = {begin.data(), 32}, .sequences = 1, .length = 32, .target_count = 32};

    mt::host                                                  device;
    mt::trainable<mt::host, mt::model::llama, tiny, mt::fp32> model(device, tiny{});
    model.initialise(/*seed*/ 1);
    model.set_rotary(32, mt::rope{.base = tiny::rope_base, .length = 32});
    lion const optimizer{};
    model.prepare(optimizer);

    std::vector<float> loss(32), before(model.master().begin(), model.master().end());
    for (int step = 1; step <= 300; ++step) {
        model.zero_gradient();
        model.accumulate(batch, {loss.data(), 32});
        model.apply(optimizer, {.rate = 1e-3, .step = step});
        double total = 0, moved = 0;
        for (float x : loss) total += static_cast<double>(x);
        for (std::size_t i = 0; i < before.size(); ++i)
            moved = std::max(moved, std::abs(static_cast<double>(model.master()[static_cast<mt::index_t>(i)] - before[i])));
        if (step == 1 || step == 300) std::printf("step %3d  loss %.2f  farthest weight moved by %.3f\n", step, total / 32, moved);
    }
}
// Change next: drop the sign, and you have plain momentum; the weight above then runs away with its gradient of 5.
//
// expected output:
//   moved by 1.00
//   step   1  loss 3.48  farthest weight moved by 0.001
// ~ step 300  loss 0\.0[0-9]  farthest weight moved by 0\.(300|299|2[0-9][0-9])
