#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/permutation.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/data/best_fit.hpp>
#include <midtrain/data/cursor.hpp>
#include <midtrain/data/packing_form.hpp>
#include <midtrain/data/token_range.hpp>

namespace midtrain::inline MT_ABI::data {

/// Sequences cut from a source's documents in an order shuffled anew each epoch, in the way that a packing_form says. Each document ends
/// in the end token, whose own target is missing, because what follows has nothing to do with it. Every other token is a target once,
/// unless the document says that the loss does not count it; such a target is -1, too, and so is that of padding. Where documents are
/// not concatenated, an end token that a cut leaves alone is dropped: it would have no target.
///
/// What a sequence holds is a function of the seed and the cursor. Where a stage packs otherwise than the one before, it goes on at the
/// same token; within a window of best_fit it goes on behind the window.
///
/// Store: `documents()` and `document(i)`, a range of token ids; where it has `counts(i)`, that says whether token i is a target. One
/// whose documents may change from stage to stage has `form()`, a number that tells the ways apart.
template <class Store>
class packing {
  public:
    /// `length`: of the sequences; best_fit must know it before.
    packing(Store const& store, std::int32_t end_token, std::uint64_t seed, packing_form form = {}, index_t length = 0)
        : store_(&store), end_(end_token), seed_(seed), form_(form) {
        check(store.documents() > 0, "a source without documents cannot be packed");
        if (form.packing != packing_kind::best_fit) return;
        check(form.window > 0, "best_fit needs a window of documents");
        fitter_.emplace(length);
        auto const some = static_cast<std::size_t>(std::min<std::int64_t>(form.window, documents()));
        pieces_.reserve(2 * some), first_piece_.reserve(2 * some + 1), fitter_->reserve(2 * some);
    }

    /// Fills a sequence and moves the cursor past it. Returns where it begins.
    document_place fill(cursor& at, sequence_view const& to) {
        if (at.sequence > 0 && at.form != window_form()) leave_window(at);
        settle(at);
        return form_.packing == packing_kind::best_fit ? fill_of_window(at, to) : fill_in_order(at, to);
    }

    /// The document that the cursor stands in.
    std::int64_t which(cursor const& at) const {
        permutation const shuffle(static_cast<std::uint64_t>(documents()),
                                  random_stream{seed_, 0x70616b}.bits(static_cast<std::uint64_t>(at.epoch)));
        return static_cast<std::int64_t>(shuffle(static_cast<std::uint64_t>(at.document)));
    }

  private:
    document_place fill_in_order(cursor& at, sequence_view const& to) {
        document_place const begin{which(at), at.offset};
        std::size_t          n = 0;
        do {
            auto const   i    = which(at);
            auto const&  text = store_->document(i);
            auto const   size = static_cast<std::int64_t>(text.size()) + 1;  // and the end token
            auto const   take = std::min(size - at.offset, static_cast<std::int64_t>(to.inputs.size() - n));
            write(text, at.offset, take, to, n);
            n += static_cast<std::size_t>(take);
            at.offset += take;
            settle(at);
        } while (n < to.inputs.size() && form_.packing == packing_kind::concatenate);
        account(at, to, n);
        return begin;
    }

    document_place fill_of_window(cursor& at, sequence_view const& to) {
        open_window(at, static_cast<std::int64_t>(to.inputs.size()));
        auto const        sequences = static_cast<std::uint64_t>(first_piece_.size() - 1);
        permutation const shuffle(sequences, random_stream{seed_ ^ mix_bits(static_cast<std::uint64_t>(at.epoch)), 0x66697473}.bits(
                                                 static_cast<std::uint64_t>(at.document)));
        auto const           chosen = static_cast<std::size_t>(shuffle(static_cast<std::uint64_t>(at.sequence)));
        std::size_t          n      = 0;
        document_place       begin;
        for (std::size_t k = first_piece_[chosen]; k < first_piece_[chosen + 1]; ++k) {
            piece const& p     = pieces_[k];
            auto const   place = which({at.epoch, at.document + p.document});
            if (n == 0) begin = {place, p.offset};
            write(store_->document(place), p.offset, p.tokens, to, n);
            n += static_cast<std::size_t>(p.tokens);
        }
        account(at, to, n);
        if (++at.sequence == static_cast<std::int64_t>(sequences)) leave_window(at);
        return begin;
    }
    // Cuts the documents from the cursor on into pieces, and the pieces into sequences, unless that is what stands here already.
    void open_window(cursor& at, std::int64_t length) {
        if (opened_ && at.sequence > 0 && opened_->epoch == at.epoch && opened_->document == at.document && opened_->offset == at.offset) return;
        at.window = std::min<std::int64_t>(form_.window, documents() - at.document);
        at.form   = window_form();
        pieces_.clear();
        for (std::int64_t k = 0; k < at.window; ++k) {
            auto const size = static_cast<std::int64_t>(store_->document(which({at.epoch, at.document + k})).size()) + 1;
            for (std::int64_t from = k == 0 ? at.offset : 0; from == 0 || from + 1 < size; from += length)
                pieces_.push_back({static_cast<std::uint32_t>(k), 0, from, static_cast<std::int32_t>(std::min(length, size - from))});
        }
        first_piece_.assign(fitter_->fit(pieces_) + 1, 0);
        for (piece const& p : pieces_) ++first_piece_[p.sequence + 1];
        for (std::size_t s = 1; s < first_piece_.size(); ++s) first_piece_[s] += first_piece_[s - 1];
        opened_ = at;
    }
    void leave_window(cursor& at) const {
        at.document += at.window;
        at.offset = at.sequence = at.window = at.form = 0;
        settle(at);
    }
    std::int64_t window_form() const {
        auto form = mix_bits(static_cast<std::uint64_t>(form_.packing)) ^ mix_bits(static_cast<std::uint64_t>(form_.window) << 8);
        if (fitter_) form ^= mix_bits(static_cast<std::uint64_t>(fitter_->length()) << 32 | 1);
        if constexpr (requires { store_->form(); }) form ^= store_->form();
        return static_cast<std::int64_t>(form >> 1);
    }

    // Tokens offset .. offset + take - 1 of a document go to places n and on.
    template <class Document>
    void write(Document const& text, std::int64_t offset, std::int64_t take, sequence_view const& to, std::size_t n) const {
        bool const       restart = form_.positions == packed_positions::restart;
        auto const       size    = static_cast<std::int64_t>(text.size()) + 1;
        auto const       begin   = form_.attention == packed_attention::document ? static_cast<std::int32_t>(n) : 0;
        for (std::int64_t k = 0; k < take; ++k, ++n) {
            std::int64_t const i = offset + k;
            bool const         target = i + 1 < size && is_counted(text, static_cast<std::size_t>(i + 1));
            to.inputs[n]         = token(text, i);
            to.targets[n]        = target ? token(text, i + 1) : -1;
            to.positions[n]      = static_cast<std::int32_t>(restart ? static_cast<std::size_t>(k) : n);
            to.document_begin[n] = begin;
        }
    }
    // What is left of a sequence is padding: end tokens that are no targets, see nothing and are seen by nobody.
    void account(cursor& at, sequence_view const& to, std::size_t n) const {
        at.tokens += static_cast<std::int64_t>(n);
        at.padding += static_cast<std::int64_t>(to.inputs.size() - n);
        for (; n < to.inputs.size(); ++n) {
            to.inputs[n]         = end_;
            to.targets[n]        = -1;
            to.positions[n]      = 0;
            to.document_begin[n] = static_cast<std::int32_t>(n);
        }
    }
    template <class Document>
    std::int32_t token(Document const& d, std::int64_t i) const {
        return i < static_cast<std::int64_t>(d.size()) ? static_cast<std::int32_t>(d[static_cast<std::size_t>(i)]) : end_;
    }

    std::int64_t documents() const { return static_cast<std::int64_t>(store_->documents()); }
    // A cursor behind a document's end goes on to the next, and behind the last document to the next epoch. An end token alone, which
    // has no target, is worth no sequence.
    void settle(cursor& at) const {
        for (bool moved = true; moved;) {
            moved = false;
            if (at.document >= documents()) at.document = at.offset = 0, ++at.epoch;
            if (at.offset == 0) return;
            auto const last = static_cast<std::int64_t>(store_->document(which(at)).size());
            if (at.offset > last || (at.offset == last && form_.packing != packing_kind::concatenate))
                at.offset = 0, ++at.document, moved = true;
        }
    }

    Store const*               store_;
    std::int32_t               end_;
    std::uint64_t              seed_;
    packing_form               form_;
    std::optional<best_fit>    fitter_;
    std::optional<cursor>      opened_;  // the window that pieces_ are of
    std::vector<piece>         pieces_;  // by sequence
    std::vector<std::size_t>   first_piece_;
};

}  // namespace midtrain::inline MT_ABI::data
