#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/symmetric_eigenvalues.hpp>
#include <midtrain/train/evaluate.hpp>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/held_out.hpp>

namespace midtrain::inline MT_ABI {

/// Renyi's entropy of the shares x / sum(x) of values that are not negative, in nats: log(sum p^order) / (1 - order); order 1 is Shannon's.
/// Of a density matrix's eigenvalues it is the matrix-based entropy (Giraldo, Rao, Principe 2015), for order 1 von Neumann's.
inline double spectral_entropy(std::span<double const> values, double order = 1) {
    double sum = 0, moment = 0;
    for (double x : values) sum += x;
    if (!(sum > 0)) return 0;
    for (double x : values)
        if (x > 0) moment += order == 1 ? -x / sum * std::log(x / sum) : std::pow(x / sum, order);
    return order == 1 ? moment : std::log(moment) / (1 - order);
}

/// Eigenvalues of the covariance of rows, the smallest first, as many as the smaller side has: (count, width). With fewer rows than columns
/// those of the rows' products, which are the same.
template <class T>
std::vector<double> covariance_spectrum(std::span<T const> rows, std::size_t count, std::size_t width) {
    check(rows.size() == count * width && count > 1, "a covariance needs two rows at least");
    std::vector<double> x(rows.begin(), rows.end()), mean(width);
    for (std::size_t r = 0; r < count; ++r)
        for (std::size_t c = 0; c < width; ++c) mean[c] += x[r * width + c] / static_cast<double>(count);
    for (std::size_t r = 0; r < count; ++r)
        for (std::size_t c = 0; c < width; ++c) x[r * width + c] -= mean[c];
    auto const          n = std::min(count, width);
    std::vector<double> a(n * n);
    if (count <= width) {
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j <= i; ++j) {
                double sum = 0;
                for (std::size_t c = 0; c < width; ++c) sum += x[i * width + c] * x[j * width + c];
                a[i * n + j] = a[j * n + i] = sum / static_cast<double>(count);
            }
    } else {
        for (std::size_t r = 0; r < count; ++r)
            for (std::size_t i = 0; i < n; ++i) {
                double const here = x[r * width + i] / static_cast<double>(count);
                for (std::size_t j = 0; j < n; ++j) a[i * n + j] += here * x[r * width + j];
            }
    }
    auto found = symmetric_eigenvalues(std::move(a), n);
    for (double& l : found) l = std::max(l, 0.0);  // where rounding left it below
    return found;
}

/// What one layer's rows of the residual stream say. effective_rank = exp(H(s / sum s)) over the singular values s of the centred rows
/// (Roy and Vetterli 2007); entropy = von Neumann's of their covariance scaled to trace one, in nats.
template <class T>
rank_value rank_of(std::span<T const> rows, std::size_t count, std::size_t width) {
    auto const spectrum = covariance_spectrum(rows, count, width);
    auto       singular = spectrum;
    for (double& s : singular) s = std::sqrt(s);
    return {0, std::exp(spectral_entropy(singular)), spectral_entropy(spectrum), static_cast<std::int64_t>(count)};
}

namespace detail {

/// Stands where visit_losses wants a model, and keeps the residual stream of the first `most` tokens that have a target.
template <class Model>
class residual_reader {
  public:
    using computed = typename Model::computed;

    explicit residual_reader(Model& model) : model_(&model), rows_(static_cast<std::size_t>(model.shape().layers) + 1) {}
    void read_until(index_t most) { most_ = most; }
    void evaluate(token_batch const& batch, row_view<computed>) {
        if (taken_ == most_) return;
        model_->residuals(batch, seen_);
        auto const width = static_cast<std::size_t>(model_->shape().width), tokens = static_cast<std::size_t>(batch.count());
        for (std::size_t t = 0; t < tokens && taken_ < most_; ++t) {
            if (batch.targets[static_cast<index_t>(t)] < 0) continue;
            ++taken_;
            for (std::size_t l = 0; l < rows_.size(); ++l) {
                auto const from = seen_.begin() + static_cast<std::ptrdiff_t>((l * tokens + t) * width);
                rows_[l].insert(rows_[l].end(), from, from + static_cast<std::ptrdiff_t>(width));
            }
        }
    }
    std::vector<rank_value> ranks() const {
        check(taken_ > 1, "the ranks of the layers need two held-out tokens at least");
        std::vector<rank_value> all;
        for (auto const& rows : rows_) {
            auto const width = static_cast<std::size_t>(model_->shape().width);
            all.push_back(rank_of(std::span<computed const>(rows), static_cast<std::size_t>(taken_), width));
            all.back().layer = static_cast<std::int64_t>(all.size()) - 1;
        }
        return all;
    }

  private:
    Model*                             model_;
    index_t                            most_ = 0, taken_ = 0;
    std::vector<computed>              seen_;
    std::vector<std::vector<computed>> rows_;  // by layer
};

}  // namespace detail

/// Effective rank and entropy of the residual stream, of the embedding and after each block, over `tokens` held-out tokens, as many of
/// each store as of the others. Costs a forward pass, and on the host for each layer 4/3 n^3 operations, n the smaller of tokens and width.
template <class Model, class Store>
std::vector<rank_value> layer_ranks(Model& model, std::span<named_store<Store> const> stores, std::int32_t end_token, index_t tokens,
                                    index_t length) {
    check(!stores.empty() && tokens > 1, "the ranks of the layers need two held-out tokens at least");
    detail::residual_reader<Model> reader(model);
    index_t const                  count = static_cast<index_t>(stores.size());
    for (index_t k = 0; k < count; ++k) {
        auto const& store = *stores[static_cast<std::size_t>(k)].store;
        // As many documents as hold the tokens, since what comes later is not looked at.
        std::int64_t documents = 0;
        for (index_t found = 0; documents < static_cast<std::int64_t>(store.documents()) && found < tokens; ++documents)
            found += std::min<index_t>(static_cast<index_t>(store.document(documents).size()), length - 1);
        reader.read_until(tokens * (k + 1) / count);
        visit_losses(reader, store, end_token, {.documents = documents, .max_tokens = length, .sequences = 1, .length = length},
                     [](std::int64_t, index_t, double) {});
    }
    return reader.ranks();
}

}  // namespace midtrain::inline MT_ABI
