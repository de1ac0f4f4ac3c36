#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI::data::detail {

/// Which two tokens become which, and how early: an open hash table of pairs.
class merge_table {
  public:
    static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
    struct merge {
        std::uint32_t rank = none;
        std::int32_t  to   = -1;
    };

    explicit merge_table(std::size_t merges) {
        std::size_t n = 16;
        while (n < 2 * merges) n *= 2;
        slots_.resize(n);
    }
    /// False if the pair is there already.
    bool add(std::int32_t left, std::int32_t right, merge m) {
        auto& s = slots_[place(key(left, right))];
        if (s.what.rank != none) return false;
        s = {key(left, right), m};
        return true;
    }
    merge find(std::int32_t left, std::int32_t right) const { return slots_[place(key(left, right))].what; }

  private:
    struct slot {
        std::uint64_t key = 0;
        merge         what;
    };
    static std::uint64_t key(std::int32_t left, std::int32_t right) {
        return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
    }
    std::size_t place(std::uint64_t k) const {
        std::size_t at = static_cast<std::size_t>(k * 0x9e3779b97f4a7c15ull >> 32) & (slots_.size() - 1);
        while (slots_[at].what.rank != none && slots_[at].key != k) at = (at + 1) & (slots_.size() - 1);
        return at;
    }

    std::vector<slot> slots_;
};

/// One word being merged: a list of tokens, and a heap of the merges that could be next, earliest rank first, then leftmost.
class merged_word {
  public:
    void clear() { symbols_.clear(); }
    void add(std::int32_t id) {
        auto const at = static_cast<std::uint32_t>(symbols_.size());
        symbols_.push_back({id, {}, at + 1, at - 1});
    }

    /// Appends what is left when no two neighbours have a merge.
    void merge(merge_table const& table, std::vector<std::int32_t>& to) {
        heap_.clear();
        for (std::uint32_t i = 0; i < symbols_.size(); ++i) look(table, i);
        while (!heap_.empty()) {
            std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
            auto const next = heap_.back();
            heap_.pop_back();
            auto const at = static_cast<std::uint32_t>(next);
            symbol&    s  = symbols_[at];
            if (s.next_merge.rank != next >> 32) continue;  // something else happened there meanwhile
            symbols_[s.right].next_merge = {};
            s.id                         = s.next_merge.to;
            s.right                      = symbols_[s.right].right;
            if (s.right < symbols_.size()) symbols_[s.right].left = at;
            look(table, at);
            if (at > 0) look(table, s.left);
        }
        for (std::uint32_t i = 0; i < symbols_.size(); i = symbols_[i].right) to.push_back(symbols_[i].id);
    }

  private:
    struct symbol {
        std::int32_t       id;
        merge_table::merge next_merge;  // with the symbol on its right
        std::uint32_t      right, left;
    };
    void look(merge_table const& table, std::uint32_t at) {
        symbol& s    = symbols_[at];
        s.next_merge = s.right < symbols_.size() ? table.find(s.id, symbols_[s.right].id) : merge_table::merge{};
        if (s.next_merge.rank == merge_table::none) return;
        heap_.push_back(std::uint64_t{s.next_merge.rank} << 32 | at);
        std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    }

    std::vector<symbol>        symbols_;
    std::vector<std::uint64_t> heap_;
};

}  // namespace midtrain::inline MT_ABI::data::detail
