#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/annealing/like/hf.hpp>
#include <midtrain/annealing/like/hf_schedulers.hpp>
#include <midtrain/annealing/like/llmc.hpp>
#include <midtrain/annealing/like/llmq.hpp>
#include <midtrain/annealing/like/megatron.hpp>
#include <midtrain/annealing/like/nanotron.hpp>
#include <midtrain/annealing/like/olmo_core.hpp>
#include <midtrain/annealing/like/olmo_schedulers.hpp>
#include <midtrain/annealing/like/torchtitan.hpp>
#include <midtrain/core/error.hpp>
#include "picture.hpp"

namespace pictures {
namespace {

using namespace mt::literals;
namespace like = mt::like;

/// A step is one sequence of one token, so that steps, samples and tokens are one number.
mt::progress step(double n, std::int64_t of) { return {static_cast<std::int64_t>(n), {static_cast<std::int64_t>(n)}, {of}, {1}}; }

template <class Policy>
series rate(std::string name, look style, Policy const& policy, int steps) {
    return points(std::move(name), style, steps, [&](double n) { return policy.rate(step(n, steps)); });
}
picture steps(std::string name, std::string title, std::string heading, int count, std::vector<series> lines) {
    return {.name = std::move(name), .title = std::move(title), .heading = std::move(heading), .x = {"step", 0, static_cast<double>(count)},
            .y = {"rate / peak", 0, 1.05}, .lines = std::move(lines)};
}

/// One schedule of twenty steps, five of them a warm-up, as the trainers have it.
picture one_schedule() {
    like::hf<like::hf_linear> const hf{.learning_rate = 1, .max_steps = 20, .warmup_steps = 5};
    like::megatron const            megatron{.lr = 1, .seq_length = 1, .global_batch_size = 1, .lr_decay_iters = 20, .lr_warmup_iters = 5};
    like::nanotron const            nanotron{.learning_rate = 1, .train_steps = 20, .lr_warmup_steps = 5, .min_decay_lr = 0};
    like::olmo_core<like::olmo_linear_with_warmup> const olmo{.lr = 1, .max_duration = 20, .scheduler = {.alpha_f = 0, .warmup = 5}};
    like::torchtitan const titan{.lr = 1, .steps = 20, .warmup_steps = 5};
    like::llmc const       llmc{.learning_rate = 1, .train_num_batches = 20, .warmup_iterations = 5, .final_learning_rate_frac = 0,
                                .type = like::llmc_type::linear};
    for (int n = 0; n < 20; ++n)
        for (auto const& [one, other] : {std::pair{hf.rate(step(n, 20)), megatron.rate(step(n, 20))}, {hf.rate(step(n, 20)), nanotron.rate(step(n, 20))},
                                         {titan.rate(step(n, 20)), llmc.rate(step(n, 20))}})
            mt::check(std::abs(one - other) < 1e-6, "trainers that are drawn as one differ");
    return steps("like", "One schedule of 20 steps as six trainers have it", "", 20,
                 {rate("hf, megatron, nanotron", look_of(0), hf, 20), rate("olmo_core", look_of(1), olmo, 20),
                  rate("torchtitan, llmc", look_of(2), titan, 20)});
}

template <class Scheduler>
series of_hf(std::string name, std::size_t n, Scheduler const& scheduler) {
    return rate(std::move(name), look_of(n), like::hf<Scheduler>{.learning_rate = 1, .max_steps = 100, .warmup_steps = 5, .scheduler = scheduler}, 121);
}
picture hf() {
    return steps("like_hf", "Schedulers of transformers over 100 steps and 20 more", "", 120,
                 {of_hf("linear", 0, like::hf_linear{}), of_hf("cosine", 1, like::hf_cosine{}), of_hf("with_restarts", 2, like::hf_cosine_with_restarts{.num_cycles = 3}),
                  of_hf("inverse_sqrt", 3, like::hf_inverse_sqrt{}),
                  of_hf("stable_decay", 4, like::hf_warmup_stable_decay{.num_decay_steps = 30, .min_lr_ratio = 0.1})});
}

picture defects() {
    return steps("like_defects", "Two defects, for runs that have them", "", 100,
                 {rate("nanotron", look_of(0),
                       like::nanotron{.learning_rate = 1, .train_steps = 100, .lr_warmup_steps = 20, .lr_decay_steps = 40, .lr_decay_starting_step = 60,
                                      .min_decay_lr = 0.1}, 101),
                  rate("nanotron_short_decay", look_of(1),
                       like::nanotron_short_decay{.learning_rate = 1, .train_steps = 100, .lr_decay_starting_step = 60, .lr_warmup_steps = 20,
                                                  .min_decay_lr = 0.1}, 101),
                  rate("llmq_unfinished_decay", look_of(2),
                       like::llmq_unfinished_decay{.lr = 1, .steps = 100, .warmup = 20, .final_lr_fraction = 0.1}, 101)});
}

}  // namespace

std::vector<picture> of_emulations() { return {one_schedule(), hf(), defects()}; }

}  // namespace pictures
