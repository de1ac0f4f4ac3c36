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

// The config.json that OLMo-core saves. Schedules: olmo_core/optim/scheduler.py, in steps or in tokens. Its trainer counts a step before it
// asks for the rate, so the first step has that of 1 and the last one that of the end.
namespace midtrain::inline MT_ABI::foreign {

namespace detail {

/// One of OLMo-core's schedulers; lengths here are tokens, `unit` of them one of the scheduler's own.
struct olmo_schedule {
    fields const f;
    run&         to;
    std::int64_t unit;
    std::int64_t end;  ///< t_max: where the schedule ends
    double       peak;

    std::int64_t in_tokens(fields const& at, std::string const& key) const { return product(at.count(key, 0), unit, at.path()); }
    std::int64_t length(std::string const& key, double otherwise = 0) const {
        if (f.has(key)) return in_tokens(f, key);
        if (f.has(key + "_steps")) return in_tokens(f, key + "_steps");
        double const share = f.between(0, 1, key + "_fraction", otherwise);
        return std::llround(std::nearbyint(static_cast<double>(end / unit) * share)) * unit;
    }
    double       warmup_from() const { return f.number("warmup_min_lr", 0); }
    double       floor() const { return peak * f.number("alpha_f", 0.1); }
    std::int64_t horizon() const { return f.has("t_max") ? in_tokens(f, "t_max") : end; }

    timeline warmed(std::int64_t warmup, double to_rate) const {
        timeline t;
        t.add(warmup, annealing::linear{.from = warmup_from(), .to = to_rate});
        return t;
    }
    timeline cosine(std::int64_t cut) const {
        auto const w = length("warmup"), of = horizon() - w;
        auto       t = warmed(w, peak);
        t.add(std::min(of, cut - w), annealing::cosine{.from = peak, .to = floor()}, 0, of);
        return t;
    }
    timeline half_cosine() const {
        auto const w = length("warmup"), of = horizon() - w;
        auto       t = warmed(w, floor() + (peak - floor()) / 2);
        t.add(of, annealing::cosine{.from = peak, .to = floor()}, of, 2 * of);
        t.hold(floor());
        return t;
    }
    timeline cosine_and_tail() const {
        auto const   d = std::min(length("decay", 0.1), end);
        auto         t = cosine(end - d);
        auto const   w    = length("warmup");
        double const from = annealing::cosine{.from = peak, .to = floor()}.rate({0, {std::max<std::int64_t>(0, end - d - w)},
            {horizon() - w}, {}});
        t.add(d, annealing::linear{.from = from, .to = f.number("decay_min_lr", 0)});
        return t;
    }
    timeline stable_then_decay() const {
        auto const w = length("warmup"), d = length("decay", 0.1), begun = std::max<std::int64_t>(0, w + d - end);
        if (begun > 0)
            to.find(severity::refused, "warm-up and decay do not fit into the run: the decay begins before the peak", f.name("decay"));
        auto t = warmed(w, peak);
        t.add(end - d - w, annealing::constant{peak});
        t.add(d - begun, annealing::linear{.from = peak, .to = f.number("decay_min_lr", 0)}, begun, d);
        return t;
    }
    timeline power() const {
        auto const   w = length("warmup"), d = length("decay", 0.1);
        double const b = f.number("b", -0.51);
        if (w <= 0) f.refuse("warmup", "is zero, and a power law begins where a warm-up ends");
        annealing::power_law const law{.peak = peak, .over = tokens{w}, .exponent = b};
        auto                       t = warmed(w, peak);
        t.add(end - d - w, law);
        t.add(d, annealing::linear{.from = law.rate({0, {end - d - w}, {}, {}}), .to = f.number("decay_min_lr", 0)});
        return t;
    }
    timeline inverse_root() const {
        auto const w = length("warmup");
        if (w <= 0) f.refuse("warmup", "is zero, and an inverse square root begins where a warm-up ends");
        auto t = warmed(w, peak);
        t.add(std::max<std::int64_t>(end - w, 1) + unit, annealing::power_law{.peak = peak, .over = tokens{w}, .floor = floor()});
        to.horizon = {};
        return t;
    }
    double absolute(fields const& at, std::string const& key, double otherwise) const {
        if (at.has(key)) return at.number(key, 0);
        return at.has(key + "_fraction") ? peak * at.number(key + "_fraction", 0) : otherwise;
    }
    static timeline::policy between(fields const& at, double from, double down) {
        auto const shape = at.text("shape", "linear");
        if (shape == "linear") return annealing::linear{.from = from, .to = down};
        if (shape != "cosine") at.refuse("shape", "is '" + shape + "'; midtrain reads linear and cosine");
        return annealing::cosine{.from = from, .to = down};
    }
    timeline composed() const {
        timeline     t;
        double       last = peak;
        bool const   cut  = f.has("override_decay");
        auto const   over = f.table("override_decay");
        auto const   stop = cut ? in_tokens(over, "start") : std::int64_t{4'000'000'000'000'000'000};
        std::int64_t at   = 0;
        double       then = peak;
        for (auto const& one : f.list("stages")) {
            fields const       s(one, f.path(), f.name("stages") + "[].");
            std::int64_t const n    = in_tokens(s, "duration");
            double const       from = absolute(s, "start_lr", last);
            last                    = absolute(s, "end_lr", last);
            auto const shape        = between(s, from, last);
            t.add(std::min(n, stop - at), shape, 0, n);
            if (at < stop) then = shape.rate({0, {std::min(n, stop - at)}, {n}, {}});
            at += n;
            (void)product(at, 1, f.path());
        }
        to.horizon = {cut ? stop + in_tokens(over, "duration") : at};
        if (cut && at < stop) t.add(stop - at, annealing::constant{last});
        if (cut) last = absolute(over, "end_lr", 0), t.add(in_tokens(over, "duration"), between(over, then, last));
        t.hold(last);
        return t;
    }
    timeline named(std::string const& kind) const {
        timeline t;
        if (kind == "ConstantScheduler") t.hold(peak), to.horizon = {};
        else if (kind == "ConstantWithWarmup") (t = warmed(length("warmup"), peak)).hold(peak), to.horizon = {};
        else if (kind == "LinearWithWarmup") {
            t = warmed(length("warmup"), peak);
            t.add(horizon() - length("warmup"), annealing::linear{.from = peak, .to = floor()}).hold(floor());
        } else if (kind == "CosWithWarmup") (t = cosine(horizon())).hold(floor());
        else if (kind == "HalfCosWithWarmup") t = half_cosine();
        else if (kind == "CosWithWarmupAndLinearDecay") (t = cosine_and_tail()).hold(f.number("decay_min_lr", 0));
        else if (kind == "WSD") (t = stable_then_decay()).hold(f.number("decay_min_lr", 0));
        else if (kind == "PowerLR") (t = power()).hold(f.number("decay_min_lr", 0));
        else if (kind == "InvSqrtWithWarmup") t = inverse_root();
        else if (kind == "ComposableScheduler") t = composed();
        else throw error(f.path() + ": '" + f.name("_CLASS_") + "' is " + kind + ", a scheduler that midtrain does not read");
        return t;
    }
};

/// The class of a part: the end of `_CLASS_`, or of an older file's `type` what that stands for.
inline std::string olmo_class(fields const& f) {
    auto const name = f.text("_CLASS_", "");
    if (!name.empty()) return name.substr(name.find_last_of('.') + 1);
    auto const type = f.text("type", "");
    for (auto const& [registered, is] : {std::pair{"constant", "ConstantScheduler"}, {"constant_with_warmup", "ConstantWithWarmup"},
                                         {"wsd", "WSD"},
                                         {"power_lr", "PowerLR"}, {"linear_with_warmup", "LinearWithWarmup"},
                                             {"inv_sqrt_with_warmup", "InvSqrtWithWarmup"},
                                         {"cos_with_warmup", "CosWithWarmup"}, {"half_cos_with_warmup", "HalfCosWithWarmup"},
                                         {"cos_with_warmup_and_linear_decay", "CosWithWarmupAndLinearDecay"},
                                             {"composable", "ComposableScheduler"}})
        if (type == registered) return is;
    return type.empty() ? "ConstantScheduler" : type;
}

/// Steps of a duration; 0: it is counted in epochs.
inline std::int64_t olmo_steps(fields const& d, tokens batch) {
    auto const unit = d.text("unit", "epochs");
    auto const n    = unit == "tokens" ? d.whole("value", 0) : d.count("value", 1);
    if (unit == "steps") return n;
    return unit == "tokens" ? (n + batch.count - 1) / batch.count : 0;
}

/// The first table of that name, however deep; nullptr: none.
inline io::json const* olmo_part(io::json const& in, std::string_view name) {
    auto const o = in.as<io::json::object>();
    if (!o) return nullptr;
    if (auto const at = in.find(name); at && at->as<io::json::object>()) return at;
    for (auto const& [key, value] : *o)
        if (auto const found = olmo_part(value, name)) return found;
    return nullptr;
}

inline void read_olmo_positions(io::json const& all, run& r) {
    auto const model = all.find("model");
    auto const rope  = model ? olmo_part(*model, "rope") : nullptr;
    if (!rope || r.length < 1) return;
    fields const f(*rope, r.path, "rope.");
    double const base    = f.between(1, 1e12, "theta", 500'000);
    auto const   scaling = f.table("scaling");
    auto const   kind    = olmo_class(scaling);
    auto const   trained = scaling.count("old_context_len", 8192);
    auto const   reach   = std::max<index_t>(r.length, 1);
    if (!f.has("scaling")) r.position = position::rope{.base = base, .length = reach};
    else if (kind == "ABFRoPEScalingConfig") r.position = position::rope{.base = scaling.between(1, 1e12, "new_theta", 8e6),
        .length = reach};
    else if (kind == "YaRNRoPEScalingConfig")
        r.position = position::yarn{.base = base, .trained = trained, .extended = static_cast<index_t>(scaling.between(1, 1e6, "factor",
            8) * static_cast<double>(trained)),
                                    .fast = scaling.number("beta_fast", 32), .slow = scaling.number("beta_slow", 1)};
    else if (kind == "PIRoPEScalingConfig") {
        auto const factor = scaling.between(1, 1e6, "factor", 2);
        r.position        = position::interpolated{.base = base, .trained = static_cast<index_t>(static_cast<double>(reach) / factor),
                                                   .extended = reach};
    } else r.find(severity::warning, "positions are scaled by " + kind + ", which is not compared with ours", "rope.scaling");
}

inline void read_olmo_sources(fields const& dataset, run& r) {
    auto const mixture = dataset.table("source_mixture_config");
    auto const list    = mixture.table("source_list").list("sources");
    for (auto const& one : list.empty() ? mixture.list("source_configs") : list) {
        fields const s(one, r.path, mixture.name("source_list.sources[]."));
        r.sources.push_back({s.text("source_name", "source"), s.number("target_ratio", 0), s.number("max_repetition_ratio", 1)});
    }
}

inline void read_olmo_optimizer(fields const& optim, run& r) {
    r.peak             = optim.number("lr", 1e-3);
    r.optimizer        = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = optim.number("eps", 1e-8), .decay = optim.number("weight_decay", 0.01)};
    auto const betas   = optim.list("betas");
    auto const beta    = [&](std::size_t i, double& to) {
        if (i < betas.size() && betas[i].as<double>()) to = *betas[i].as<double>();
    };
    beta(0, r.optimizer.beta1), beta(1, r.optimizer.beta2);
    r.decays_norms = true;
    for (auto const& one : optim.list("group_overrides")) {
        fields const g(one, r.path, optim.name("group_overrides[]."));
        for (auto const& p : g.list("params")) {
            auto const name = p.as<std::string>();
            if (name && name->find("embed") != std::string::npos && g.table("opts").number("weight_decay", 1) == 0)
                r.decays_embeddings = false;
            if (name && name->find("norm") != std::string::npos && g.table("opts").number("weight_decay", 1) == 0) r.decays_norms = false;
        }
    }
    auto const kind = olmo_class(optim);
    if (kind.find("AdamW") == std::string::npos)
        r.find(severity::warning, "the optimizer is " + kind + ", which midtrain has not; it has AdamW", optim.name("_CLASS_"));
}

}  // namespace detail

inline run read_olmo(io::json const& all, std::string const& path, options const& o) {
    fields const f(all, path);
    run          r{.trainer = "OLMo-core", .path = path};
    auto const   module = f.table("train_module"), trainer = f.table("trainer"), dataset = f.table("dataset");
    auto const   batch  = f.table("data_loader").count("global_batch_size", module.count("global_batch_size", 0));
    check(batch > 0, [&] { return path + ": 'data_loader.global_batch_size' is missing"; });
    r.length = dataset.count("sequence_length", module.count("max_sequence_length", o.length));
    r.sequences = r.length > 0 ? batch / r.length : batch;
    check(r.length == 0 || batch % r.length == 0, [&] { return path +
                                                       ": 'data_loader.global_batch_size' is no multiple of the sequence length"; });
    auto const whole = detail::olmo_steps(trainer.table("max_duration"), r.batch());
    r.steps          = whole > 0 ? whole : o.steps;
    check(r.steps > 0, [&] { return path + ": 'trainer.max_duration' is in epochs; say how many steps with --steps"; });
    check(r.steps <= 1'000'000'000'000, [&] { return path + ": 'trainer.max_duration' is too long"; });
    std::int64_t const planned = r.steps;
    (void)product(planned, r.batch().count, path);
    if (trainer.has("hard_stop")) {
        auto const stop = detail::olmo_steps(trainer.table("hard_stop"), r.batch());
        if (stop > 0) r.steps = std::min(r.steps, stop);
    }
    detail::read_olmo_optimizer(module.table("optim"), r);
    r.clip    = module.number("max_grad_norm", 0);
    r.z_loss  = module.number("z_loss_multiplier", 0);
    r.seed    = static_cast<std::uint64_t>(f.table("data_loader").whole("seed", 0));
    r.goes_on = trainer.has("load_path");
    auto const callbacks = trainer.table("callbacks").table("scheduler");
    auto const scheduler = module.has("scheduler") ? module.table("scheduler") : callbacks.table("scheduler");
    bool const in_tokens = scheduler.text("units", "steps") == "tokens";
    auto const in_tokens_end = trainer.table("max_duration").text("unit", "") == "tokens" && in_tokens;
    detail::olmo_schedule const s{scheduler, r, in_tokens ? 1 : r.batch().count,
                                  in_tokens_end ? trainer.table("max_duration").whole("value", 0) : planned * r.batch().count, r.peak};
    r.warmup     = {s.length("warmup")};
    r.horizon    = {s.horizon()};
    r.first_step = annealing::warmup_from::one_batch;
    r.rate       = s.named(detail::olmo_class(scheduler)).cut(r.batch().count, r.at(r.steps).seen.count);
    detail::read_olmo_positions(all, r);
    detail::read_olmo_sources(dataset, r);
    return r;
}

}  // namespace midtrain::inline MT_ABI::foreign
