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
    index_t                      documents = 0;     ///< no more than so many stand in these sequences; 0: not known

    constexpr index_t count() const { return sequences * length; }
    /// Of these tokens in the global batch.
    constexpr double share() const { return global_count > 0 ? static_cast<double>(count()) / static_cast<double>(global_count) : 1.0; }
};

/// A bound of how many documents stand in sequences of `length`, from where each token's begins: `sequences` where each is one document,
/// else that doubled until they fit. Batches of one bound are of one form for a device that lays their documents side by side.
inline index_t bound_of_documents(row_view<std::int32_t const> document_begin, index_t length) {
    index_t count = 0;
    for (index_t t = 0; t < document_begin.size(); ++t) count += document_begin[t] == t % length;
    index_t bound = document_begin.size() / length;
    while (bound < count) bound *= 2;
    return bound;
}

/// A micro-batch of a step, and which source each of its sequences comes from.
struct step_part {
    token_batch                  batch;
    row_view<std::int32_t const> sources;  ///< (sequences)
};

}  // namespace midtrain::inline MT_ABI
