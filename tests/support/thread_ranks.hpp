#pragma once
#include <barrier>
#include <cstddef>
#include <thread>
#include <vector>
#include <midtrain/comm/self.hpp>
#include <midtrain/core/view.hpp>

namespace test {

/// A rank that is a thread of this process. Sums are real, in the order of the ranks, so that all hold the same bits; a step asks for nothing
/// else.
class thread_rank : public midtrain::self {
  public:
    struct meeting {
        explicit meeting(int ranks) : at(ranks), values(static_cast<std::size_t>(ranks)) {}
        std::barrier<>     at;
        std::vector<void*> values;
    };

    thread_rank(meeting& all, int rank) : all_(&all), rank_(rank) {}

    int rank() const { return rank_; }
    int size() const { return static_cast<int>(all_->values.size()); }

    template <class T>
    void sum(midtrain::row_view<T> mine) const {
        all_->values[static_cast<std::size_t>(rank_)] = mine.data;
        all_->at.arrive_and_wait();
        std::vector<T> total(static_cast<std::size_t>(mine.size()), T(0));
        for (auto const* of : all_->values)
            for (std::size_t i = 0; i < total.size(); ++i) total[i] += static_cast<T const*>(of)[i];
        all_->at.arrive_and_wait();
        for (std::size_t i = 0; i < total.size(); ++i) mine[static_cast<midtrain::index_t>(i)] = total[i];
        all_->at.arrive_and_wait();
    }

  private:
    meeting* all_;
    int      rank_;
};

/// f(rank) by each of so many ranks. None may throw before the others have met it as often as they will.
template <class F>
void on_ranks(int count, F const& f) {
    thread_rank::meeting     all(count);
    std::vector<std::thread> threads;
    for (int r = 0; r < count; ++r) threads.emplace_back([&all, &f, r] { f(thread_rank(all, r)); });
    for (auto& t : threads) t.join();
}

}  // namespace test
