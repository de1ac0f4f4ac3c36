#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <midtrain/annealing/like/any_trainer.hpp>
#include <midtrain/annealing/like/run_of.hpp>
#include <midtrain/annealing/warmup.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/train/foreign/fields.hpp>
#include <midtrain/train/foreign/run.hpp>

// TrainingArguments of Hugging Face's Trainer, as it writes them to JSON. Schedules: transformers' optimization.py, where step s of W has
// s / W of the peak, and s counts from zero.
namespace midtrain::inline MT_ABI::foreign {

namespace detail {

/// The scheduler of one run, being read: N steps, W of warm-up.
struct hf_schedule {
    fields const kwargs;
    run&         to;
    std::int64_t steps, warmup;

    std::int64_t in_tokens(std::int64_t n) const { return product(n, to.batch().count, kwargs.path()); }
    double       given(char const* key) const { return kwargs.has(key) ? kwargs.between(0, 1e9, key, 0) : -1.0; }
    void         want_floor() const {
        if (!kwargs.has("min_lr") && !kwargs.has("min_lr_rate"))
            kwargs.refuse("min_lr_rate", "is missing; this schedule wants it or '" + kwargs.name("min_lr") + "'");
    }
    /// num_cycles waves: half a one falls from peak to floor.
    double waves() const {
        double const cycles = kwargs.between(0.01, 1000, "num_cycles", 0.5);
        auto const   name   = kwargs.name("num_cycles");
        if (cycles > 0.5) to.find(severity::warning, "more than half a wave: the rate rises again before the end", name);
        if (cycles < 0.5) to.find(severity::warning, "less than half a wave: the rate does not reach its floor", name);
        return cycles;
    }
    like::hf_cosine_with_restarts restarts() const {
        auto const cycles = static_cast<std::int64_t>(kwargs.between(1, 1000, "num_cycles", 1));
        if (cycles > 1)
            to.find(severity::warning, "the rate jumps back to its peak " + std::to_string(cycles - 1) + " times",
                    kwargs.name("num_cycles"));
        return {.num_cycles = cycles};
    }
    like::hf_shape shape(char const* key, std::string const& otherwise) const {
        auto const kind = kwargs.text(key, otherwise);
        if (kind == "linear") return like::hf_shape::linear;
        if (kind == "cosine") return like::hf_shape::cosine;
        if (kind != "1-sqrt") kwargs.refuse(key, "is '" + kind + "'; midtrain reads linear, cosine and 1-sqrt");
        return like::hf_shape::one_minus_sqrt;
    }
    like::hf_warmup_stable_decay wsd() const {
        if (!kwargs.has("num_decay_steps")) kwargs.refuse("num_decay_steps", "is missing, and warmup_stable_decay needs it");
        auto const decay  = kwargs.count("num_decay_steps", 0);
        bool const given  = kwargs.has("num_stable_steps");
        auto const stable = given ? kwargs.count("num_stable_steps", 0) : steps - warmup - decay;
        if (stable < 0)
            to.find(severity::refused, "warm-up and decay take more steps than there are: the decay begins before the peak",
                    kwargs.name("num_decay_steps"));
        if (given && warmup + stable + decay != steps)
            to.find(severity::warning, "warm-up, stable and decay take " + std::to_string(warmup + stable + decay) +
                    " steps where the run has " + std::to_string(steps), kwargs.name("num_stable_steps"));
        to.horizon = {in_tokens(std::max<std::int64_t>(0, warmup + stable + decay))};
        return {.num_decay_steps = decay, .num_stable_steps = given ? stable : -1, .warmup_type = shape("warmup_type", "linear"),
                .decay_type = shape("decay_type", "cosine"), .min_lr_ratio = kwargs.number("min_lr_ratio", 0),
                .num_cycles = kwargs.between(0.01, 1000, "num_cycles", 0.5)};
    }
    /// cosine_warmup_with_min_lr: warm-up and cosine are one step ahead of the others'.
    like::hf_cosine_warmup_with_min_lr one_ahead() const {
        want_floor();
        to.first_step = annealing::warmup_from::one_batch;
        return {.min_lr = given("min_lr"), .min_lr_rate = given("min_lr_rate"), .warmup_lr_rate = given("warmup_lr_rate"),
                .num_cycles = waves()};
    }
    like::hf_cosine_with_min_lr floored() const {
        want_floor();
        return {.min_lr = given("min_lr"), .min_lr_rate = given("min_lr_rate"), .num_cycles = waves()};
    }

    like::any_hf_scheduler named(std::string const& kind) const {
        if (kind == "constant") return to.horizon = {}, like::hf_constant{};
        if (kind == "constant_with_warmup") return to.horizon = {}, like::hf_constant_with_warmup{};
        if (kind == "linear") return like::hf_linear{};
        if (kind == "cosine") return like::hf_cosine{.num_cycles = waves()};
        if (kind == "cosine_with_restarts") return restarts();
        if (kind == "cosine_with_min_lr") return floored();
        if (kind == "cosine_warmup_with_min_lr") return one_ahead();
        if (kind == "polynomial") return like::hf_polynomial{.lr_end = kwargs.number("lr_end", 1e-7), .power = kwargs.number("power", 1)};
        if (kind == "inverse_sqrt") return to.horizon = {}, like::hf_inverse_sqrt{.timescale = kwargs.count("timescale", 0)};
        if (kind == "warmup_stable_decay") return wsd();
        throw error(kwargs.path() + ": 'lr_scheduler_type' is '" + kind + "', which midtrain does not know");
    }
};

inline bool follows_losses(std::string const& kind) { return kind == "reduce_lr_on_plateau" || kind == "greedy"; }

inline std::int64_t hf_warmup(fields const& f, std::int64_t steps) {
    double const given = f.between(0, 1e12, "warmup_steps", 0), ratio = given > 0 && given < 1 ? given : f.between(0, 1, "warmup_ratio", 0);
    return given >= 1 ? static_cast<std::int64_t>(given) : static_cast<std::int64_t>(std::ceil(static_cast<double>(steps) * ratio));
}

}  // namespace detail

inline run read_hugging_face(io::json const& all, std::string const& path, options const& o) {
    fields const f(all, path);
    run          r{.trainer = "Hugging Face Trainer", .path = path};
    r.steps = f.whole("max_steps", -1);
    if (r.steps <= 0) r.steps = o.steps;
    check(r.steps > 0 && r.steps <= 1'000'000'000'000, [&] { return path +
        ": 'max_steps' is not given, so the run is as long as its data; say how many steps with --steps"; });
    r.sequences = product(product(f.count("per_device_train_batch_size", 8), f.count("gradient_accumulation_steps", 1), path), o.ranks,
                          path);
    check(r.sequences > 0, [&] { return path + ": 'per_device_train_batch_size' times 'gradient_accumulation_steps' is not above zero"; });
    r.length    = f.count("max_length", f.count("max_seq_length", o.length));
    (void)product(product(r.sequences, std::max<std::int64_t>(r.length, 1), path), r.steps, path);
    r.peak      = f.number("learning_rate", 5e-5);
    r.optimizer = {.beta1 = f.number("adam_beta1", 0.9), .beta2 = f.number("adam_beta2", 0.999), .epsilon = f.number("adam_epsilon", 1e-8),
                   .decay = f.number("weight_decay", 0)};
    r.clip      = f.number("max_grad_norm", 1);
    r.seed      = static_cast<std::uint64_t>(f.whole("seed", 42));
    r.goes_on   = !f.text("resume_from_checkpoint", "").empty();
    auto const kind    = f.text("lr_scheduler_type", "linear");
    auto const kwargs  = f.table("lr_scheduler_kwargs");
    bool const settled = kind == "constant";  // its warm-up is not looked at
    check(!detail::follows_losses(kind), [&] { return path + ": 'lr_scheduler_type' is " + kind +
                                              ", which follows the losses: nobody can say its rate beforehand"; });
    auto const warmup = settled ? 0 : detail::hf_warmup(f, r.steps);
    r.warmup          = {product(warmup, r.batch().count, path)};
    r.horizon         = {r.steps * r.batch().count};
    detail::hf_schedule const schedule{kwargs, r, r.steps, warmup};
    r.rate = like::run_of<like::any_trainer>{.trainer = like::hf<like::any_hf_scheduler>{
        .learning_rate = r.peak, .max_steps = r.steps, .warmup_steps = static_cast<double>(warmup), .scheduler = schedule.named(kind)}};
    if (kind == "constant_with_warmup" || settled)
        r.find(severity::warning, "'" + kind + "' never lowers the rate: a cooldown wants linear, cosine or warmup_stable_decay",
               "lr_scheduler_type");
    if (f.has("max_steps") && f.number("max_steps", -1) <= 0)
        r.find(severity::note, "the number of steps is the one given by --steps", "max_steps");
    if (o.ranks == 1)
        r.find(severity::note, "a batch is counted for one device; say how many there are with --ranks", "per_device_train_batch_size");
    auto const optimizer = f.text("optim", "adamw_torch");
    if (optimizer.find("adamw") == std::string::npos)
        r.find(severity::warning, "the optimizer is " + optimizer + ", whose numbers are not read: the run has AdamW", "optim");
    return r;
}

}  // namespace midtrain::inline MT_ABI::foreign
