#pragma once
#include <utility>
#include <vector>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/rank_slices.hpp>

namespace midtrain::inline MT_ABI {

/// What an exchange of gradients leaves with each rank: the sum of all, or its slice of it and the sum of the rest.
enum class exchange_form { whole, slices };

/// The gradients of all ranks become one while backward still works: each bucket goes as soon as it is finished, in the order of the
/// buckets, so that all ranks say the same in the same order. Slices cost half of what the whole does. Until wait() nobody else touches the gradient
/// from its beginning to what is finished. With one rank there is one sum, in wait().
template <class Ranks, class T>
class gradient_exchange {
  public:
    gradient_exchange(Ranks& ranks, row_view<T> gradient, rank_slices const& cut, exchange_form form)
        : ranks_(&ranks), gradient_(gradient), cut_(&cut), form_(form) {
        if (cut.ranks() > 1) under_way_.reserve(static_cast<std::size_t>(cut.buckets()) + 1);
    }
    /// The first `values` of the gradient have got all that they will get.
    void finished(index_t values) {
        if (cut_->ranks() == 1) return;
        for (; next_ < cut_->buckets() && cut_->bucket(next_).end() <= values; ++next_) start(next_);
    }
    /// All of it is; returns when the sums stand there.
    void wait() {
        if (cut_->ranks() == 1) return ranks_->sum(gradient_);
        finished(cut_->values());
        if (auto const rest = cut_->rest(); rest.size > 0) under_way_.push_back(ranks_->sum_async(gradient_.part(rest.begin, rest.size)));
        for (auto& t : under_way_) t.wait();
        under_way_.clear();
    }

  private:
    void start(index_t b) {
        auto const all = cut_->bucket(b), own = cut_->slice(b);
        auto const values = gradient_.part(all.begin, all.size);
        if (form_ == exchange_form::whole) under_way_.push_back(ranks_->sum_async(values));
        else under_way_.push_back(ranks_->reduce_scatter_async(row_view<T const>(values), gradient_.part(own.begin, own.size)));
    }

    using ticket = decltype(std::declval<Ranks&>().sum_async(row_view<T>{}));

    Ranks*              ranks_;
    row_view<T>         gradient_;
    rank_slices const*  cut_;
    exchange_form       form_;
    index_t             next_ = 0;
    std::vector<ticket> under_way_;
};

/// The other way: what each rank has made of its slices goes to all, bucket by bucket.
template <class Ranks, class T>
void gather_slices(Ranks& ranks, row_view<T> values, rank_slices const& cut) {
    using ticket = decltype(ranks.all_gather_async(row_view<T const>{}, row_view<T>{}));
    std::vector<ticket> under_way;
    under_way.reserve(static_cast<std::size_t>(cut.buckets()));
    for (index_t b = 0; b < cut.buckets(); ++b) {
        auto const all = cut.bucket(b), own = cut.slice(b);
        under_way.push_back(ranks.all_gather_async(row_view<T const>(values.part(own.begin, own.size)), values.part(all.begin, all.size)));
    }
    for (auto& t : under_way) t.wait();
}

}  // namespace midtrain::inline MT_ABI
