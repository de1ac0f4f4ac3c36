#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <midtrain/comm/blocking_verbs.hpp>
#include <midtrain/comm/ordered_sum.hpp>
#include <midtrain/comm/thread_group.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// A rank that is a thread of this process, with memory that all threads read; made by on_ranks(). Sums are added in the order of the
/// ranks. What is asked for with a ticket is done when somebody waits for it or for something later, and not before, so that a program
/// that reads too early has wrong numbers here and not only on a network; sends are copied at once. One thread uses it.
class threads : public blocking_verbs<threads> {
    struct act {
        void (threads::*run)(act const&) = nullptr;  // no lambda: nvcc 13.0 loses the end of one that stands in braces
        void const* from                 = nullptr;
        void*       to                   = nullptr;
        index_t     from_count = 0, to_count = 0;
        int         peer = 0;
    };

  public:
    class ticket {
      public:
        void wait() {
            if (auto* const of = std::exchange(of_, nullptr)) of->done(*this);
        }

      private:
        friend threads;
        ticket(threads* of, std::size_t number, act letter, bool is_letter)
            : of_(of), number_(number), letter_(letter), is_letter_(is_letter) {}

        threads*    of_;
        std::size_t number_;  // of a verb of all; of a letter from one
        act         letter_;
        bool        is_letter_;
    };

    static constexpr bool sums_in_order = true;
    static constexpr bool of_host_memory = true;  ///< no memory that the host does not read

    threads(std::shared_ptr<detail::thread_group> group, int rank) : group_(std::move(group)), rank_(rank) {}
    threads(threads&&)            = default;
    threads& operator=(threads&&) = default;

    int rank() const { return rank_; }
    int size() const { return group_->size(); }

    /// Those that name the same colour, in the order of the ranks.
    threads split(int colour) {
        finish_all();
        group_->of(rank_) = {nullptr, 0, colour};
        group_->meet();
        int first = size(), count = 0, mine = 0;
        for (int r = 0; r < size(); ++r) {
            if (group_->of(r).colour != colour) continue;
            first = std::min(first, r);
            mine += r < rank_;
            ++count;
        }
        if (first == rank_) group_->part_of(rank_) = group_->make_inner(count);
        group_->meet();
        threads inner(group_->part_of(first), mine);
        group_->meet();
        return inner;
    }

    template <class T>
    ticket sum_async(row_view<T> all) {
        return later({&threads::add<T>, all.data, all.data, all.size(), all.size()});
    }
    template <class T>
    ticket broadcast_async(row_view<T> all, int from) {
        check_peer("broadcast", from);
        return later({&threads::spread<T>, all.data, all.data, all.size(), all.size(), from});
    }
    /// `mine` may be this rank's part of `all`.
    template <class T>
    ticket reduce_scatter_async(row_view<T const> all, row_view<T> mine) {
        check_parts("reduce_scatter", all.size(), mine.size());
        return later({&threads::add_own<T>, all.data, mine.data, all.size(), mine.size()});
    }
    /// `mine` may be this rank's part of `all`.
    template <class T>
    ticket all_gather_async(row_view<T const> mine, row_view<T> all) {
        check_parts("all_gather", all.size(), mine.size());
        return later({&threads::gather<T>, mine.data, all.data, mine.size(), all.size()});
    }
    template <class T>
    ticket all_to_all_async(row_view<T const> from, row_view<T> to) {
        check(from.size() == to.size(), "all_to_all: what is sent and what is received have one size");
        check_parts("all_to_all", from.size(), from.size() / size());
        return later({&threads::deal<T>, from.data, to.data, from.size(), to.size()});
    }
    template <class T>
    ticket send_async(row_view<T const> from, int to) {
        check_peer("send", to);
        group_->post(rank_, to, from.data, static_cast<std::size_t>(from.size()) * sizeof(T));
        return {nullptr, 0, {}, true};
    }
    template <class T>
    ticket receive_async(row_view<T> to, int from) {
        check_peer("receive", from);
        return {this, group_->ask(from, rank_), {nullptr, nullptr, to.data, 0, to.size() * static_cast<index_t>(sizeof(T)), from}, true};
    }

  private:
    void check_peer(char const* verb, int r) const {
        check(0 <= r && r < size(),
              [&] { return std::string(verb) + ": there is no rank " + std::to_string(r) + " among " + std::to_string(size()); });
    }
    void check_parts(char const* verb, index_t all, index_t mine) const {
        check(all == mine * size(), [&] {
            return std::string(verb) + ": " + std::to_string(all) + " values are not " + std::to_string(size()) + " parts of " +
                   std::to_string(mine);
        });
    }
    ticket later(act const& a) {
        pending_.push_back(a);
        return {this, begun_++, {}, false};
    }
    void finish_all() {
        for (auto const& a : pending_) (this->*a.run)(a);
        done_ += pending_.size();
        pending_.clear();
    }
    void done(ticket const& t) {
        if (t.is_letter_) return open(t.number_, t.letter_);
        std::size_t const todo = t.number_ < done_ ? 0 : t.number_ + 1 - done_;
        for (std::size_t k = 0; k < todo; ++k) (this->*pending_[k].run)(pending_[k]);
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(todo));
        done_ += todo;
    }
    void open(std::size_t number, act const& a) {
        auto const letter = group_->fetch(a.peer, rank_, number);
        check(letter.size() == static_cast<std::size_t>(a.to_count), [&] {
            return "receive: rank " + std::to_string(a.peer) + " sent " + std::to_string(letter.size()) + " bytes where " +
                   std::to_string(a.to_count) + " are expected";
        });
        if (!letter.empty()) std::memcpy(a.to, letter.data(), letter.size());
    }

    // All bring what they have, of one size.
    void bring(void const* data, index_t count) {
        group_->of(rank_) = {data, count, 0};
        group_->meet();
        for (int r = 0; r < size(); ++r)
            check(group_->of(r).count == count, [&] {
                return "ranks that work together bring as much: rank " + std::to_string(rank_) + " has " + std::to_string(count) +
                       " values and rank " + std::to_string(r) + " has " + std::to_string(group_->of(r).count);
            });
    }
    template <class T>
    T const* of(int r) {
        return static_cast<T const*>(group_->of(r).data);
    }
    // The sum of everyone's values from `first` on.
    template <class T>
    void total(index_t first, index_t count, T* to) {
        std::vector<T const*> parts(static_cast<std::size_t>(size()));
        for (int r = 0; r < size(); ++r) parts[static_cast<std::size_t>(r)] = of<T>(r) + first;
        detail::add_in_order<T>(parts, count, to);
    }
    // Each sums one part in place, which no other reads meanwhile, and takes the rest from those who have.
    template <class T>
    void add(act const& a) {
        bring(a.to, a.to_count);
        auto const  begin = [&](int r) { return detail::part_begin(a.to_count, r, size()); };
        auto* const mine  = static_cast<T*>(a.to);
        total<T>(begin(rank_), begin(rank_ + 1) - begin(rank_), mine + begin(rank_));
        group_->meet();
        for (int r = 0; r < size(); ++r)
            if (r != rank_) std::copy_n(of<T>(r) + begin(r), begin(r + 1) - begin(r), mine + begin(r));
        group_->meet();
    }
    template <class T>
    void add_own(act const& a) {
        bring(a.from, a.from_count);
        total<T>(rank_ * a.to_count, a.to_count, static_cast<T*>(a.to));
        group_->meet();
    }
    template <class T>
    void gather(act const& a) {
        bring(a.from, a.from_count);
        for (int r = 0; r < size(); ++r) {
            auto* const to = static_cast<T*>(a.to) + r * a.from_count;
            if (to != of<T>(r)) std::copy_n(of<T>(r), a.from_count, to);
        }
        group_->meet();
    }
    template <class T>
    void deal(act const& a) {
        bring(a.from, a.from_count);
        index_t const part = a.from_count / size();
        for (int r = 0; r < size(); ++r) std::copy_n(of<T>(r) + rank_ * part, part, static_cast<T*>(a.to) + r * part);
        group_->meet();
    }
    template <class T>
    void spread(act const& a) {
        bring(a.from, a.from_count);
        if (rank_ != a.peer) std::copy_n(of<T>(a.peer), a.to_count, static_cast<T*>(a.to));
        group_->meet();
    }

    std::shared_ptr<detail::thread_group> group_;
    int                                   rank_;
    std::vector<act>                      pending_;
    std::size_t                           begun_ = 0, done_ = 0;
};

/// f(threads&) by each of so many ranks, each a thread. When one throws, the others are released, and the error of the first to fail is
/// thrown here.
template <class F>
void on_ranks(int count, F const& f) {
    auto const               group = std::make_shared<detail::thread_group>(count);
    std::mutex               mutex;
    std::exception_ptr       first;
    std::vector<std::thread> all;
    for (int r = 0; r < count; ++r)
        all.emplace_back([&, r] {
            try {
                threads mine(group, r);
                f(mine);
            } catch (...) {
                {
                    std::lock_guard<std::mutex> const lock(mutex);
                    if (!first) first = std::current_exception();
                }
                group->fail("rank " + std::to_string(r) + " of these threads has failed, so the others end too");
            }
        });
    for (auto& t : all) t.join();
    if (first) std::rethrow_exception(first);
}

}  // namespace midtrain::inline MT_ABI
