// What composing costs in instructions, on a device that computes nothing, so that no product hides it: a run of STEPS steps with the
// trainer and a recipe of composed policies, or with a loop and formulas written by hand around the same model, sampler and packing.
//   bench_instructions composed|by_hand STEPS        bench/instructions.py counts both under valgrind and compares
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/then.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/problem/counting_device.hpp>
#include <midtrain/train/recipe.hpp>
#include <midtrain/train/trainer.hpp>

namespace mt = midtrain;

namespace {

/// Has memory, computes nothing.
struct null_device : mt::counting_device {
    template <class T>
    struct buffer {
        mt::index_t          count = 0;
        std::unique_ptr<T[]> values{};

        mt::row_view<T> view() const { return {values.get(), count}; }
        mt::index_t     size() const { return count; }
    };
    template <class T>
    buffer<T> make(mt::index_t n) const {
        return {n, std::make_unique<T[]>(static_cast<std::size_t>(n))};
    }
};

struct tiny : mt::decoder_shape {
    static constexpr int layers = 1, width = 16, heads = 2, kv_heads = 1, ffn = 32, vocab = 512, context = 256;
};
using model_type = mt::trainable<null_device, mt::model::llama, tiny, mt::fp32>;

constexpr mt::index_t  sequences = 16, length = 256;
constexpr std::int64_t most_steps = 4000;

/// One document of every length up to 256, all of one token.
struct plain_documents {
    std::int32_t              token;
    std::size_t               documents() const { return 256; }
    std::vector<std::int32_t> document(std::int64_t d) const { return std::vector<std::int32_t>(static_cast<std::size_t>(d + 1), token); }
};
template <class T>
struct sources {
    T web, code, maths;
};

constexpr double     peak = 3e-4;
constexpr mt::tokens step{sequences * length}, budget{most_steps * step.count}, warmup{400 * step.count}, decay{1200 * step.count};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{
        .optimizer = mt::adamw{},
        .stages    = mt::stages{mt::stage{
            .name    = "all",
            .budget  = budget,
            .mixture = mt::annealed_mixture<sources>{.from = {.web = .8, .code = .15, .maths = .05}, .to = {.web = .3, .code = .3, .maths = .4}},
            .rate    = mt::then{.first  = mt::linear{.from = 0, .to = peak},
                                .until  = warmup,
                                .second = mt::then{.first = mt::constant{.peak = peak}, .until = budget - warmup - decay, .second = mt::linear{.from = peak, .to = 0}}},
            .batch    = {.sequences = sequences, .length = length, .micro = sequences},
            .position = mt::rope{.base = 1e4, .length = length}}}};
}, tiny{});

struct enough {};

[[maybe_unused]] double composed(model_type& model, sources<plain_documents> const& corpus, std::int64_t steps) {
    mt::self    ranks;
    mt::trainer trainer(ranks, model, recipe);
    double      sum = 0;
    try {
        trainer.run(corpus, [&](mt::report const& r) {
            sum += r.loss + r.rate;
            if (r.at.step == steps) throw enough{};
        });
    } catch (enough const&) {}
    return sum;
}

/// The same by hand: every number where it is needed, no policy, no plan, no report.
[[maybe_unused]] double by_hand(model_type& model, sources<plain_documents> const& corpus, std::int64_t steps) {
    plain_documents const        stores[] = {corpus.web, corpus.code, corpus.maths};
    mt::batches<plain_documents> drawn(stores, 0, 1, sequences, length, most_steps * sequences);
    std::vector<float>           loss(static_cast<std::size_t>(sequences * length));
    std::vector<double>          record;
    mt::adamw const              optimizer;
    double                       sum = 0;
    model.prepare(optimizer);
    model.set_rotary(length, mt::rope{.base = 1e4, .length = length});
    record.reserve(static_cast<std::size_t>(5 * most_steps));
    for (std::int64_t n = 0; n < steps; ++n) {
        drawn.draw([&](std::int64_t sequence, std::span<double> to) {
            double const t = static_cast<double>(sequence * length) / static_cast<double>(budget.count);
            to[0] = .8 + (.3 - .8) * t, to[1] = .15 + (.3 - .15) * t, to[2] = .05 + (.4 - .05) * t;
        });
        model.zero_gradient();
        model.accumulate(drawn.part(0, sequences), {loss.data(), sequences * length});
        double       by_source[3] = {0, 0, 0}, total = 0;
        std::int64_t targets[3]   = {0, 0, 0};
        for (mt::index_t s = 0; s < sequences; ++s) {
            double       sum = 0;
            std::int64_t n   = 0;
            for (mt::index_t t = 0; t < length; ++t) {
                if (drawn.target(s * length + t) < 0) continue;
                sum += static_cast<double>(loss[static_cast<std::size_t>(s * length + t)]);
                ++n;
            }
            by_source[drawn.source_of(s)] += sum;
            targets[drawn.source_of(s)] += n;
        }
        for (int k = 0; k < 3; ++k) total += by_source[k];
        double const mean = total / static_cast<double>(drawn.targets()), norm = model.gradient_norm(), seen = static_cast<double>(n * step.count);
        double const rate = n * step.count < warmup.count ? peak * seen / static_cast<double>(warmup.count)
                            : n * step.count < budget.count - decay.count
                                ? peak
                                : peak * static_cast<double>(budget.count - n * step.count) / static_cast<double>(decay.count);
        mt::step_scalars s;
        s.rate = rate, s.step = n + 1, s.clip_factor = std::min(1.0, 1.0 / (norm + 1e-6));
        model.apply(optimizer, s);
        record.push_back(mean);
        for (int k = 0; k < 3; ++k) record.push_back(targets[k] > 0 ? by_source[k] / static_cast<double>(targets[k]) : std::nan(""));
        record.push_back(norm);
        sum += mean + rate;
    }
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return std::fputs("usage: bench_instructions composed|by_hand STEPS\n", stderr), 2;
    null_device                    device;
    model_type                     model(device, {});
    sources<plain_documents> const corpus{{1}, {2}, {3}};
    std::int64_t const             steps = std::atoll(argv[2]);
    std::string const              which = argv[1];
    double                         sum   = 0;
    // bench/instructions.py leaves one of them out to measure how large the other is.
#ifndef WITHOUT_COMPOSED
    if (which == "composed") sum = composed(model, corpus, steps);
#endif
#ifndef WITHOUT_BY_HAND
    if (which == "by_hand") sum = by_hand(model, corpus, steps);
#endif
    std::printf("%.17g\n", sum);
}
