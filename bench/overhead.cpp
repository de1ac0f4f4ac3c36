// What the library's freedom costs a step, as ratios of times taken in turns: one JSON line a case.
//   trainer          the trainer with a compiled recipe            / a loop written by hand around the same model
//   run_time_shape   a model whose shape a file said                / one whose shape is a type
//   run_time_recipe  the trainer with policies that a file named   / with policies that the compiler knows
//   bench_overhead [--rounds N]
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/mixture/any_mixture.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/any_position.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/recipe.hpp>
#include <midtrain/train/trainer.hpp>

namespace mt = midtrain;

namespace {

struct small : mt::decoder_shape {
    static constexpr int layers = 4, width = 128, heads = 4, kv_heads = 2, ffn = 384, vocab = 4096, context = 256;
};
constexpr mt::index_t sequences = 4, length = 128;
constexpr int         steps = 12;

mt::io::hf_config read_shape() {
    mt::io::hf_config c;
    c.layers = small::layers, c.width = small::width, c.heads = small::heads, c.kv_heads = small::kv_heads, c.head_size = small::width / small::heads;
    c.ffn = small::ffn, c.vocab = small::vocab, c.context = small::context, c.tied = small::tied, c.norm_epsilon = small::norm_epsilon;
    return c;
}

struct counting_documents {
    int                       stride;
    std::size_t               documents() const { return 400; }
    std::vector<std::int32_t> document(std::int64_t d) const {
        std::vector<std::int32_t> v;
        for (int i = 0; i < 90; ++i) v.push_back(static_cast<std::int32_t>((7 * d + stride * i) % small::vocab));
        return v;
    }
};
template <class T>
struct sources {
    T slow, fast;
};

template <class Shape>
using model_of = mt::trainable<mt::host, mt::model::llama, Shape, mt::fp32>;

constexpr mt::tokens budget{steps * sequences * length};
constexpr mt::wsd    rate{.peak = 1e-3, .decay = mt::tokens{budget.count / 2}, .warmup = mt::tokens{budget.count / 4}};
constexpr mt::rope   positions{.base = 1e4, .length = length};

constexpr auto compiled = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name = "bench", .budget = budget,
                                                        .mixture = mt::annealed_mixture<sources>{.from = {.slow = .9, .fast = .1}, .to = {.slow = .2, .fast = .8}},
                                                        .rate = rate, .batch = {.sequences = sequences, .length = length}, .position = positions}}};
}, small{});

auto named_recipe() {
    mt::named_sources<mt::weight> from, to;
    from.add("slow", .9), from.add("fast", .1), to.add("slow", .2), to.add("fast", .8);
    using stage = mt::stage<mt::any_mixture, mt::any_annealing, mt::any_position>;
    mt::stage_list<stage> all;
    all.all.push_back({.name = "bench", .budget = budget, .mixture = mt::annealed_mixture<mt::named_sources>{from, to},
                       .rate = mt::wsd_of<mt::annealing::any_shape>{.peak = rate.peak, .decay = rate.decay, .warmup = rate.warmup},
                       .batch = {.sequences = sequences, .length = length}, .position = positions});
    return mt::judged(mt::recipe{.optimizer = mt::adamw{}, .stages = all}, small{});
}

double seconds_of(std::function<void()> const& f) {
    auto const start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The median of `rounds` ratios, the two in turns, and which goes first in turns, too.
void compare(char const* name, int rounds, std::function<void()> const& ours, std::function<void()> const& plain) {
    ours(), plain();
    std::vector<double> ratios;
    for (int k = 0; k < rounds; ++k) {
        double const a = k % 2 ? seconds_of(ours) : 0, b = seconds_of(plain);
        ratios.push_back((k % 2 ? a : seconds_of(ours)) / b);
    }
    std::sort(ratios.begin(), ratios.end());
    std::printf("{\"case\": \"%s\", \"ratio\": %.4f, \"least\": %.4f, \"most\": %.4f, \"rounds\": %d}\n", name, ratios[ratios.size() / 2], ratios.front(),
                ratios.back(), rounds);
    std::fflush(stdout);
}

/// What the trainer does of a step, without the trainer.
template <class Model>
void by_hand(Model& model) {
    mt::adamw const                optimizer;
    counting_documents const       stores[] = {{1}, {3}};
    mt::batches<counting_documents> drawn(stores, 0, 1, sequences, length, steps * sequences);
    std::vector<float>             loss(static_cast<std::size_t>(sequences * length));
    model.prepare(optimizer);
    model.set_rotary(length, positions);
    for (int step = 0; step < steps; ++step) {
        drawn.draw([&](std::int64_t at, std::span<double> to) {
            double const t = static_cast<double>(at) / (steps * sequences);
            to[0] = .9 * (1 - t) + .2 * t, to[1] = .1 * (1 - t) + .8 * t;
        });
        model.zero_gradient();
        for (mt::index_t s = 0; s < sequences; ++s) model.accumulate(drawn.part(s, 1), {loss.data(), length});
        mt::step_scalars s;
        s.rate = 1e-3, s.step = step + 1, s.clip_factor = std::min(1.0, 1.0 / (model.gradient_norm() + 1e-6));
        model.apply(optimizer, s);
    }
}
template <class Model, class Recipe>
void by_trainer(Model& model, Recipe const& recipe, auto const& corpus) {
    mt::self    ranks;
    mt::trainer trainer(ranks, model, recipe);
    trainer.run(corpus);
}

}  // namespace

int main(int argc, char** argv) {
    int const                 rounds = argc == 3 && std::string(argv[1]) == "--rounds" ? std::atoi(argv[2]) : 15;
    mt::host                  device;
    model_of<small>           typed(device, {});
    model_of<mt::io::hf_config> read(device, read_shape());
    typed.initialise(1), read.initialise(1);
    sources<counting_documents> const     corpus{{1}, {3}};
    mt::named_sources<counting_documents> named;
    named.add("slow", {1}), named.add("fast", {3});
    auto const by_name = named_recipe();
    compare("trainer", rounds, [&] { by_trainer(typed, compiled, corpus); }, [&] { by_hand(typed); });
    compare("run_time_shape", rounds, [&] { by_hand(read); }, [&] { by_hand(typed); });
    compare("run_time_recipe", rounds, [&] { by_trainer(typed, by_name, named); }, [&] { by_trainer(typed, compiled, corpus); });
}
