#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <midtrain/core/error.hpp>
#include <midtrain/data/permutation.hpp>
#include <midtrain/data/token_range.hpp>

namespace midtrain::inline MT_ABI::data {

/// Where a source stands: epoch, place in that epoch's shuffle, offset in that document. All that resuming needs.
struct cursor {
    std::int64_t epoch = 0, document = 0, offset = 0;
    std::int64_t tokens = 0;  ///< handed out in all

    friend constexpr bool operator==(cursor const&, cursor const&) = default;
};

/// Whether the positions of a packed document start at zero again or run on through the sequence.
enum class packed_positions { restart, run_on };

/// One row of a batch, to be filled; all of one length.
struct sequence_view {
    std::span<std::int32_t> inputs, targets, positions, document_begin;
};

/// Sequences cut from a source's documents, one after the other, in an order shuffled anew each epoch. Each document ends in the end
/// token, whose own target is missing, because what follows has nothing to do with it. Every other token is a target once, unless the
/// document says that the loss does not count it; such a target is -1, too.
///
/// Store: `documents()` and `document(i)`, a range of token ids; where it has `counts(i)`, that says whether token i is a target.
template <class Store>
class packing {
  public:
    packing(Store const& store, std::int32_t end_token, std::uint64_t seed, packed_positions positions = packed_positions::restart)
        : store_(&store), end_(end_token), seed_(seed), positions_(positions) {
        check(store.documents() > 0, "a source without documents cannot be packed");
    }

    /// Fills a sequence and moves the cursor past it.
    void fill(cursor& at, sequence_view const& to) const {
        std::size_t const length = to.inputs.size();
        std::int32_t      begin  = 0;
        for (std::size_t n = 0; n < length;) {
            auto const&        document = store_->document(which(at));
            std::int64_t const size     = static_cast<std::int64_t>(document.size()) + 1;  // and the end token
            std::int64_t const take     = std::min(size - at.offset, static_cast<std::int64_t>(length - n));
            begin                       = static_cast<std::int32_t>(n);
            for (std::int64_t k = 0; k < take; ++k, ++n) {
                std::int64_t const i = at.offset + k;
                to.inputs[n]         = token(document, i);
                bool const target    = i + 1 < size && is_counted(document, static_cast<std::size_t>(i + 1));
                to.targets[n]        = target ? token(document, i + 1) : -1;
                to.positions[n] = positions_ == packed_positions::restart ? static_cast<std::int32_t>(k) : static_cast<std::int32_t>(n);
                to.document_begin[n] = begin;
            }
            move(at, size, take);
        }
    }

    /// The document that the cursor stands in.
    std::int64_t which(cursor const& at) const {
        permutation const shuffle(static_cast<std::uint64_t>(store_->documents()),
                                  random_stream{seed_, 0x70616b}.bits(static_cast<std::uint64_t>(at.epoch)));
        return static_cast<std::int64_t>(shuffle(static_cast<std::uint64_t>(at.document)));
    }

  private:
    template <class Document>
    std::int32_t token(Document const& d, std::int64_t i) const {
        return i < static_cast<std::int64_t>(d.size()) ? static_cast<std::int32_t>(d[static_cast<std::size_t>(i)]) : end_;
    }
    void move(cursor& at, std::int64_t size, std::int64_t take) const {
        at.offset += take;
        at.tokens += take;
        if (at.offset < size) return;
        at.offset = 0;
        if (++at.document < static_cast<std::int64_t>(store_->documents())) return;
        at.document = 0;
        ++at.epoch;
    }

    Store const*     store_;
    std::int32_t     end_;
    std::uint64_t    seed_;
    packed_positions positions_;
};

}  // namespace midtrain::inline MT_ABI::data
