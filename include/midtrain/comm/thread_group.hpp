#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::detail {

/// What ranks share that are threads of one process: a place to meet, a table of what each brings there, and a mailbox for each pair.
/// When one fails, all who wait or will wait are told by an error instead of waiting for ever.
class thread_group {
  public:
    struct brought {
        void const* data   = nullptr;
        index_t     count  = 0;
        int         colour = 0;
    };

    explicit thread_group(int ranks) : table_(static_cast<std::size_t>(ranks)), parts_(static_cast<std::size_t>(ranks)) {
        check(ranks > 0, "a group of threads has at least one rank");
    }

    int            size() const { return static_cast<int>(table_.size()); }
    brought&       of(int rank) { return table_[static_cast<std::size_t>(rank)]; }
    std::shared_ptr<thread_group>& part_of(int rank) { return parts_[static_cast<std::size_t>(rank)]; }

    /// Returns when all have come.
    void meet() {
        std::unique_lock<std::mutex> lock(mutex_);
        auto const                   round = round_;
        if (++come_ == size()) {
            come_ = 0, ++round_;
            changed_.notify_all();
            return;
        }
        changed_.wait(lock, [&] { return round_ != round || !failed_.empty(); });
        if (round_ == round) throw error(failed_);
    }
    /// A copy of the bytes goes to `to`; never waits.
    void post(int from, int to, void const* data, std::size_t bytes) {
        std::vector<std::byte> letter(bytes);
        if (bytes > 0) std::memcpy(letter.data(), data, bytes);
        std::lock_guard<std::mutex> const lock(mutex_);
        auto& box = boxes_[{from, to}];
        box.letters.emplace(box.posted++, std::move(letter));
        changed_.notify_all();
    }
    /// The number of the next letter from one to another that nobody has asked for.
    std::size_t ask(int from, int to) {
        std::lock_guard<std::mutex> const lock(mutex_);
        return boxes_[{from, to}].asked++;
    }
    /// Waits for that letter.
    std::vector<std::byte> fetch(int from, int to, std::size_t number) {
        std::unique_lock<std::mutex> lock(mutex_);
        auto&                        letters = boxes_[{from, to}].letters;
        changed_.wait(lock, [&] { return letters.contains(number) || !failed_.empty(); });
        auto const at = letters.find(number);
        if (at == letters.end()) throw error(failed_);
        auto letter = std::move(at->second);
        letters.erase(at);
        return letter;
    }
    /// The first to fail says why.
    void fail(std::string why) {
        std::vector<std::weak_ptr<thread_group>> inner;
        {
            std::lock_guard<std::mutex> const lock(mutex_);
            if (failed_.empty()) failed_ = why;
            why   = failed_;
            inner = inner_;
            changed_.notify_all();
        }
        for (auto const& group : inner)
            if (auto const g = group.lock()) g->fail(why);
    }
    /// A group of some of these ranks, which fails with it.
    std::shared_ptr<thread_group> make_inner(int ranks) {
        auto const                        group = std::make_shared<thread_group>(ranks);
        std::lock_guard<std::mutex> const lock(mutex_);
        inner_.push_back(group);
        return group;
    }

  private:
    struct mailbox {
        std::map<std::size_t, std::vector<std::byte>> letters;
        std::size_t                                   posted = 0, asked = 0;
    };

    std::vector<brought>                       table_;
    std::vector<std::shared_ptr<thread_group>> parts_;  // by rank: the group that it is split into
    std::mutex                                 mutex_;
    std::condition_variable                    changed_;
    int                                        come_  = 0;
    std::size_t                                round_ = 0;
    std::string                                failed_;
    std::map<std::pair<int, int>, mailbox>     boxes_;
    std::vector<std::weak_ptr<thread_group>>   inner_;
};

}  // namespace midtrain::inline MT_ABI::detail
