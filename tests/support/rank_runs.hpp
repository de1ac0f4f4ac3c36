#pragma once
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/averaging/ema.hpp>
#include <midtrain/averaging/none.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/striding_store.hpp>

// A run of a model that is large enough for four ranks to have slices of it, for ranks of any kind.
namespace test {

/// 68,160 weights: 16 units of 4096 and a rest that everyone has.
struct sliced_shape : midtrain::decoder_shape {
    static constexpr int layers = 2, width = 64, heads = 4, kv_heads = 2, ffn = 96, vocab = 96, context = 64, end_token = 95;
};

template <class T>
struct two_sources {
    T slow, fast;
};

template <bool averages>
constexpr auto average_if() {
    if constexpr (averages) return midtrain::ema{.decay = 0.9};
    else return midtrain::averaging::none{};
}

/// Twelve steps of eight sequences, one at a time.
template <bool averages>
constexpr auto rank_recipe = midtrain::checked([] {
    namespace mt = midtrain;
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "only",
                                                        .budget   = mt::tokens{12 * 8 * 32},
                                                        .mixture  = mt::fixed_mixture<two_sources>{.share = {.slow = .5, .fast = .5}},
                                                        .rate     = mt::wsd{.peak = 3e-3, .decay = mt::tokens{4 * 8 * 32}},
                                                        .batch    = {.sequences = 8, .length = 32, .micro = 1},
                                                        .position = mt::rope{.base = 1e4, .length = 64}}},
                      .clip      = 0.5,
                      .average   = average_if<averages>()};
}, sliced_shape{});

struct rank_run {
    midtrain::rank_sharing sharing{};
    std::string            folder{};
    std::int64_t           fails_after = 1000;  ///< steps, on rank 0
    std::int64_t           stops_after = 1000;  ///< steps: the last rank alone is sent a signal
};
struct rank_outcome {
    std::vector<double> record, norms, weights;
    midtrain::index_t   slots = 0;  ///< values that this rank keeps
};

/// Checkpoints after every fourth step, if there is a folder; goes on from the newest one.
template <class Precision, class Device, class Ranks>
rank_outcome run_on(Device& device, Ranks& ranks, rank_run const& how) {
    namespace mt = midtrain;
    using model  = mt::trainable<Device, mt::model::llama, sliced_shape, Precision>;
    constexpr bool averages = !model::one_copy;  // none is made of weights in bfloat16
    model          m(device, {});
    m.initialise(1);
    mt::trainer t(ranks, m, rank_recipe<averages>,
                  mt::checkpoints(mt::checkpoints::options{.folder = how.folder, .every_steps = 4, .background = false}), how.sharing);
    t.run(two_sources<striding_store>{.slow = striding_store(1), .fast = striding_store(3)}, [&](mt::report const& r) {
        if (ranks.rank() == 0 && r.step == how.fails_after) throw mt::error("the power went");
        if (ranks.rank() == ranks.size() - 1 && r.step == how.stops_after) std::raise(SIGTERM);
    });
    rank_outcome found;
    found.record = t.state().record, found.norms = t.state().norms;
    auto const look = [&] {
        std::vector<typename model::master_t> all(static_cast<std::size_t>(m.master().size()));
        device.download(mt::row_view<typename model::master_t const>(m.master()), all.data());
        for (auto w : all) found.weights.push_back(static_cast<double>(w));
    };
    look();
    if constexpr (averages) t.with_average(look);
    found.slots = m.slots().size();
    return found;
}

template <class Precision, class Ranks>
rank_outcome run_on(Ranks& ranks, rank_run const& how) {
    midtrain::host device(1);
    return run_on<Precision>(device, ranks, how);
}

inline bool same_bits(rank_outcome const& a, rank_outcome const& b) {
    return a.record == b.record && a.norms == b.norms && a.weights == b.weights;
}

}  // namespace test
