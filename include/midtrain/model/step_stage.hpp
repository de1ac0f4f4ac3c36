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
    row_view<std::int32_t const> sources;  // (sequences), or empty
    row_view<std::int32_t const> by_token, by_position;
    row_view<std::int32_t const> targets_bits{};  // (2): batch.target_count as it lies in a memory of the device's own

    double const* targets() const { return targets_bits.data ? reinterpret_cast<double const*>(targets_bits.data) : &batch.target_count; }
};

/// All micro-batches of a step, brought over in one copy. The bound of documents is the largest that batches of such a size had so far, so that
/// a step has few forms. Where the host shares the device's memory nothing is copied, and tokens are sorted when their part's turn comes.
template <class Device>
class step_stage {
  public:
    std::size_t        size() const { return parts_.size(); }
    staged_part const& operator[](std::size_t k) const { return parts_[k]; }

    /// Room for so many micro-batches, so that steps of more of them allocate nothing.
    void reserve(std::size_t most) {
        parts_.reserve(most);
        bounds_.reserve(most_forms);
    }
    void bring(Device& device, std::span<step_part const> given, index_t vocabulary, index_t context) {
        vocabulary_ = vocabulary, context_ = context;
        parts_.resize(given.size());
        for (auto const& p : given) bound(p.batch);
        for (std::size_t k = 0; k < given.size(); ++k) {
            parts_[k]                 = {given[k].batch, given[k].sources, {}, {}};
            parts_[k].batch.documents = bound(given[k].batch);
        }
        if constexpr (!Device::shares_memory) bring_over(device);
    }
    /// The part, with its tokens sorted. Throws midtrain::error when one is not in the vocabulary; positions beyond the context stay unsorted.
    staged_part const& sorted(std::size_t k) {
        if constexpr (Device::shares_memory) sort(parts_[k], one_);
        return parts_[k];
    }

  private:
    static constexpr std::size_t most_forms = 32;

    struct kept {
        index_sorter by_token, by_position;
        double       targets = 0;
    };

    void sort(staged_part& p, kept& with) const {
        p.by_token    = with.by_token(p.batch.inputs, vocabulary_);
        p.by_position = context_ > 0 ? with.by_position(p.batch.positions, context_) : row_view<std::int32_t const>{};
        check(p.by_token.size() > 0, "a batch holds a token that is not in the vocabulary");
    }
    void bring_over(Device& device) {
        kept_.resize(std::max(kept_.size(), parts_.size()));
        views_.clear();
        for (std::size_t k = 0; k < parts_.size(); ++k) {
            auto& p = parts_[k];
            sort(p, kept_[k]);
            kept_[k].targets = p.batch.target_count;
            p.targets_bits   = {reinterpret_cast<std::int32_t const*>(&kept_[k].targets), 2};
            for (auto* v : {&p.batch.inputs, &p.batch.targets, &p.batch.positions, &p.batch.document_begin, &p.sources, &p.by_token, &p.by_position,
                            &p.targets_bits})
                views_.push_back(v);
        }
        staged_.bring(device, views_);
    }
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
    index_t                                    vocabulary_ = 0, context_ = 0;
    kept                                       one_;  // of the part whose turn it is
    std::vector<document_bound>                bounds_;
    std::vector<staged_part>                   parts_;
    std::vector<kept>                          kept_;
    std::vector<row_view<std::int32_t const>*> views_;
    staging<Device>                            staged_;
};

}  // namespace midtrain::inline MT_ABI
