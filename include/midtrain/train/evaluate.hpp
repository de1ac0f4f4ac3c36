#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/data/token_range.hpp>
#include <midtrain/problem/batch.hpp>
#include <midtrain/train/document_loss.hpp>

namespace midtrain::inline MT_ABI {

struct evaluate_options {
    std::int64_t documents  = 0;     ///< of the store, from its first on; 0: all
    index_t      max_tokens = 0;     ///< of a document, its end token included, what follows is cut off; 0: as many as fit
    index_t      sequences  = 8;     ///< of a batch
    index_t      length     = 1024;  ///< of a sequence; the model's rotary table must reach this far
};

namespace detail {

/// A batch being filled with documents, and which document each token belongs to.
class evaluation_pack {
  public:
    evaluation_pack(index_t sequences, index_t length, std::int32_t padding)
        : sequences_(sequences), length_(length), padding_(padding) {
        clear();
    }

    bool empty() const { return used_ == 0 && at_ == 0; }
    /// Whether n tokens still fit: into the open sequence, or into the next.
    bool fits(index_t n) const { return used_ < sequences_ && (at_ + n <= length_ || used_ + 1 < sequences_); }

    /// text[i + 1] is the target of text[i] where judged(i + 1); positions restart, and no token sees another document.
    template <class Judged>
    void add(std::int64_t document, std::span<std::int32_t const> text, Judged const& judged) {
        auto const n = static_cast<index_t>(text.size()) - 1;
        if (at_ + n > length_) ++used_, at_ = 0;
        for (index_t i = 0; i < n; ++i) {
            auto const to = static_cast<std::size_t>(used_ * length_ + at_ + i), from = static_cast<std::size_t>(i);
            bool const target = judged(from + 1);
            inputs_[to] = text[from], targets_[to] = target ? text[from + 1] : -1;
            positions_[to] = static_cast<std::int32_t>(i), begin_[to] = static_cast<std::int32_t>(at_);
            document_[to] = document;
            targeted_ += target;
        }
        at_ += n;
    }

    /// The losses of all targets, in order: visit(document, position, loss).
    template <class Model, class Visit>
    void run(Model& model, std::vector<typename Model::computed>& token_loss, Visit const& visit) {
        auto const filled = batch();
        token_loss.assign(static_cast<std::size_t>(filled.count()), 0);
        model.evaluate(filled, {token_loss.data(), filled.count()});
        for (std::size_t i = 0; i < token_loss.size(); ++i)
            if (targets_[i] >= 0) visit(document_[i], static_cast<index_t>(positions_[i]), static_cast<double>(token_loss[i]));
        clear();
    }
    /// The logits at all targets, in order: visit(document, target, logits).
    template <class Model, class Visit>
    void run_logits(Model& model, std::vector<typename Model::computed>& logits, Visit const& visit) {
        auto const filled = batch();
        rows_.clear();
        for (std::size_t i = 0; i < static_cast<std::size_t>(filled.count()); ++i)
            if (targets_[i] >= 0) rows_.push_back(static_cast<std::int32_t>(i));
        auto const n = static_cast<index_t>(rows_.size()), vocabulary = static_cast<index_t>(model.shape().vocab);
        logits.resize(static_cast<std::size_t>(n * vocabulary));
        model.logits(filled, row_view<std::int32_t const>{rows_.data(), n}, as_matrix(logits.data(), n, vocabulary));
        auto const row = static_cast<std::size_t>(vocabulary);
        for (std::size_t k = 0; k < rows_.size(); ++k) {
            auto const at = static_cast<std::size_t>(rows_[k]);
            visit(document_[at], targets_[at], std::span<typename Model::computed const>(logits).subspan(k * row, row));
        }
        clear();
    }
    index_t targets() const { return targeted_; }  ///< so far

  private:
    token_batch batch() const {
        index_t const sequences = used_ + (at_ > 0), n = sequences * length_;
        auto const    cut       = [&](std::vector<std::int32_t> const& v) { return row_view<std::int32_t const>{v.data(), n}; };
        return {cut(inputs_), cut(targets_), cut(positions_), cut(begin_), sequences, length_, static_cast<double>(targeted_), 0,
                bound_of_documents(cut(begin_), length_)};
    }
    void clear() {
        auto const n = static_cast<std::size_t>(sequences_ * length_);
        used_ = at_ = targeted_ = 0;
        inputs_.assign(n, padding_), targets_.assign(n, -1), positions_.assign(n, 0), document_.assign(n, -1);
        begin_.resize(n);  // what pads sees nothing but itself
        for (std::size_t i = 0; i < n; ++i) begin_[i] = static_cast<std::int32_t>(i % static_cast<std::size_t>(length_));
    }

    index_t                   sequences_, length_;
    std::int32_t              padding_;
    index_t                   used_ = 0, at_ = 0, targeted_ = 0;  // full sequences; tokens in the open one; targets
    std::vector<std::int32_t> inputs_, targets_, positions_, begin_, rows_;
    std::vector<std::int64_t> document_;
};

}  // namespace detail

namespace detail {

/// Tokens of a document that are looked at, its end token included.
inline std::size_t evaluated_tokens(evaluate_options const& how, std::size_t size) {
    return std::min(static_cast<std::size_t>(how.max_tokens > 0 ? how.max_tokens : how.length + 1), size + 1);
}

}  // namespace detail

/// The loss of every target of held-out documents: visit(document, position, loss), documents in the store's order, positions from 0.
/// Each document is followed by the end token, as in training, and a token that the document's loss mask leaves out is no target.
/// Several documents stand in one sequence, but none sees another.
/// Returns how many documents were read. Store: `documents()` and `document(i)`, a range of token ids.
template <class Model, class Store, class Visit>
std::int64_t visit_losses(Model& model, Store const& store, std::int32_t end_token, evaluate_options how, Visit const& visit) {
    check(how.sequences > 0 && how.length > 0, "evaluation: sequences and length are positive");
    index_t const most = how.max_tokens > 0 ? how.max_tokens : how.length + 1;
    check(most >= 2 && most <= how.length + 1, [&] {
        return "evaluation: max_tokens is " + std::to_string(most) + ", a sequence of " + std::to_string(how.length) + " holds 2 to " +
               std::to_string(how.length + 1);
    });
    auto const                            all   = static_cast<std::int64_t>(store.documents());
    auto const                            count = how.documents > 0 ? std::min(how.documents, all) : all;
    detail::evaluation_pack               pack(how.sequences, how.length, end_token);
    std::vector<typename Model::computed> token_loss;
    std::vector<std::int32_t>             text;
    for (std::int64_t d = 0; d < count; ++d) {
        auto const document = store.document(d);
        auto const take     = detail::evaluated_tokens(how, document.size());
        bool       any      = false;
        text.clear();
        for (std::size_t i = 0; i < take; ++i) {
            text.push_back(i < document.size() ? static_cast<std::int32_t>(document[i]) : end_token);
            any |= i > 0 && data::is_counted(document, i);
        }
        if (!any) continue;
        if (!pack.fits(static_cast<index_t>(text.size()) - 1)) pack.run(model, token_loss, visit);
        pack.add(d, text, [&](std::size_t i) { return data::is_counted(document, i); });
    }
    if (!pack.empty()) pack.run(model, token_loss, visit);
    return count;
}

/// Held-out loss by document. `bytes_of(tokens)` says how many bytes of text the targets of a document stand for; `also(position, loss)`
/// hears of every target.
template <class Model, class Store, class BytesOf, class Also>
std::vector<document_loss> evaluate_documents(Model& model, Store const& store, std::int32_t end_token, evaluate_options how,
                                              BytesOf const& bytes_of, Also const& also) {
    std::vector<document_loss> out;
    auto const at = [&](std::int64_t d) -> document_loss& {
        if (static_cast<std::size_t>(d) >= out.size()) out.resize(static_cast<std::size_t>(d) + 1);
        return out[static_cast<std::size_t>(d)];
    };
    auto const count = visit_losses(model, store, end_token, how, [&](std::int64_t d, index_t position, double loss) {
        at(d).loss += loss;
        ++at(d).targets;
        also(position, loss);
    });
    out.resize(static_cast<std::size_t>(count));
    std::vector<std::int32_t> targets;
    for (std::size_t d = 0; d < out.size(); ++d) {
        auto const document = store.document(static_cast<std::int64_t>(d));
        auto const last     = std::min(detail::evaluated_tokens(how, document.size()), static_cast<std::size_t>(document.size()));
        targets.clear();
        for (std::size_t i = 1; i < last; ++i)
            if (data::is_counted(document, i)) targets.push_back(static_cast<std::int32_t>(document[i]));
        out[d].bytes = static_cast<std::int64_t>(bytes_of(std::span<std::int32_t const>(targets)));
    }
    return out;
}
template <class Model, class Store, class BytesOf>
std::vector<document_loss> evaluate_documents(Model& model, Store const& store, std::int32_t end_token, evaluate_options how,
                                              BytesOf const& bytes_of) {
    return evaluate_documents(model, store, end_token, how, bytes_of, [](index_t, double) {});
}
template <class Model, class Store>
std::vector<document_loss> evaluate_documents(Model& model, Store const& store, std::int32_t end_token, evaluate_options how = {}) {
    return evaluate_documents(model, store, end_token, how, [](std::span<std::int32_t const>) { return std::int64_t{0}; });
}

/// Mean loss at positions first .. last of a document.
struct position_loss {
    index_t      first = 0, last = 0;
    double       loss = 0;  ///< in nats a token
    std::int64_t targets = 0;

    friend constexpr bool operator==(position_loss const&, position_loss const&) = default;
};

namespace detail {

/// Sums of losses at positions 0, 1, 2..3, 4..7, 8..15, ...
class position_tally {
  public:
    void add(index_t position, double loss) {
        auto const k = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(position)));
        while (sums_.size() <= k) {
            auto const next = static_cast<index_t>(sums_.size());
            index_t const first = next > 0 ? index_t{1} << (next - 1) : 0;
            sums_.push_back({first, first, 0, 0});
        }
        sums_[k].last = std::max(sums_[k].last, position);
        sums_[k].loss += loss, ++sums_[k].targets;
    }
    std::vector<position_loss> means() const {
        auto all = sums_;
        for (auto& p : all) p.loss /= static_cast<double>(p.targets);
        return all;
    }

  private:
    std::vector<position_loss> sums_;
};

}  // namespace detail

/// Held-out loss by position: 0, 1, 2..3, 4..7, 8..15, ... as far as documents reach.
template <class Model, class Store>
std::vector<position_loss> evaluate_positions(Model& model, Store const& store, std::int32_t end_token, evaluate_options how = {}) {
    detail::position_tally positions;
    visit_losses(model, store, end_token, how, [&](std::int64_t, index_t position, double loss) { positions.add(position, loss); });
    return positions.means();
}

}  // namespace midtrain::inline MT_ABI
