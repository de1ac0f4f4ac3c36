#pragma once
#include <cstdint>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// One micro-batch: `sequences` rows of `length` tokens, flattened.
struct token_batch {
    row_view<std::int32_t const> inputs;          ///< (sequences * length)
    row_view<std::int32_t const> targets;         ///< the same; below zero: no loss here
    row_view<std::int32_t const> positions;       ///< position of each token for rotary or learned embeddings
    row_view<std::int32_t const> document_begin;  ///< offset in its own sequence of the first token it may attend to
    index_t                      sequences = 0;
    index_t                      length    = 0;
    double                       target_count = 0;  ///< targets in the global batch: the denominator of the loss
    index_t                      global_count = 0;  ///< tokens in the global batch; 0: these

    constexpr index_t count() const { return sequences * length; }
    /// Of these tokens in the global batch.
    constexpr double share() const { return global_count > 0 ? static_cast<double>(count()) / static_cast<double>(global_count) : 1.0; }
};

/// A micro-batch of a step, and which source each of its sequences comes from.
struct step_part {
    token_batch                  batch;
    row_view<std::int32_t const> sources;  ///< (sequences)
};

}  // namespace midtrain::inline MT_ABI
