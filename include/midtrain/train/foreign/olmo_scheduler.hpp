#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <midtrain/annealing/like/any_trainer.hpp>
#include <midtrain/annealing/like/olmo_schedulers.hpp>
#include <midtrain/annealing/like/olmo_stages.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/train/foreign/fields.hpp>
#include <midtrain/train/foreign/run.hpp>

// The scheduler of OLMo-core's config.json: olmo_core/optim/scheduler.py.
namespace midtrain::inline MT_ABI::foreign::detail {

/// The class of a part: the end of `_CLASS_`, or of an older file's `type` what that stands for.
inline std::string olmo_class(fields const& f) {
    auto const name = f.text("_CLASS_", "");
    if (!name.empty()) return name.substr(name.find_last_of('.') + 1);
    auto const type = f.text("type", "");
    for (auto const& [registered, is] :
         {std::pair{"constant", "ConstantScheduler"}, {"constant_with_warmup", "ConstantWithWarmup"}, {"wsd", "WSD"},
          {"power_lr", "PowerLR"}, {"linear_with_warmup", "LinearWithWarmup"}, {"inv_sqrt_with_warmup", "InvSqrtWithWarmup"}, {"cos_with_warmup", "CosWithWarmup"},
          {"half_cos_with_warmup", "HalfCosWithWarmup"}, {"cos_with_warmup_and_linear_decay", "CosWithWarmupAndLinearDecay"},
          {"composable", "ComposableScheduler"}, {"sequential", "SequentialScheduler"}, {"wsds", "WSDS"},
          {"exponential", "ExponentialScheduler"}})
        if (type == registered) return is;
    return type.empty() ? "ConstantScheduler" : type;
}

/// One scheduler of a run whose schedule has t_max of its units.
struct olmo_schedule {
    fields const f;
    run&         to;
    std::int64_t t_max;

    std::int64_t length(char const* key, char const* older) const { return f.count(key, f.count(older, 0)); }
    std::int64_t warmup() const { return length("warmup", "warmup_steps"); }
    std::int64_t decay() const { return length("decay", "decay_steps"); }
    double       warmup_share() const { return f.between(0, 1, "warmup_fraction", 0); }
    double       decay_share(double otherwise = 0.1) const { return f.between(0, 1, "decay_fraction", otherwise); }
    double       from() const { return f.number("warmup_min_lr", 0); }
    double       down_to() const { return f.number("decay_min_lr", 0); }
    double       alpha() const { return f.number("alpha_f", 0.1); }
    std::int64_t end() const { return f.count("t_max", 0); }

    std::int64_t whole() const { return end() > 0 ? end() : t_max; }
    std::int64_t warms() const { return like::olmo_length(warmup(), warmup_share(), whole()); }
    void         want_warmup(char const* what) const {
        if (warms() <= 0) f.refuse("warmup", std::string("is zero, and ") + what + " begins where a warm-up ends");
    }

    like::olmo_wsd stable_then_decay() const {
        if (warms() + like::olmo_length(decay(), decay_share(), t_max) > t_max)
            to.find(severity::refused, "warm-up and decay do not fit into the run: the decay begins before the peak", f.name("decay"));
        return {warmup(), warmup_share(), decay(), decay_share(), from(), down_to()};
    }
    like::olmo_power_lr power() const {
        want_warmup("a power law");
        return {.b = f.number("b", -0.51), .warmup = warmup(), .warmup_fraction = warmup_share(), .warmup_min_lr = from(), .decay = decay(),
                .decay_fraction = decay_share(), .decay_min_lr = down_to()};
    }
    like::olmo_inv_sqrt_with_warmup inverse_root() const {
        want_warmup("an inverse square root");
        return {alpha(), warmup(), warmup_share(), from()};
    }
    static like::olmo_shape shape(fields const& at) {
        auto const kind = at.text("shape", "linear");
        if (kind != "linear" && kind != "cosine") at.refuse("shape", "is '" + kind + "'; midtrain reads linear and cosine");
        return kind == "linear" ? like::olmo_shape::linear : like::olmo_shape::cosine;
    }
    static double given(fields const& at, char const* key) { return at.has(key) ? at.between(0, 1e9, key, 0) : -1.0; }
    like::olmo_override_decay cut_short() const {
        if (!f.has("override_decay")) return {};
        auto const over = f.table("override_decay");
        return {over.count("start", 0), over.count("duration", 0), shape(over), given(over, "end_lr"), given(over, "end_lr_fraction")};
    }
    template <class List>
    void may_add(List const& list, char const* key) const {
        if (list.size() == List::capacity) f.refuse(key, "has more than " + std::to_string(List::capacity) + " values");
    }
    like::olmo_composable composed() const {
        like::olmo_composable c{.override_decay = cut_short()};
        for (auto const& one : f.list("stages")) {
            fields const s(one, f.path(), f.name("stages") + "[].");
            may_add(c.stages, "stages");
            c.stages.push_back({s.count("duration", 0), shape(s), given(s, "start_lr"), given(s, "start_lr_fraction"), given(s, "end_lr"),
                                given(s, "end_lr_fraction")});
        }
        return c;
    }
    like::olmo_wsds periods() const {
        like::olmo_wsds w{.warmup = warmup(), .warmup_fraction = warmup_share(), .decay = decay(), .decay_fraction = decay_share(0),
                          .warmup_min_lr = from(), .decay_min_lr = down_to()};
        numbers("period_lengths", [&](fields const& one, char const* key) {
            may_add(w.period_lengths, key);
            w.period_lengths.push_back(one.count(key, 0));
        });
        numbers("period_lr_multipliers", [&](fields const& one, char const* key) {
            may_add(w.period_lr_multipliers, key);
            w.period_lr_multipliers.push_back(one.between(0, 1e9, key, 0));
        });
        return w;
    }
    like::olmo_sequential<like::one_olmo_scheduler> in_sequence() const {
        like::olmo_sequential<like::one_olmo_scheduler> all{.override_decay = cut_short()};
        for (auto const& one : f.list("schedulers")) {
            fields const s(one, f.path(), f.name("schedulers") + "[].");
            may_add(all.schedulers, "schedulers");
            all.schedulers.push_back(olmo_schedule{s, to, t_max}.single<like::one_olmo_scheduler>(olmo_class(s)));
        }
        numbers(f.has("schedulers_max") ? "schedulers_max" : "schedulers_max_steps", [&](fields const& one, char const* key) {
            // OLMo-core does not look at the last one's.
            if (all.schedulers_max.size() + 1 < all.schedulers.size()) all.schedulers_max.push_back(one.count(key, 0));
        });
        return all;
    }
    /// Each number of a list, as a field of its name.
    template <class F>
    void numbers(char const* key, F const& take) const {
        for (auto const& one : f.list(key)) {
            io::json const alone{io::json::object{{key, one}}};
            take(fields(alone, f.path()), key);
        }
    }

    template <class Any>
    Any single(std::string const& kind) const {
        if (kind == "ConstantScheduler") return like::olmo_constant{};
        if (kind == "ConstantWithWarmup") return like::olmo_constant_with_warmup{warmup(), warmup_share(), from()};
        if (kind == "LinearWithWarmup") return like::olmo_linear_with_warmup{alpha(), end(), warmup(), warmup_share(), from()};
        if (kind == "CosWithWarmup") return like::olmo_cos_with_warmup{warmup(), warmup_share(), alpha(), end(), from()};
        if (kind == "HalfCosWithWarmup") return like::olmo_half_cos_with_warmup{warmup(), warmup_share(), alpha(), end(), from()};
        if (kind == "CosWithWarmupAndLinearDecay")
            return like::olmo_cos_with_warmup_and_linear_decay{warmup(), warmup_share(), alpha(), end(), from(), decay(), decay_share(),
                                                               down_to()};
        if (kind == "WSD") return stable_then_decay();
        if (kind == "PowerLR") return power();
        if (kind == "InvSqrtWithWarmup") return inverse_root();
        if (kind == "ExponentialScheduler") return like::olmo_exponential{f.number("lr_min", 1e-9)};
        if (kind == "ComposableScheduler") return composed();
        if (kind == "WSDS") return periods();
        throw error(f.path() + ": '" + f.name("_CLASS_") + "' is " + kind + ", a scheduler that midtrain does not read");
    }
    like::any_olmo_scheduler named(std::string const& kind) const {
        if (kind == "SequentialScheduler") return in_sequence();
        return single<like::any_olmo_scheduler>(kind);
    }

    /// Where it ends, in its units; 0: nowhere.
    std::int64_t horizon(std::string const& kind) const {
        for (auto const* endless : {"ConstantScheduler", "ConstantWithWarmup", "InvSqrtWithWarmup"})
            if (kind == endless) return 0;
        std::int64_t n = 0;
        if (kind == "WSDS")
            for (auto const p : periods().period_lengths) n += p;
        if (kind != "ComposableScheduler") return kind == "WSDS" ? n : whole();
        auto const all = composed();
        if (all.override_decay.duration > 0) return all.override_decay.start + all.override_decay.duration;
        for (auto const& s : all.stages) n += s.duration;
        return n;
    }
};

}  // namespace midtrain::inline MT_ABI::foreign::detail
