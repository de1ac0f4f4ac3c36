#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <midtrain/annealing/like/any_trainer.hpp>
#include <midtrain/annealing/like/megatron.hpp>
#include <midtrain/annealing/like/run_of.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/train/foreign/fields.hpp>
#include <midtrain/train/foreign/run.hpp>

// Arguments of Megatron-LM. Schedules: megatron/core/optimizer_param_scheduler.py, which counts samples; defaults and how arguments become
// a schedule: megatron/training/arguments.py and training.py.
namespace midtrain::inline MT_ABI::foreign {

namespace detail {

inline like::megatron_decay megatron_style(fields const& f) {
    auto const kind = f.text("lr_decay_style", "linear");
    if (kind == "constant") return like::megatron_decay::constant;
    if (kind == "linear") return like::megatron_decay::linear;
    if (kind == "cosine") return like::megatron_decay::cosine;
    if (kind == "inverse-square-root") return like::megatron_decay::inverse_square_root;
    if (kind != "WSD") f.refuse("lr_decay_style", "is '" + kind + "', which midtrain does not know");
    return like::megatron_decay::wsd;
}
inline like::megatron_wsd_decay megatron_wsd_style(fields const& f) {
    auto const kind = f.text("lr_wsd_decay_style", "exponential");
    if (kind == "exponential") return like::megatron_wsd_decay::exponential;
    if (kind == "linear") return like::megatron_wsd_decay::linear;
    if (kind == "cosine") return like::megatron_wsd_decay::cosine;
    if (kind != "minus_sqrt") f.refuse("lr_wsd_decay_style", "is '" + kind + "', which midtrain does not know");
    return like::megatron_wsd_decay::minus_sqrt;
}

/// What the schedule may be warned of.
inline void judge_megatron_schedule(fields const& f, run& r, like::megatron const& m, std::string const& kind) {
    bool const wsd = m.lr_decay_style == like::megatron_decay::wsd;
    if (m.min_lr > m.lr) r.find(severity::refused, "min_lr is above lr", "min_lr");
    if (m.lr_warmup_init > m.lr) r.find(severity::refused, "lr_warmup_init is above lr", "lr_warmup_init");
    if (m.lr_warmup_fraction > 0 && f.number("lr_warmup_" + kind, 0) != 0)
        r.find(severity::warning, "lr_warmup_fraction is given, too, and wins", "lr_warmup_" + kind);
    if (!(m.warmup() < m.decay()))
        r.find(severity::refused, "the warm-up is not shorter than the schedule",
               m.lr_warmup_fraction > 0 ? "lr_warmup_fraction" : "lr_warmup_" + kind);
    if (wsd && !f.has("lr_wsd_decay_" + kind))
        r.find(severity::refused, "lr_decay_style WSD needs the length of its decay", "lr_wsd_decay_iters");
    if (wsd && m.wsd_decay() > 0 && m.decay() - m.wsd_decay() < m.warmup())
        r.find(severity::warning, "warm-up and decay do not fit into the schedule: the decay begins before the peak", "lr_wsd_decay_iters");
    if (m.lr_decay_style == like::megatron_decay::inverse_square_root && m.warmup() < 1)
        r.find(severity::warning, "an inverse square root without warm-up falls by the root of the batch's sequences in its first step",
               "lr_warmup_iters");
}

inline void read_megatron_schedule(fields const& f, run& r, bool samples) {
    std::string const kind = samples ? "samples" : "iters", other = samples ? "iters" : "samples";
    for (char const* field : {"lr_decay_", "lr_warmup_", "lr_wsd_decay_"})
        if (f.number(field + other, 0) != 0)
            r.find(severity::refused, "the run counts in " + kind + " and this in " + other + ": Megatron-LM refuses or overlooks it",
                   field + other);
    like::megatron m{.lr = r.peak, .seq_length = r.length > 0 ? r.length : 1, .global_batch_size = r.sequences,
                     .lr_decay_style = megatron_style(f), .lr_warmup_fraction = f.number("lr_warmup_fraction", 0),
                     .lr_warmup_init = f.number("lr_warmup_init", 0), .min_lr = f.number("min_lr", 0),
                     .lr_wsd_decay_style = megatron_wsd_style(f)};
    double const decay = f.number("lr_decay_" + kind, samples ? f.number("train_samples", 0) : static_cast<double>(r.steps));
    (samples ? m.lr_decay_samples : m.lr_decay_iters)         = decay;
    (samples ? m.lr_warmup_samples : m.lr_warmup_iters)       = f.number("lr_warmup_" + kind, 0);
    (samples ? m.lr_wsd_decay_samples : m.lr_wsd_decay_iters) = f.number("lr_wsd_decay_" + kind, 0);
    auto const in_tokens = [&](double n) {
        check(std::abs(n * static_cast<double>(m.seq_length)) < 9e15, [&] { return f.path() + ": counts more than 9e15 tokens"; });
        return tokens{std::llround(n * static_cast<double>(m.seq_length))};
    };
    r.warmup  = in_tokens(m.warmup());
    r.horizon = in_tokens(m.decay());
    if (m.lr_decay_style == like::megatron_decay::constant) r.horizon = {};
    judge_megatron_schedule(f, r, m, kind);
    r.rate = like::run_of<like::any_trainer>{.trainer = m};
}

/// `0.3 a 0.7 b`, or paths alone.
inline void read_megatron_blend(fields const& f, run& r, char const* key) {
    auto const v = f.find(key);
    if (!v) return;
    io::json::array words;
    if (auto const list = v->as<io::json::array>()) words = *list;
    else words.push_back(*v);
    check(!words.empty(), [&] { return f.path() + ": '" + key + "' is empty"; });
    auto const   is_number = [](io::json const& w) {
        if (w.as<double>()) return true;
        auto const s = w.as<std::string>();
        return s && !s->empty() && s->find_first_not_of("0123456789.e+-") == std::string::npos;
    };
    bool const weighted = words.size() > 1 && is_number(words.front());
    check(!weighted || words.size() % 2 == 0, [&] { return f.path() + ": '" + key + "' has a weight without a path"; });
    for (std::size_t i = 0; i < words.size(); i += weighted ? 2 : 1) {
        auto const   path = words[i + (weighted ? 1 : 0)].as<std::string>();
        check(path != nullptr, [&] { return f.path() + ": '" + key + "' holds something that is no path"; });
        io::json const one{io::json::object{{key, words[i]}}};
        r.sources.push_back({*path, weighted ? fields(one, f.path()).number(key, 0) : 1.0 / static_cast<double>(words.size()), 0});
    }
    if (!weighted && words.size() > 1)
        r.find(severity::note, "sources without weights are drawn by their sizes; here they count alike", key);
}

inline void read_megatron_positions(fields const& f, run& r) {
    if (f.text("position_embedding_type", "learned_absolute") != "rope" && !f.flag("use_rotary_position_embeddings")) return;
    double const base  = f.between(1, 1e12, "rotary_base", 10'000);
    auto const   reach = static_cast<index_t>(f.count("max_position_embeddings", r.length));
    auto const   over  = f.between(1, 1e6, "rotary_seq_len_interpolation_factor", 1), factor = f.between(1, 1e6, "rope_scaling_factor", 8);
    if (f.flag("use_rope_scaling")) r.position = position::llama3{.base = base, .trained = 8192, .extended = reach, .factor = factor};
    else if (over > 1) r.position = position::interpolated{.base = base,
        .trained = static_cast<index_t>(static_cast<double>(reach) / over), .extended = reach};
    else r.position = position::rope{.base = base, .length = reach};
    if (f.number("rotary_percent", 1) != 1)
        r.find(severity::warning, "a part of each head turns; midtrain's models turn all of it", "rotary_percent");
}

inline void find_in_megatron(fields const& f, run& r) {
    r.goes_on = f.has("load") || f.has("pretrained_checkpoint");
    bool const anew = f.flag("finetune") || f.flag("override_opt_param_scheduler");
    if (f.has("load") && !anew)
        r.find(severity::warning, "with --load and neither --finetune nor --override-opt_param-scheduler the checkpoint's schedule must be "
                                  "this one, or wins", "load");
    if (f.has("rampup_batch_size"))
        r.find(severity::warning, "the batch grows; steps and rates here are those of the full batch", "rampup_batch_size");
    double const start = f.number("start_weight_decay", r.optimizer.decay), end = f.number("end_weight_decay", r.optimizer.decay);
    if (start != end)
        r.find(severity::warning, "the weight decay changes on the way; midtrain's stays, here at its end", "end_weight_decay");
    r.optimizer.decay = end;
    auto const optimizer = f.text("optimizer", "adam");
    if (optimizer != "adam")
        r.find(severity::warning, "the optimizer is " + optimizer + ", whose numbers are not read: the run has AdamW", "optimizer");
}

}  // namespace detail

inline run read_megatron(io::json const& all, std::string const& path, options const& o) {
    fields const f(all, path);
    run          r{.trainer = "Megatron-LM", .path = path};
    check(f.has("lr"), [&] { return path + ": 'lr' is missing"; });
    bool const samples = !f.has("train_iters") && f.has("train_samples");
    r.sequences        = f.has("global_batch_size") ? f.count("global_batch_size", 0)
        : product(f.count("micro_batch_size", 0), o.ranks, path);
    check(r.sequences > 0, [&] { return path + ": neither 'global_batch_size' nor 'micro_batch_size' says how large a batch is"; });
    r.length = f.count("seq_length", o.length);
    r.steps  = samples ? f.count("train_samples", 0) / r.sequences : f.count("train_iters", o.steps);
    check(r.steps > 0, [&] { return path + ": neither 'train_iters' nor 'train_samples' says how long the run is"; });
    (void)product(product(r.sequences, std::max<std::int64_t>(r.length, 1), path), r.steps, path);
    r.peak      = f.number("lr", 0);
    r.optimizer = {.beta1 = f.number("adam_beta1", 0.9), .beta2 = f.number("adam_beta2", 0.999), .epsilon = f.number("adam_eps", 1e-8),
                   .decay = f.number("weight_decay", 0.01)};
    r.clip      = f.number("clip_grad", 1);
    r.seed      = static_cast<std::uint64_t>(f.whole("seed", 1234));
    detail::read_megatron_schedule(f, r, samples);
    for (char const* key : {"data_path", "train_data_path"}) detail::read_megatron_blend(f, r, key);
    detail::read_megatron_positions(f, r);
    detail::find_in_megatron(f, r);
    return r;
}

}  // namespace midtrain::inline MT_ABI::foreign
