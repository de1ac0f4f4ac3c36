#pragma once
#include <midtrain/annealing/like/hf.hpp>
#include <midtrain/annealing/like/hf_schedulers.hpp>
#include <midtrain/annealing/like/llmc.hpp>
#include <midtrain/annealing/like/llmq.hpp>
#include <midtrain/annealing/like/megatron.hpp>
#include <midtrain/annealing/like/nanotron.hpp>
#include <midtrain/annealing/like/olmo_core.hpp>
#include <midtrain/annealing/like/olmo_schedulers.hpp>
#include <midtrain/annealing/like/olmo_stages.hpp>
#include <midtrain/annealing/like/torchtitan.hpp>
#include <midtrain/core/choice.hpp>

// Trainers and schedulers of which only a file says which they are, by the names that the trainers have for them. Templates, so that
// who does not use them does not pay for them.
namespace midtrain::inline MT_ABI::annealing::like {

template <class... More>
struct hf_choice
    : choice<option<"linear", hf_linear>, option<"constant", hf_constant>, option<"constant_with_warmup", hf_constant_with_warmup>,
             option<"cosine", hf_cosine>, option<"cosine_with_restarts", hf_cosine_with_restarts>,
             option<"cosine_with_min_lr", hf_cosine_with_min_lr>, option<"cosine_warmup_with_min_lr", hf_cosine_warmup_with_min_lr>,
             option<"polynomial", hf_polynomial>, option<"inverse_sqrt", hf_inverse_sqrt>,
             option<"warmup_stable_decay", hf_warmup_stable_decay>, More...> {
    using hf_choice::choice::choice;

    double factor(hf_place const& at) const {
        return this->visit([&](auto const& s) { return s.factor(at); });
    }
    bool fits(hf_place const& at) const {
        return this->visit([&](auto const& s) {
            if constexpr (requires { s.fits(at); }) return s.fits(at);
            else return true;
        });
    }
};
using any_hf_scheduler = hf_choice<>;

template <class... More>
struct olmo_choice
    : choice<option<"constant", olmo_constant>, option<"constant_with_warmup", olmo_constant_with_warmup>, option<"wsd", olmo_wsd>,
             option<"power_lr", olmo_power_lr>, option<"linear_with_warmup", olmo_linear_with_warmup>,
             option<"inv_sqrt_with_warmup", olmo_inv_sqrt_with_warmup>, option<"cos_with_warmup", olmo_cos_with_warmup>,
             option<"half_cos_with_warmup", olmo_half_cos_with_warmup>,
             option<"cos_with_warmup_and_linear_decay", olmo_cos_with_warmup_and_linear_decay>, option<"exponential", olmo_exponential>,
             option<"composable", olmo_composable>, option<"wsds", olmo_wsds>, More...> {
    using olmo_choice::choice::choice;

    double lr(olmo_place at) const {
        return this->visit([&](auto const& s) -> double { return s.lr(at); });
    }
    bool fits(olmo_place at) const {
        return this->visit([&](auto const& s) {
            if constexpr (requires { s.fits(at); }) return s.fits(at);
            else return true;
        });
    }
};
using one_olmo_scheduler = olmo_choice<>;
using any_olmo_scheduler = olmo_choice<option<"sequential", olmo_sequential<one_olmo_scheduler>>>;

/// A trainer that rates are like; the defects bear their own names.
template <class... More>
struct trainer_choice
    : choice<option<"hf", hf<any_hf_scheduler>>, option<"megatron", megatron>, option<"olmo_core", olmo_core<any_olmo_scheduler>>,
             option<"torchtitan", torchtitan>, option<"nanotron", nanotron>, option<"nanotron_short_decay", nanotron_short_decay>,
             option<"llmc", llmc>, option<"llmq_unfinished_decay", llmq_unfinished_decay>, More...> {
    using trainer_choice::choice::choice;

    double rate(progress at) const {
        return this->visit([&](auto const& t) -> double { return t.rate(at); });
    }
    bool fits(tokens budget) const {
        return this->visit([&](auto const& t) { return t.fits(budget); });
    }
};
using any_trainer = trainer_choice<>;

}  // namespace midtrain::inline MT_ABI::annealing::like
