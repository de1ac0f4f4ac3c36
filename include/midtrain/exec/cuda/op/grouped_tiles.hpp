#pragma once
#include <cstdint>
#include <midtrain/core/view.hpp>

// Which tile of which group is a number's. Only the GPU knows the groups, so each of its blocks walks over them.
namespace midtrain::inline MT_ABI::detail {

/// Rows first .. first + rows - 1 of a group, and a tile of columns.
struct grouped_tile {
    index_t group = 0, first = 0, rows = 0, column_tile = 0;
};

/// The tiles of `height` rows of all groups, each `across` times: group by group, in a group columns by columns, so that blocks side by
/// side read one part of the group's matrix. A tile is never of two groups; empty groups have none.
class grouped_tile_walk {
  public:
    MT_HOST_DEVICE grouped_tile_walk(row_view<std::int32_t const> begin, index_t height, index_t across)
        : begin_(begin), height_(height), across_(across) {}

    /// The tile of that number, or false behind the last. Numbers are asked for in rising order.
    MT_HOST_DEVICE bool find(index_t number, grouped_tile& tile) {
        index_t const groups = begin_.size() - 1;
        while (group_ < groups && number >= before_ + tiles_of(group_)) before_ += tiles_of(group_++);
        if (group_ == groups) return false;
        index_t const down = down_of(group_), within = number - before_, first = begin_[group_] + within % down * height_,
                      left = begin_[group_ + 1] - first;
        tile = {group_, first, left < height_ ? left : height_, within / down};
        return true;
    }
    /// No fewer than there are, whatever the groups of so many rows.
    static index_t most(index_t rows, index_t groups, index_t height, index_t across) { return (rows / height + groups) * across; }

  private:
    MT_HOST_DEVICE index_t down_of(index_t g) const { return (begin_[g + 1] - begin_[g] + height_ - 1) / height_; }
    MT_HOST_DEVICE index_t tiles_of(index_t g) const { return down_of(g) * across_; }

    row_view<std::int32_t const> begin_;
    index_t                      height_, across_;
    index_t                      group_ = 0, before_ = 0;  // tiles of the groups before
};

}  // namespace midtrain::inline MT_ABI::detail
