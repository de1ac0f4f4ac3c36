#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/train/run_state.hpp>

namespace midtrain::inline MT_ABI {

/// Brings what a state knows by source into the order of `names`: a source that both know keeps its place in the data and its losses, a
/// new one begins at its start, one that is gone is dropped.
inline void match_sources(run_state& s, std::vector<std::string> const& names) {
    if (s.sources == names) return;
    run_state   old   = s;
    auto const  was   = [&](std::string const& n) {
        return static_cast<std::size_t>(std::find(old.sources.begin(), old.sources.end(), n) - old.sources.begin());
    };
    s.sources = names;
    s.cursors.assign(names.size(), {});
    s.buckets.assign(names.size(), {});
    s.drawn = {std::vector<std::int64_t>(names.size(), 0), std::vector<double>(names.size(), 0.0)};
    for (std::size_t i = 0; i < names.size(); ++i)
        if (auto const k = was(names[i]); k < old.cursors.size()) {
            s.cursors[i] = old.cursors[k];
            if (k < old.buckets.size()) s.buckets[i] = old.buckets[k];
            if (k < old.drawn.drawn.size()) s.drawn.drawn[i] = old.drawn.drawn[k], s.drawn.asked[i] = old.drawn.asked[k];
        }
    // Rows of `common` numbers and then one a source.
    auto const rows = [&](std::vector<double> const& from, std::size_t common) {
        std::vector<double> to;
        std::size_t const   width = common + old.sources.size();
        for (std::size_t at = 0; at < from.size(); at += width) {
            for (std::size_t i = 0; i < common; ++i) to.push_back(from[at + i]);
            for (auto const& n : names) to.push_back(was(n) < old.sources.size() ? from[at + common + was(n)] : std::nan(""));
        }
        return to;
    };
    s.record = rows(old.record, 1), s.held_out = rows(old.held_out, 1), s.noise = rows(old.noise, loss_record{}.noise_width());
}

/// The same for a run that goes on with a corpus of these sources. Within a stage no source that was drawn from may go.
inline void take_sources(run_state& s, std::vector<std::string> const& names) {
    auto const drawn  = [&] { return std::accumulate(s.drawn.drawn.begin(), s.drawn.drawn.end(), std::int64_t{0}); };
    auto const before = drawn();
    match_sources(s, names);
    check(s.step_in_stage == 0 || drawn() == before,
          "the checkpoint stands within a stage that draws from a source which this recipe lacks; keep the source with a weight of zero");
}

}  // namespace midtrain::inline MT_ABI
