#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
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
    std::size_t width = old.record_width();
    s.sources = names;
    s.cursors.assign(names.size(), {});
    s.drawn = {std::vector<std::int64_t>(names.size(), 0), std::vector<double>(names.size(), 0.0)};
    s.record.clear();
    for (std::size_t i = 0; i < names.size(); ++i)
        if (auto const k = was(names[i]); k < old.cursors.size()) {
            s.cursors[i] = old.cursors[k];
            if (k < old.drawn.drawn.size()) s.drawn.drawn[i] = old.drawn.drawn[k], s.drawn.asked[i] = old.drawn.asked[k];
        }
    for (std::size_t row = 0; row * width < old.record.size(); ++row) {
        s.record.push_back(old.record[row * width]);
        for (auto const& n : names)
            s.record.push_back(was(n) < old.sources.size() ? old.record[row * width + 1 + was(n)] : std::nan(""));
    }
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
