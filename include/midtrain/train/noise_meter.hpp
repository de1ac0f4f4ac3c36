#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/noise_scale.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/train/batches.hpp>
#include <midtrain/train/report.hpp>

namespace midtrain::inline MT_ABI {

struct noise_options {
    std::int64_t every  = 0;    ///< steps between measurements; 0: none
    std::int64_t window = 100;  ///< measurements that a reported scale is made of
};

/// Measures the gradients of a step's micro-batches, those of all ranks, beside the step's own: rows of loss_record::noise. A second buffer
/// of the gradient's size holds what there was before a micro-batch; the gradient itself is only read, so a run has the same bits with and
/// without. Costs a pass over both buffers a micro-batch.
template <class Model>
class noise_meter {
  public:
    void measure(Model& model, noise_options how) {
        check(how.every >= 0 && how.window > 0, "noise: every is not negative, window is positive");
        how_ = how;
        if (how.every > 0) before_ = model.device().template make<C>(model.parameters().size());
    }

    bool measures() const { return how_.every > 0; }
    bool measuring() const { return measuring_; }  ///< the step that began
    /// Of the second buffer.
    std::int64_t bytes() const { return static_cast<std::int64_t>(before_.size()) * static_cast<std::int64_t>(sizeof(C)); }
    /// Rows of that many steps, at most.
    std::size_t most_rows(std::int64_t steps) const { return how_.every > 0 ? static_cast<std::size_t>(steps / how_.every + 1) : 0; }

    /// A step begins, the run's `step`th, from 1, over so many sources.
    void begin(Model& model, std::int64_t step, std::size_t sources) {
        measuring_ = how_.every > 0 && step % how_.every == 0;
        if (!measuring_) return;
        sums_.assign(2 + 2 * sources, 0.0);
        model.device().elements(before_.size(), op::fill<C>{before_.view(), 0});
    }
    /// A micro-batch, `count` sequences from `first` on, has been added to the gradient.
    template <class Store>
    void part(Model& model, batches<Store> const& b, index_t first, index_t count) {
        if (!measuring_) return;
        double const norm = model.norm_of_change(before_.view());
        double       here = 0;
        for (index_t t = first * b.length(); t < (first + count) * b.length(); ++t) here += b.target(t) >= 0;
        if (here == 0) return;
        // Of the part's own mean gradient; weighted by its share of the targets.
        double const scale = static_cast<double>(b.targets()) / here, square = norm * norm * scale * scale;
        sums_[0] += square / scale, sums_[1] += 1;
        int const source = b.source_of(first);
        for (index_t s = first; s < first + count; ++s)
            if (b.source_of(s) != source) return;
        sums_[2 + 2 * static_cast<std::size_t>(source)] += square * here, sums_[3 + 2 * static_cast<std::size_t>(source)] += here;
    }
    /// All ranks' micro-batches are done.
    template <class Ranks>
    void sum(Ranks& ranks) {
        if (measuring_) ranks.sum(row_view<double>{sums_.data(), static_cast<index_t>(sums_.size())});
    }
    /// Appends the row of the step just done; none where it had one part alone.
    void record(std::int64_t step, double gradient_norm, std::int64_t targets, std::vector<double>& rows) const {
        if (!measuring_ || sums_[1] < 2) return;
        rows.insert(rows.end(), {static_cast<double>(step), sums_[0], gradient_norm * gradient_norm, sums_[1],
                                 static_cast<double>(targets)});
        for (std::size_t k = 2; k < sums_.size(); k += 2) rows.push_back(sums_[k + 1] > 0 ? sums_[k] / sums_[k + 1] : math::not_a_number);
    }

    /// Adds what the last measurements say to the report of a measured step.
    void tell(report& to, loss_record const& seen) {
        if (!measuring_ || seen.noise_rows() == 0) return;
        to.noise = noise_scale_of(seen, how_.window);
        by_source_.resize(seen.sources);
        for (std::size_t k = 0; k < seen.sources; ++k) by_source_[k] = noise_scale_of(seen, how_.window, k + 1).value();
        to.source_noise = by_source_;
    }

  private:
    using C = typename Model::computed;

    using buffer = decltype(std::declval<Model&>().device().template make<C>(index_t{}));

    noise_options       how_;
    bool                measuring_ = false;
    buffer              before_;
    std::vector<double> by_source_;
    std::vector<double> sums_;  // squares, parts; by source squares times targets, targets
};

}  // namespace midtrain::inline MT_ABI
