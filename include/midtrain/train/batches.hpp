#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/data/fim.hpp>
#include <midtrain/data/packing_form.hpp>
#include <midtrain/data/sampler.hpp>
#include <midtrain/data/source_reader.hpp>
#include <midtrain/mixture/shuffled.hpp>
#include <midtrain/problem/batch.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

/// A source that somebody else owns.
template <class Store>
struct borrowed_store {
    Store const* store;

    auto           documents() const { return store->documents(); }
    decltype(auto) document(std::int64_t i) const { return store->document(i); }
    double         score(std::int64_t i) const
        requires requires(Store const& s) { s.score(i); }
    {
        return store->score(i);
    }
};

}  // namespace detail

/// Which documents the first sequences of a batch begin in.
struct beginnings {
    static constexpr index_t most = 16;

    struct one {
        std::int32_t         source = 0;
        data::document_place at;
    };
    std::vector<one> of;
    index_t          sequences = 0;  ///< in the batch

    /// For a message, by the sources' names.
    std::string written(std::span<std::string const> names) const {
        std::string s = "its sequences begin in";
        for (std::size_t k = 0; k < of.size(); ++k)
            s += (k ? ", " : " ") + names[static_cast<std::size_t>(of[k].source)] + " document " + std::to_string(of[k].at.document) +
                 " token " + std::to_string(of[k].at.offset);
        return s + (sequences > most ? ", ..." : "");
    }
};

/// What a stage does with the documents of its sources before they are packed, and what those are called.
template <class Order = mixture::shuffled>
struct document_wishes {
    Order                        order{};
    data::fim                    fim{};
    std::span<std::string const> names{};  ///< by source; none where order and fim are for all
};

/// The batches of a stage: which source each sequence comes from, and what stands in it. A step's global batch is the same for any
/// number of ranks; each takes its contiguous share of the sequences.
template <class Store>
class batches {
  public:
    /// All there is to save.
    struct state {
        data::sampler::state       drawn;
        std::vector<data::cursor> cursors;
        std::vector<data::bucket_places> buckets{};
    };

    /// `sequences`: of the largest step.
    template <class Order = mixture::shuffled>
    batches(std::span<Store const> stores, std::int32_t end_token, std::uint64_t seed, index_t sequences, index_t length,
            std::int64_t sequences_in_stage, data::packing_form form = {}, document_wishes<Order> const& how = {})
        : sampler_(stores.size(), sequences_in_stage, seed), sequences_(sequences), length_(length) {
        readers_.reserve(stores.size());
        for (std::size_t i = 0; i < stores.size(); ++i) {
            auto const name = i < how.names.size() ? how.names[i] : std::to_string(i);
            auto const add  = [&](auto const& order) {
                readers_.emplace_back(stores[i], name, order, how.fim, end_token, mix_bits(seed + i), form, length, sequences_in_stage);
            };
            if (how.order.is_for(name)) add(how.order);
            else add(mixture::shuffled{});
        }
        cursors_.resize(stores.size());
        auto const n = static_cast<std::size_t>(sequences * length);
        inputs_.resize(n), targets_.resize(n), positions_.resize(n), begin_.resize(n);
        source_.resize(static_cast<std::size_t>(sequences));
        begins_.resize(static_cast<std::size_t>(sequences));
    }

    state now() const {
        state s;
        store_in(s.drawn, s.cursors, s.buckets);
        return s;
    }
    /// The same into what is there already, without allocating.
    void store_in(data::sampler::state& drawn, std::vector<data::cursor>& cursors, std::vector<data::bucket_places>& buckets) const {
        drawn   = sampler_.now();
        cursors = cursors_;
        buckets.resize(readers_.size());
        for (std::size_t i = 0; i < readers_.size(); ++i) readers_[i].store_in(buckets[i]);
    }
    void resume(state const& s) {
        check(s.cursors.size() == cursors_.size(), "the checkpoint has another number of sources than the recipe");
        sampler_.resume(s.drawn);
        cursors_ = s.cursors;
        for (std::size_t i = 0; i < readers_.size(); ++i) readers_[i].resume(i < s.buckets.size() ? s.buckets[i] : data::bucket_places{});
    }
    /// Each source's place of an earlier stage, so that a later one goes on where it stopped.
    void start_at(std::vector<data::cursor> const& cursors, std::vector<data::bucket_places> const& buckets = {}) {
        cursors_ = cursors;
        for (std::size_t i = 0; i < readers_.size() && i < buckets.size(); ++i) readers_[i].start_at(buckets[i]);
    }
    std::vector<data::cursor> const& cursors() const { return cursors_; }

    /// Draws the next step's sequences, as many as a step has; `weights_at(position, span)` as for the sampler.
    template <class WeightsAt>
    void draw(WeightsAt const& weights_at) {
        draw(static_cast<index_t>(source_.size()), weights_at);
    }
    /// The same for a step of `sequences`, at most as many as there is room for.
    template <class WeightsAt>
    void draw(index_t sequences, WeightsAt const& weights_at) {
        draw(sequences, weights_at, [](std::size_t) { return 1.0; });
    }
    /// share(bucket): the order's, in force at this step.
    template <class WeightsAt, class Share>
    void draw(index_t sequences, WeightsAt const& weights_at, Share const& share) {
        sequences_ = sequences;
        targeted_  = 0;
        targeted_of_.assign(readers_.size(), 0);
        for (index_t s = 0; s < sequences_; ++s) {
            std::size_t const from                 = sampler_.next(weights_at);
            source_[static_cast<std::size_t>(s)] = static_cast<std::int32_t>(from);
            auto const at = static_cast<std::size_t>(s * length_), n = static_cast<std::size_t>(length_);
            begins_[static_cast<std::size_t>(s)] =
                readers_[from].fill(cursors_[from], share, {std::span(inputs_).subspan(at, n), std::span(targets_).subspan(at, n),
                                                            std::span(positions_).subspan(at, n), std::span(begin_).subspan(at, n)});
            std::int64_t targets = 0;
            for (std::size_t i = at; i < at + n; ++i) targets += targets_[i] >= 0;
            targeted_of_[from] += targets;
            targeted_ += targets;
        }
    }

    /// `count` of the drawn sequences from `first` on, as a micro-batch of the whole batch's loss.
    token_batch part(index_t first, index_t count) const {
        auto const cut = [&](std::vector<std::int32_t> const& v) {
            return row_view<std::int32_t const>{v.data() + first * length_, count * length_};
        };
        return {cut(inputs_), cut(targets_), cut(positions_), cut(begin_), count, length_, static_cast<double>(targeted_),
                sequences_ * length_, bound_of_documents(cut(begin_), length_)};
    }
    std::int64_t         targets() const { return targeted_; }  ///< in the drawn batch
    std::span<std::int64_t const> targets_by_source() const { return targeted_of_; }
    int                  source_of(index_t sequence) const { return source_[static_cast<std::size_t>(sequence)]; }
    /// Where a drawn sequence begins in its source.
    data::document_place begins_at(index_t sequence) const { return begins_[static_cast<std::size_t>(sequence)]; }
    /// For a message: which documents the first sixteen sequences begin in, by the sources' names.
    std::string written_beginnings(std::span<std::string const> names) const {
        beginnings b;
        store_in(b);
        return b.written(names);
    }
    /// What that message is made of, into what is there already.
    void store_in(beginnings& to) const {
        to.sequences = sequences_;
        to.of.clear();
        to.of.reserve(beginnings::most);
        for (index_t k = 0; k < sequences_ && k < beginnings::most; ++k) to.of.push_back({source_of(k), begins_at(k)});
    }
    /// Of `count` drawn sequences from `first` on.
    row_view<std::int32_t const> sources_of(index_t first, index_t count) const { return {source_.data() + first, count}; }
    std::int32_t         target(index_t token) const { return targets_[static_cast<std::size_t>(token)]; }
    index_t              sequences() const { return sequences_; }  ///< in the drawn batch
    index_t              length() const { return length_; }
    std::size_t          sources() const { return readers_.size(); }

  private:
    data::sampler                     sampler_;
    std::vector<data::source_reader<Store>> readers_;
    std::vector<data::cursor>         cursors_;
    index_t                           sequences_, length_;
    std::int64_t                      targeted_ = 0;
    std::vector<std::int64_t>         targeted_of_;  // by source
    std::vector<std::int32_t>         inputs_, targets_, positions_, begin_;
    std::vector<std::int32_t>         source_;
    std::vector<data::document_place> begins_;  // where each drawn sequence starts
};

}  // namespace midtrain::inline MT_ABI
