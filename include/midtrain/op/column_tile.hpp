#pragma once
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::op {

/// Columns that one team does: a short row, for a device whose teams come in sizes.
inline constexpr index_t column_tile = 32;

/// Teams that a sum over rows needs for so many columns.
MT_HOST_DEVICE constexpr index_t column_tiles(index_t columns) { return (columns + column_tile - 1) / column_tile; }

}  // namespace midtrain::inline MT_ABI::op
