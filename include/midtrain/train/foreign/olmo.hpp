#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <midtrain/annealing/like/any_trainer.hpp>
#include <midtrain/annealing/like/run_of.hpp>
#include <midtrain/annealing/warmup.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/train/foreign/fields.hpp>
#include <midtrain/train/foreign/olmo_scheduler.hpp>
#include <midtrain/train/foreign/run.hpp>

// The config.json that OLMo-core saves.
namespace midtrain::inline MT_ABI::foreign {

namespace detail {

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
        r.find(severity::warning, "the optimizer is " + kind + ", whose numbers are not read: the run has AdamW", optim.name("_CLASS_"));
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
    auto const unit = in_tokens ? 1 : r.batch().count;
    auto const end  = !in_tokens ? planned : in_tokens_end ? trainer.table("max_duration").whole("value", 0) : planned * r.batch().count;
    auto const kind = detail::olmo_class(scheduler);
    detail::olmo_schedule const s{scheduler, r, end};
    r.warmup     = {product(s.warms(), unit, path)};
    r.horizon    = {product(s.horizon(kind), unit, path)};
    r.first_step = annealing::warmup_from::one_batch;
    r.rate = like::run_of<like::any_trainer>{.trainer = like::olmo_core<like::any_olmo_scheduler>{
        .lr = r.peak, .max_duration = end, .units = in_tokens ? like::olmo_units::tokens : like::olmo_units::steps,
        .scheduler = s.named(kind)}};
    detail::read_olmo_positions(all, r);
    detail::read_olmo_sources(dataset, r);
    return r;
}

}  // namespace midtrain::inline MT_ABI::foreign
