#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/decay_law.hpp>
#include <midtrain/train/run_folder.hpp>

namespace midtrain::inline MT_ABI {

/// A run's training loss as decay_law sees it: rates of its steps, and means of the loss over up to 400 stretches of them. `source`: whose
/// loss; empty: of all. The law counts steps, so runs that are fitted together have one batch size; a ramp is refused.
inline rated_curve curve_of(run_folder const& run, std::string const& source = {}) {
    auto const& rows  = run.steps.rows;
    auto const& names = run.steps.sources;
    auto const  k     = static_cast<std::size_t>(std::find(names.begin(), names.end(), source) - names.begin());
    check(source.empty() || k < names.size(), [&] { return run.path + ": has no source '" + source + "'"; });
    rated_curve c{run.name, {}, {}, {}};
    double      sum = 0, count = 0;
    auto const  width = std::max<std::size_t>(1, (rows.size() + 399) / 400);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto const batch = [&](std::size_t n) { return rows[n].tokens - rows[n - 1].tokens; };
        check(i < 2 || batch(i) == batch(1), [&] { return run.path + ": its batch changes, and the law of annealing counts steps"; });
        c.rates.push_back(rows[i].rate);
        double const loss = source.empty() ? rows[i].loss : rows[i].losses[k];
        if (std::isfinite(loss)) sum += loss, ++count;
        if ((i + 1) % width != 0 || count == 0) continue;
        c.steps.push_back(static_cast<std::int64_t>(i + 1 - width / 2)), c.losses.push_back(sum / count);
        sum = count = 0;
    }
    return c;
}

}  // namespace midtrain::inline MT_ABI
