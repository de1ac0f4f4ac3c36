#pragma once
#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/rank_slices.hpp>

namespace midtrain::inline MT_ABI {

/// What ranks keep of an optimizer's memory, brought together for a checkpoint, which is then the same for any number of ranks: rank 0 has
/// it all in model.host_slots(), one slot of all weights after the other. Every rank calls it; bucket by bucket, so that a device needs room
/// for the slots of one bucket. Nothing happens where each rank has the whole.
template <class Ranks, class Model>
void collect_slots(Ranks& ranks, Model& model) {
    using C         = typename Model::computed;
    auto const& cut = model.slices();
    if (cut.ranks() == 1) return;
    auto const    own   = model.slots();
    index_t const slots = own.size() / cut.own(), most = cut.buckets() > 0 ? cut.bucket(0).size : 0;
    bool const    leads = ranks.rank() == 0;
    auto const    stage = model.device().template make<C>(slots * most);
    std::vector<C> here(static_cast<std::size_t>(leads ? slots * std::max(most, cut.rest().size) : 0));
    C* const       whole = leads ? model.host_slots().data() : nullptr;
    // The slots of a slice lie one after the other; in the whole they are as far apart as it has values.
    auto const put = [&](C const* from, value_range s) {
        for (index_t k = 0; k < slots; ++k) std::copy_n(from + k * s.size, s.size, whole + k * cut.values() + s.begin);
    };
    index_t at = 0;
    for (index_t b = 0; b < cut.buckets(); ++b) {
        index_t const n = slots * cut.slice(b).size;
        auto const    all = stage.view().part(0, n * cut.ranks());
        ranks.all_gather(row_view<C const>(own.part(at, n)), all);
        at += n;
        if (!leads) continue;
        model.device().download(row_view<C const>(all), here.data());
        for (int r = 0; r < cut.ranks(); ++r) put(here.data() + r * n, cut.slice(b, r));
    }
    if (auto const rest = cut.rest(); leads && rest.size > 0) {
        model.device().download(row_view<C const>(own.part(at, slots * rest.size)), here.data());
        put(here.data(), rest);
    }
}

}  // namespace midtrain::inline MT_ABI
