#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/data/cursor.hpp>
#include <midtrain/data/source_reader.hpp>

// Places in the data as rows of whole numbers, as a checkpoint keeps them.
namespace midtrain::inline MT_ABI::detail {

inline constexpr std::size_t cursor_numbers = 8;

inline void write_cursor(data::cursor const& c, std::vector<std::int64_t>& to) {
    to.insert(to.end(), {c.epoch, c.document, c.offset, c.tokens, c.padding, c.sequence, c.window, c.form});
}
/// `width`: 4 of version 2, which knew no padding and no windows.
inline data::cursor read_cursor(std::int64_t const* from, std::size_t width) {
    data::cursor c{from[0], from[1], from[2], from[3]};
    if (width == cursor_numbers) c.padding = from[4], c.sequence = from[5], c.window = from[6], c.form = from[7];
    return c;
}

/// By source the number of buckets, and of one that has some their form, then of each what was drawn and its cursor.
inline std::vector<std::int64_t> written_buckets(std::vector<data::bucket_places> const& all) {
    std::vector<std::int64_t> to;
    for (auto const& of : all) {
        to.insert(to.end(), {static_cast<std::int64_t>(of.cursors.size()), of.form});
        for (std::size_t b = 0; b < of.cursors.size(); ++b) to.push_back(of.drawn.drawn[b]), write_cursor(of.cursors[b], to);
    }
    return to;
}
inline std::vector<double> asked_of_buckets(std::vector<data::bucket_places> const& all) {
    std::vector<double> to;
    for (auto const& of : all) to.insert(to.end(), of.drawn.asked.begin(), of.drawn.asked.end());
    return to;
}
/// What both wrote; `where` names the file in an error.
inline std::vector<data::bucket_places> read_buckets(std::vector<std::int64_t> const& rows, std::vector<double> const& asked,
                                                     std::size_t sources, std::string const& where) {
    std::vector<data::bucket_places> all;
    std::size_t                      at = 0, used = 0;
    auto const require = [&](bool good) { check(good, [&] { return where + ": 'run.buckets' is not what a run with these sources has"; }); };
    while (at < rows.size()) {
        require(rows.size() - at >= 2 && rows[at] >= 0);
        auto const          n = static_cast<std::size_t>(rows[at]);
        data::bucket_places of{rows[at + 1], {}, {}};
        at += 2;
        require(n <= (rows.size() - at) / (1 + cursor_numbers) && n <= asked.size() - used);
        for (std::size_t b = 0; b < n; ++b, at += 1 + cursor_numbers) {
            require(*std::min_element(&rows[at], &rows[at] + 1 + cursor_numbers) >= 0);
            of.drawn.drawn.push_back(rows[at]), of.drawn.asked.push_back(asked[used++]);
            of.cursors.push_back(read_cursor(&rows[at + 1], cursor_numbers));
        }
        all.push_back(std::move(of));
    }
    require(used == asked.size() && (all.empty() || all.size() == sources));
    return all;
}

}  // namespace midtrain::inline MT_ABI::detail
