#pragma once
#include <algorithm>
#include <set>
#include <string>
#include <type_traits>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/cuda/attention_ways.cuh>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/exec/cuda/op/fused_call.hpp>
#include <midtrain/op/tiled_attention.hpp>
#include <midtrain/op/tiled_attention_backward.hpp>
#include <midtrain/problem/attention.hpp>

// Attention of a GPU: cuDNN's where it has the form, else by tiles. Which it is does not change from step to step, and neither allocates
// once its form is known, so a graph may hold it.
namespace midtrain::inline MT_ABI {

namespace detail {

/// The way of a problem, or in `refused` why it goes by tiles.
inline fused_choice way_of(cuda& device, attention_size const& p) {
    fused_attention_form f{};
    fused_choice         tiles;
    tiles.refused = fused_form(p, device.attention().repeatable, f);
    return tiles.refused.empty() ? device.attention().choose(f) : tiles;
}

inline index_t workspace_of(fused_choice const& way, attention_size const& p) {
    return way.calls > 0 ? fused_bytes(way) : op::tiled_bytes(p);
}

template <class Problem, class Forward>
void attend(cuda& device, Problem const& p, Forward const& f) {
    auto const size = size_of(p);
    auto const way  = way_of(device, size);
    auto const work = device.attention().workspace(workspace_of(way, size));
    if constexpr (std::is_same_v<Forward, attention_problem<bf16>>) {
        auto* const library = device.attention().fused();
        if (way.calls > 0) {
            if constexpr (std::is_same_v<Problem, Forward>) return run_fused(device, *library, way, work, f, nullptr);
            else return run_fused(device, *library, way, work, f, &p);
        }
    }
    op::tiled(device, p, work);
}

}  // namespace detail

template <class T, class Modifier, class Distance>
bool tuned(cuda& device, attention_problem<T, Modifier, Distance> const& p) {
    detail::attend(device, p, p);
    return true;
}
template <class T, class Modifier>
bool tuned(cuda& device, attention_gradient_problem<T, Modifier> const& g) {
    detail::attend(device, g, g.forward);
    return true;
}

/// How attention of that size is done, "cuDNN", "cuDNN by 2 parts of the heads", or "tiled" and why, and the workspace of the call. Finding
/// out builds cuDNN's graph.
inline attention_plan plan_of(cuda& device, attention_size const& p) {
    auto const way = detail::way_of(device, p);
    return {way.calls == 0               ? "tiled (" + way.refused + ")"
            : way.calls * way.parts == 1 ? "cuDNN"
                                         : "cuDNN by " + std::to_string(way.calls * way.parts) + " parts of the heads",
            detail::workspace_of(way, p)};
}
/// The same of all sizes of a step: each way that there is, and the largest workspace.
inline attention_plan plan_of(cuda& device, std::vector<attention_size> const& all) {
    attention_plan of{};
    for (auto const& p : std::set<attention_size>(all.begin(), all.end())) {
        auto const one  = plan_of(device, p);
        auto const said = (p.backward ? "backward " : "") + one.way;
        if ((", " + of.way + ",").find(", " + said + ",") == std::string::npos) of.way += (of.way.empty() ? "" : ", ") + said;
        of.bytes = std::max(of.bytes, one.bytes);
    }
    return of;
}

}  // namespace midtrain::inline MT_ABI
