#pragma once
#include <cstdint>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/exponential.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing::like {

/// Megatron-LM writes them as constant, linear, cosine, inverse-square-root and WSD.
enum class megatron_decay { constant, linear, cosine, inverse_square_root, wsd };
enum class megatron_wsd_decay { exponential, linear, cosine, minus_sqrt };

/// The rate of Megatron-LM (megatron-core 0.16.1, optimizer_param_scheduler.py; get_optimizer_param_scheduler of training.py). Fields are
/// its arguments. It counts samples n that are done, here the stage's tokens / seq_length, so a growing batch is counted as it does:
///   n <= W: init + (lr - init) n / W;   n > decay: min_lr;   else min_lr + (lr - min_lr) f(r), r = (n - W) / (decay - W).
/// Lengths are in iterations of global_batch_size samples, or in samples; of each pair the samples count where they are given.
struct megatron {
    required<double>       lr;
    required<std::int64_t> seq_length, global_batch_size;
    double                 lr_decay_iters = 0, lr_decay_samples = 0;
    megatron_decay         lr_decay_style  = megatron_decay::linear;
    double                 lr_warmup_iters = 0, lr_warmup_samples = 0;
    double                 lr_warmup_fraction = 0;  ///< of the decay; where it is given it wins
    double                 lr_warmup_init = 0, min_lr = 0;
    double                 lr_wsd_decay_iters = 0, lr_wsd_decay_samples = 0;
    megatron_wsd_decay     lr_wsd_decay_style = megatron_wsd_decay::exponential;

    constexpr double rate(progress at) const {
        double const n = static_cast<double>(at.seen.count) / static_cast<double>(seq_length), w = warmup();
        if (w > 0 && n <= w) return lr_warmup_init + (lr - lr_warmup_init) * n / w;
        if (lr_decay_style == megatron_decay::constant) return lr;
        if (n > decay()) return min_lr;
        if (lr_decay_style == megatron_decay::inverse_square_root) {
            double const x = lr * math::sqrt(w > 1 ? w : 1.0) / math::sqrt(n > 1 ? n : 1.0);
            return x > min_lr ? x : min_lr;
        }
        return min_lr + left(n) * (lr - min_lr);
    }

    /// What Megatron-LM asserts of its arguments.
    constexpr bool fits(tokens) const {
        bool const ordered = min_lr >= 0 && min_lr <= lr && lr_warmup_init <= lr && lr_warmup_init >= 0;
        bool const counted = seq_length > 0 && global_batch_size > 0 && decay() > 0 && warmup() >= 0 && warmup() < decay();
        return ordered && counted && (lr_decay_style != megatron_decay::wsd || wsd_decay() > 0);
    }

    // Below: parts of the above, in samples. Public, so that the policy stays an aggregate.
    constexpr double samples(double of_samples, double of_iters) const {
        return of_samples > 0 ? of_samples : of_iters * static_cast<double>(global_batch_size);
    }
    constexpr double decay() const { return samples(lr_decay_samples, lr_decay_iters); }
    constexpr double wsd_decay() const { return samples(lr_wsd_decay_samples, lr_wsd_decay_iters); }
    constexpr double warmup() const {
        return lr_warmup_fraction > 0 ? lr_warmup_fraction * decay() : samples(lr_warmup_samples, lr_warmup_iters);
    }
    /// What is left of the way from lr to min_lr after n samples.
    constexpr double left(double n) const {
        double const r = (n - warmup()) / (decay() - warmup());
        if (lr_decay_style == megatron_decay::linear) return linear_shape{}.left(r);
        if (lr_decay_style == megatron_decay::cosine) return cosine_shape{}.left(r);
        double const from = decay() - wsd_decay();
        if (n <= from) return 1;
        double const into = (n - from) / wsd_decay();
        if (lr_wsd_decay_style == megatron_wsd_decay::linear) return linear_shape{}.left(into);
        if (lr_wsd_decay_style == megatron_wsd_decay::cosine) return cosine_shape{}.left(into);
        return lr_wsd_decay_style == megatron_wsd_decay::exponential ? halving_shape{}.left(into) : one_minus_sqrt_shape{}.left(into);
    }
};

}  // namespace midtrain::inline MT_ABI::annealing::like

namespace midtrain::inline MT_ABI {
namespace like = annealing::like;
}
