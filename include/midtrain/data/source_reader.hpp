#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>
#include <midtrain/concepts/order_policy.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/data/cursor.hpp>
#include <midtrain/data/document_buckets.hpp>
#include <midtrain/data/fim.hpp>
#include <midtrain/data/packing.hpp>
#include <midtrain/data/packing_form.hpp>
#include <midtrain/data/sampler.hpp>
#include <midtrain/data/staged_documents.hpp>

namespace midtrain::inline MT_ABI::data {

/// Where the buckets of a source stand. Empty where its documents are not in buckets.
struct bucket_places {
    std::int64_t        form = 0;  ///< tells buckets of other documents apart
    sampler::state      drawn;     ///< sequences, in this stage
    std::vector<cursor> cursors;

    friend bool operator==(bucket_places const& a, bucket_places const& b) {
        return a.form == b.form && a.drawn.drawn == b.drawn.drawn && a.drawn.asked == b.drawn.asked && a.cursors == b.cursors;
    }
};

/// What a run that goes back finds: the buckets' places of now, and what was drawn of them by then; of a stage that begins, nothing.
inline std::vector<bucket_places> rewound_buckets(std::vector<bucket_places> const& then, std::vector<bucket_places> now, bool begins) {
    for (std::size_t i = 0; i < now.size(); ++i) {
        auto& d = now[i].drawn;
        if (!begins && i < then.size() && then[i].form == now[i].form) d = then[i].drawn;
        else d = {std::vector<std::int64_t>(d.drawn.size()), std::vector<double>(d.asked.size())};
    }
    return now;
}

/// The sequences of one source: from which bucket of its order each comes, and what stands in it. Buckets are drawn from as sources are,
/// so each keeps within a sequence of its share while shares stand. A bucket's place is kept over stages with the same buckets.
template <class Store>
class source_reader {
  public:
    /// `most`: sequences that the stage may draw. Copies none of the store.
    template <OrderPolicy Order>
    source_reader(Store const& store, std::string const& name, Order const& order, fim const& how, std::int32_t end_token, std::uint64_t seed,
                  packing_form form, index_t length, std::int64_t most)
        : fim_(std::make_unique<fim>(how)), buckets_(store, order, name), sampler_(buckets_.size(), most, seed) {
        check(store.documents() > 0, [&] { return "source '" + name + "' has no documents"; });
        if (!is_meant(how.only, name)) fim_->rate = 0;
        auto const n = buckets_.size();
        documents_.reserve(n), packed_.reserve(n), packed_of_.assign(n, none);
        std::uint64_t mixed = n;
        for (std::size_t b = 0; b < n; ++b) {
            mixed = mix_bits(mixed) + (buckets_.all() ? 0 : buckets_.of(b).size());
            if (!buckets_.all() && buckets_.of(b).empty()) continue;
            packed_of_[b] = documents_.size();
            documents_.emplace_back(store, buckets_.all(), buckets_.all() ? std::span<std::uint32_t const>() : buckets_.of(b), *fim_, seed);
            packed_.emplace_back(documents_.back(), end_token, b == 0 ? seed : mix_bits(seed + b), form, length);
        }
        if (!buckets_.all()) form_ = static_cast<std::int64_t>(mixed >> 1) | 1, cursors_.resize(n);
    }

    /// Fills a sequence and moves the cursor: of a source in buckets it only counts. share(bucket): what is asked of each now.
    template <class Share>
    document_place fill(cursor& at, Share const& share, sequence_view const& to) {
        if (buckets_.all()) return in_store(0, packed_.front().fill(at, to));
        auto const b = sampler_.next([&](std::int64_t, std::span<double> w) {
            for (std::size_t k = 0; k < w.size(); ++k) w[k] = share(k);
        });
        check(packed_of_[b] != none, [&] { return "bucket " + std::to_string(b) + " of an order has a share and no documents"; });
        auto&      of     = cursors_[b];
        auto const before = of;
        auto const begin  = packed_[packed_of_[b]].fill(of, to);
        at.tokens += of.tokens - before.tokens, at.padding += of.padding - before.padding;
        return in_store(packed_of_[b], begin);
    }

    /// Into what is there already, without allocating where it has been.
    void store_in(bucket_places& to) const {
        to.form = form_;
        if (buckets_.all()) return;
        to.drawn = sampler_.now(), to.cursors = cursors_;
    }
    /// Within a stage.
    void resume(bucket_places const& from) {
        if (buckets_.all()) return;
        check(from.form == form_ && from.cursors.size() == cursors_.size(),
              "the checkpoint stands within a stage whose documents were in other buckets: the order, or the documents, have changed");
        sampler_.resume(from.drawn);
        cursors_ = from.cursors;
    }
    /// At the beginning of a stage, after another.
    void start_at(bucket_places const& from) {
        if (!buckets_.all() && from.form == form_ && from.cursors.size() == cursors_.size()) cursors_ = from.cursors;
    }
    std::vector<cursor> const& cursors() const { return cursors_; }  ///< by bucket

  private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    document_place in_store(std::size_t packed, document_place at) const { return {documents_[packed].in_store(at.document), at.offset}; }

    std::unique_ptr<fim>                           fim_;
    document_buckets                               buckets_;
    sampler                                        sampler_;
    std::vector<staged_documents<Store>>           documents_;  // by bucket that has some
    std::vector<packing<staged_documents<Store>>>  packed_;
    std::vector<std::size_t>                       packed_of_;  // by bucket
    std::vector<cursor>                            cursors_;
    std::int64_t                                   form_ = 0;
};

/// Refuses an order that asks, somewhere in a stage, for documents that a source does not have. at(k), k from 0 to points: progress.
template <class Store, OrderPolicy Order, class At>
void check_buckets(Store const& store, std::string const& name, Order const& order, std::int64_t points, At const& at) {
    if (!order.is_for(name)) return;
    document_buckets const buckets(store, order, name);
    if (buckets.all()) return;
    for (std::size_t b = 0; b < buckets.size(); ++b)
        for (std::int64_t k = 0; buckets.of(b).empty() && k <= points; ++k)
            check(!(order.share(b, at(k)) > 0), [&] {
                return "source '" + name + "' has no documents for bucket " + std::to_string(b) + " of " + std::to_string(buckets.size()) +
                       " of the stage's order, which gives it a share";
            });
}

}  // namespace midtrain::inline MT_ABI::data
