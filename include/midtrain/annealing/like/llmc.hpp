#pragma once
#include <cstdint>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing::like {

enum class llmc_type { cosine, linear, constant, wsd };

/// The rate of llm.c (llmc/schedulers.h, 2025), in float as there. Fields are those of its LearningRateScheduler. The first step has s = 0
/// and (s + 1) / W of the peak; `constant` has no warm-up, and `wsd` falls as 1 - sqrt(r) over the last fifth. Past the end, where llm.c
/// stops with a failed assertion, the rate stays at its floor.
struct llmc {
    required<double>       learning_rate;
    required<std::int64_t> train_num_batches;
    std::int64_t           warmup_iterations        = 0;
    double                 final_learning_rate_frac = 1;  ///< as its train_gpt2.cu has by default
    llmc_type              type                     = llmc_type::cosine;

    constexpr double rate(progress at) const {
        auto const         peak = static_cast<float>(learning_rate.value);
        std::int64_t const s = at.step, w = warmup_iterations, n = train_num_batches;
        if (type == llmc_type::constant) return static_cast<double>(peak);
        if (s < w) {
            auto const up = static_cast<float>(s + 1);
            return static_cast<double>(type == llmc_type::wsd ? peak * (up / static_cast<float>(w)) : peak * up / static_cast<float>(w));
        }
        std::int64_t const from = type == llmc_type::wsd ? static_cast<std::int64_t>(0.8f * static_cast<float>(n)) : w;
        if (s < from) return static_cast<double>(peak);
        float const r = s < n ? static_cast<float>(s - from) / static_cast<float>(n - from) : 1.0f;
        float const low = math::product(peak, static_cast<float>(final_learning_rate_frac));
        if (type == llmc_type::linear) return static_cast<double>(peak - math::product(r, peak - low));
        return static_cast<double>(low + math::product(left(r), peak - low));
    }
    constexpr bool fits(tokens) const {
        return learning_rate >= 0 && warmup_iterations >= 0 && warmup_iterations < train_num_batches && final_learning_rate_frac >= 0;
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr float left(float r) const {
        if (type == llmc_type::wsd) return 1.0f - static_cast<float>(math::sqrt(static_cast<double>(r)));
        double const angle = math::pi * static_cast<double>(r);
        return 0.5f * (1.0f + static_cast<float>(math::cos(static_cast<double>(static_cast<float>(angle)))));
    }
};

}  // namespace midtrain::inline MT_ABI::annealing::like

namespace midtrain::inline MT_ABI {
namespace like = annealing::like;
}
