#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/train/foreign/fields.hpp>
#include <midtrain/train/foreign/run.hpp>
#include <midtrain/train/foreign/timeline.hpp>

// TrainingArguments of Hugging Face's Trainer, as it writes them to JSON. Schedules: transformers' optimization.py, where step s of W has
// s / W of the peak, and s counts from zero.
namespace midtrain::inline MT_ABI::foreign {

namespace detail {

/// One schedule being made: `unit` tokens a step, N steps, W of warm-up.
struct hf_schedule {
    fields const  kwargs;
    run&          to;
    std::int64_t  steps, warmup;
    double        peak;

    std::int64_t unit() const { return to.batch().count; }
    std::int64_t in_tokens(std::int64_t n) const { return product(n, unit(), kwargs.path()); }
    std::int64_t after() const { return in_tokens(steps - warmup); }
    double       share(char const* absolute, char const* relative) const {
        if (!kwargs.has(absolute) && !kwargs.has(relative))
            kwargs.refuse(relative, "is missing; this schedule wants it or '" + kwargs.name(absolute) + "'");
        return kwargs.has(absolute) ? kwargs.number(absolute, 0) : peak * kwargs.number(relative, 0);
    }
    timeline warmed(double from = 0) const {
        timeline t;
        t.add(in_tokens(warmup), annealing::linear{.from = from, .to = peak});
        return t;
    }

    /// num_cycles waves: half a one falls from peak to floor.
    void waves(timeline& t, double floor) const {
        double const halves = 2 * kwargs.between(0.01, 1000, "num_cycles", 0.5);
        auto const   of     = std::max<std::int64_t>(1, std::llround(static_cast<double>(after()) / halves));
        for (std::int64_t done = 0, n = 0; done < after(); ++n) {
            auto const   length = std::min(of, after() - done);
            bool const   falls  = n % 2 == 0;
            t.add(length, annealing::cosine{.from = falls ? peak : floor, .to = falls ? floor : peak}, 0, of);
            done += length;
        }
        if (halves > 1) to.find(severity::warning, "more than half a wave: the rate rises again before the end", kwargs.name("num_cycles"));
        if (halves < 1) to.find(severity::warning, "less than half a wave: the rate does not reach its floor", kwargs.name("num_cycles"));
        t.hold(floor);
    }
    void restarts(timeline& t) const {
        auto const cycles = static_cast<std::int64_t>(kwargs.between(1, 1000, "num_cycles", 1));
        double const one = static_cast<double>(after()) / static_cast<double>(cycles);
        for (std::int64_t n = 0, done = 0; n < cycles; ++n) {
            std::int64_t const end = std::llround(one * static_cast<double>(n + 1));
            t.add(end - done, annealing::cosine{.from = peak, .to = 0});
            done = end;
        }
        if (cycles > 1)
            to.find(severity::warning, "the rate jumps back to its peak " + std::to_string(cycles - 1) + " times",
                    kwargs.name("num_cycles"));
        t.hold(0);
    }
    static timeline::policy shape(fields const& kwargs, char const* key, std::string const& otherwise, double from, double down) {
        auto const kind = kwargs.text(key, otherwise);
        if (kind == "linear") return annealing::linear{.from = from, .to = down};
        if (kind == "cosine") return annealing::cosine{.from = from, .to = down};
        if (kind != "1-sqrt") kwargs.refuse(key, "is '" + kind + "'; midtrain reads linear, cosine and 1-sqrt");
        return annealing::one_minus_sqrt{.from = from, .to = down};
    }
    timeline wsd() const {
        double const floor  = peak * kwargs.number("min_lr_ratio", 0);
        if (!kwargs.has("num_decay_steps")) kwargs.refuse("num_decay_steps", "is missing, and warmup_stable_decay needs it");
        auto const   decay  = kwargs.count("num_decay_steps", 0);
        bool const   given  = kwargs.has("num_stable_steps");
        auto const   stable = given ? kwargs.count("num_stable_steps", 0) : steps - warmup - decay;
        if (kwargs.text("warmup_type", "linear") == "1-sqrt")
            kwargs.refuse("warmup_type", "is 1-sqrt, a warm-up that midtrain does not have");
        if (kwargs.number("num_cycles", 0.5) != 0.5) kwargs.refuse("num_cycles", "is not 0.5; midtrain reads decays of half a wave");
        if (stable < 0)
            to.find(severity::refused, "warm-up and decay take more steps than there are: the decay begins before the peak",
                    kwargs.name("num_decay_steps"));
        if (given && warmup + stable + decay != steps)
            to.find(severity::warning, "warm-up, stable and decay take " + std::to_string(warmup + stable + decay) +
                    " steps where the run has " + std::to_string(steps), kwargs.name("num_stable_steps"));
        timeline t;
        t.add(in_tokens(warmup), shape(kwargs, "warmup_type", "linear", floor, peak));
        t.add(in_tokens(stable), annealing::constant{peak});
        // Without room for it the decay has begun when the warm-up ends.
        auto const begun = stable < 0 ? in_tokens(-stable) : 0;
        t.add(in_tokens(decay) - begun, shape(kwargs, "decay_type", "cosine", peak, floor), begun, in_tokens(decay));
        t.hold(floor);
        to.horizon = {in_tokens(std::max<std::int64_t>(0, warmup + stable + decay))};
        return t;
    }
    /// cosine_warmup_with_min_lr: warm-up and cosine are one step ahead of the others'.
    timeline one_ahead() const {
        double const floor = share("min_lr", "min_lr_rate");
        timeline     t;
        if (kwargs.has("warmup_lr_rate")) t.add(in_tokens(warmup - 1),
                                                annealing::linear{.from = peak * kwargs.number("warmup_lr_rate", 0), .to = peak});
        else t.add(in_tokens(warmup - 1), annealing::linear{.from = 0, .to = peak}, unit(), in_tokens(warmup));
        if (warmup == 0) t.add(after() - unit(), annealing::cosine{.from = peak, .to = floor}, unit(), after());
        else t.add(after(), annealing::cosine{.from = peak, .to = floor});
        t.hold(floor);
        to.first_step = annealing::warmup_from::one_batch;
        return t;
    }

    timeline named(std::string const& kind) const {
        if (kind == "warmup_stable_decay") return wsd();
        if (kind == "cosine_warmup_with_min_lr") return one_ahead();
        auto t = warmed();
        if (kind == "linear") t.add(after(), annealing::linear{.from = peak, .to = 0}).hold(0);
        else if (kind == "cosine") waves(t, 0);
        else if (kind == "cosine_with_min_lr") waves(t, share("min_lr", "min_lr_rate"));
        else if (kind == "cosine_with_restarts") restarts(t);
        else if (kind == "constant_with_warmup") t.hold(peak), to.horizon = {};
        else if (kind == "polynomial") {
            double const end = kwargs.number("lr_end", 1e-7);
            t.add(after(), annealing::polynomial{.from = peak, .to = end, .power = kwargs.number("power", 1)}).hold(end);
        } else if (kind == "inverse_sqrt") {
            auto const scale = kwargs.count("timescale", warmup > 0 ? warmup : 10'000);
            t.add(after(), annealing::power_law{.peak = peak, .over = tokens{in_tokens(scale)}});
            to.horizon = {};
        }
        else throw error(kwargs.path() + ": 'lr_scheduler_type' is '" + kind + "', which midtrain does not know");
        return t;
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
    detail::hf_schedule const schedule{kwargs, r, r.steps, warmup, r.peak};
    timeline t = schedule.named(settled ? "constant_with_warmup" : kind);
    r.rate = t.cut(0, r.at(r.steps).seen.count);
    if (kind == "constant_with_warmup" || settled)
        r.find(severity::warning, "'" + kind + "' never lowers the rate: a cooldown wants linear, cosine or warmup_stable_decay",
               "lr_scheduler_type");
    if (f.has("max_steps") && f.number("max_steps", -1) <= 0)
        r.find(severity::note, "the number of steps is the one given by --steps", "max_steps");
    if (o.ranks == 1)
        r.find(severity::note, "a batch is counted for one device; say how many there are with --ranks", "per_device_train_batch_size");
    auto const optimizer = f.text("optim", "adamw_torch");
    if (optimizer.find("adamw") == std::string::npos)
        r.find(severity::warning, "the optimizer is " + optimizer + ", which midtrain has not; it has AdamW", "optim");
    return r;
}

}  // namespace midtrain::inline MT_ABI::foreign
