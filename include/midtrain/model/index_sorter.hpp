#pragma once
#include <cstdint>
#include <vector>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Sorts the tokens of a batch by an index below `entries`, by counting: linear, and it allocates the first time only. Token numbers, by
/// index and then by number, in the sorter until its next call. None: an index lies outside.
class index_sorter {
  public:
    row_view<std::int32_t const> operator()(row_view<std::int32_t const> index, index_t entries) {
        auto const n = static_cast<std::size_t>(index.size());
        place_.assign(static_cast<std::size_t>(entries) + 1, 0);
        order_.resize(n);
        for (auto i : index) {
            if (i < 0 || i >= entries) return {};
            ++place_[static_cast<std::size_t>(i) + 1];
        }
        for (std::size_t e = 0; e < static_cast<std::size_t>(entries); ++e) place_[e + 1] += place_[e];
        for (std::size_t t = 0; t < n; ++t)
            order_[static_cast<std::size_t>(place_[static_cast<std::size_t>(index.data[t])]++)] = static_cast<std::int32_t>(t);
        return {order_.data(), static_cast<index_t>(n)};
    }

  private:
    std::vector<std::int32_t> order_, place_;
};

}  // namespace midtrain::inline MT_ABI
