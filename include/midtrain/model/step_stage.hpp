#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/model/index_sorter.hpp>
#include <midtrain/model/staging.hpp>
#include <midtrain/problem/batch.hpp>

namespace midtrain::inline MT_ABI {

/// A micro-batch of a step as a device reads it: its tokens, sorted too, and which source each of its sequences comes from.
struct staged_part {
    token_batch                  batch;
    row_view<std::int32_t const> sources;       // (sequences), or empty
    row_view<std::int32_t const> by_token, by_position;
    row_view<std::int32_t const> targets_bits;  // (2): batch.target_count as it lies in memory

    double const* targets() const { return reinterpret_cast<double const*>(targets_bits.data); }
};

/// All micro-batches of a step, brought over in one copy. The bound of documents is the largest that batches of such a size had so far, so that
/// a step has few forms.
template <class Device>
class step_stage {
  public:
    std::size_t        size() const { return parts_.size(); }
    staged_part const& operator[](std::size_t k) const { return parts_[k]; }

    /// Throws midtrain::error when a token is not below `vocabulary` or a position not below `context`, which 0 leaves unasked.
    void bring(Device& device, std::span<step_part const> given, index_t vocabulary, index_t context) {
        parts_.resize(given.size());
        kept_.resize(std::max(kept_.size(), given.size()));
        views_.clear();
        for (auto const& p : given) bound(p.batch);
        for (std::size_t k = 0; k < given.size(); ++k) {
            auto& [batch, sources, by_token, by_position, bits] = parts_[k];
            kept& own = kept_[k];
            batch       = given[k].batch;
            sources     = given[k].sources;
            by_token    = own.by_token(batch.inputs, vocabulary);
            by_position = context > 0 ? own.by_position(batch.positions, context) : row_view<std::int32_t const>{};
            check(by_token.size() > 0, "a batch holds a token that is not in the vocabulary");
            batch.documents = bound(batch);
            own.targets     = batch.target_count;
            bits            = {reinterpret_cast<std::int32_t const*>(&own.targets), 2};
            for (auto* v : {&batch.inputs, &batch.targets, &batch.positions, &batch.document_begin, &sources, &by_token, &by_position, &bits})
                views_.push_back(v);
        }
        staged_.bring(device, views_);
    }

  private:
    struct kept {
        index_sorter by_token, by_position;
        double       targets = 0;
    };

    index_t bound(token_batch const& b) {
        if (b.documents == 0) return 0;  // not known
        for (auto& of : bounds_)
            if (of.sequences == b.sequences && of.length == b.length) return of.documents = std::max(of.documents, b.documents);
        bounds_.push_back({b.sequences, b.length, b.documents});
        return b.documents;
    }
    struct document_bound {
        index_t sequences, length, documents;
    };
    std::vector<document_bound>                bounds_;
    std::vector<staged_part>                   parts_;
    std::vector<kept>                          kept_;
    std::vector<row_view<std::int32_t const>*> views_;
    staging<Device>                            staged_;
};

}  // namespace midtrain::inline MT_ABI
