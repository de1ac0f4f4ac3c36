#pragma once
#include <cstdint>
#include <vector>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/op/embedding.hpp>

namespace midtrain::inline MT_ABI {

/// Sorts the tokens of a batch by an index below `entries`, by counting: linear, and it allocates the first time only. The runs point
/// into the sorter until its next call. No runs: an index lies outside.
class index_sorter {
  public:
    op::index_runs operator()(row_view<std::int32_t const> index, index_t entries) {
        auto const n = static_cast<std::size_t>(index.size());
        place_.assign(static_cast<std::size_t>(entries) + 1, 0);
        order_.resize(n);
        begin_.clear();
        begin_.reserve(n + 1);
        for (auto i : index) {
            if (i < 0 || i >= entries) return {};
            ++place_[static_cast<std::size_t>(i) + 1];
        }
        for (std::size_t e = 0; e < static_cast<std::size_t>(entries); ++e) {
            if (place_[e + 1] > 0) begin_.push_back(place_[e]);
            place_[e + 1] += place_[e];
        }
        begin_.push_back(static_cast<std::int32_t>(n));
        for (std::size_t t = 0; t < n; ++t)
            order_[static_cast<std::size_t>(place_[static_cast<std::size_t>(index.data[t])]++)] = static_cast<std::int32_t>(t);
        return {{order_.data(), static_cast<index_t>(n)},
                {begin_.data(), static_cast<index_t>(begin_.size())},
                static_cast<index_t>(begin_.size()) - 1};
    }

  private:
    std::vector<std::int32_t> order_, begin_, place_;
};

}  // namespace midtrain::inline MT_ABI
