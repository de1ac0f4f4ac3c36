#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::io::detail {

/// (3, 64), for sentences.
inline std::string written_shape(std::vector<std::int64_t> const& shape) {
    std::string s = "(";
    for (auto n : shape) s += (s.size() > 1 ? ", " : "") + std::to_string(n);
    return s + ")";
}

/// Whether a tensor of that shape is rows x columns values. A row of one column may have one dimension; of more than two, all but the last
/// count rows.
inline bool is_of(std::vector<std::int64_t> const& shape, index_t rows, index_t columns) {
    if (shape.size() >= 2) {
        std::int64_t left = rows;
        for (std::size_t d = 0; d + 1 < shape.size(); ++d) {
            if (shape[d] <= 0 || left % shape[d] != 0) return false;
            left /= shape[d];
        }
        return left == 1 && shape.back() == columns;
    }
    return shape.size() == 1 && shape[0] == rows * columns && (rows == 1 || columns == 1);
}

/// The bytes of a tensor in its file.
struct byte_range {
    std::uint64_t    begin, end;
    std::string_view name;
};

/// Throws if two tensors lie upon each other: `path` and both names are said.
inline void refuse_overlaps(std::vector<byte_range> all, std::string const& path) {
    std::erase_if(all, [](auto const& r) { return r.begin == r.end; });
    std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    for (std::size_t i = 1; i < all.size(); ++i)
        check(all[i - 1].end <= all[i].begin, [&] {
            return path + ": '" + std::string(all[i - 1].name) + "' and '" + std::string(all[i].name) + "' lie upon each other";
        });
}

}  // namespace midtrain::inline MT_ABI::io::detail
