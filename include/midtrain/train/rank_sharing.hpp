#pragma once
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/problem/rank_slices.hpp>

namespace midtrain::inline MT_ABI {

/// How ranks that train one model share the work around it. The gradient goes from rank to rank in buckets, each as soon as backward has
/// finished it. With `shard` each rank keeps the optimizer's memory of its slices of the weights alone, updates those, and sends them to
/// all (ZeRO-1, Rajbhandari et al. 2020, section 5.1): the same weights to the bit where sums have one order, a share of the memory, no byte
/// more on the way. Checkpoints do not say which; a run may go on with another number of ranks.
struct rank_sharing {
    bool    shard  = false;              ///< the optimizer's memory: optimizers that see one weight at a time, and no clip_block
    index_t bucket = index_t{8} << 20;  ///< values that are exchanged at once

    bool fits() const { return bucket > 0; }
};

/// Before model.prepare(): which slices are this rank's.
template <class Ranks, class Model>
void share_slots(Ranks const& ranks, Model& model, rank_sharing const& how) {
    check(how.fits(), "rank_sharing: bucket is positive");
    if (how.shard && ranks.size() > 1) model.shard({model.parameters().size(), ranks.rank(), ranks.size(), how.bucket});
}

}  // namespace midtrain::inline MT_ABI
