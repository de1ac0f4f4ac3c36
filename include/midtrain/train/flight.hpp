#pragma once
#include <cstdint>
#include <vector>
#include <midtrain/data/cursor.hpp>
#include <midtrain/data/sampler.hpp>
#include <midtrain/data/source_reader.hpp>
#include <midtrain/train/batches.hpp>
#include <midtrain/train/run_state.hpp>
#include <midtrain/train/step.hpp>

namespace midtrain::inline MT_ABI {

/// A step that was asked for: all that is told of it, and where the data stand behind it, once it was read. Nothing of it is allocated anew from
/// step to step.
struct flight {
    bool                             asked = false;
    step_result                      result;
    std::vector<step_part>           parts;
    double                           rate = 0;
    std::vector<double>              weights;  // by source
    midtrain::beginnings             beginnings;
    data::sampler::state             drawn;
    std::vector<data::cursor>        cursors;
    std::vector<data::bucket_places> buckets;

    template <class Store>
    void keep(batches<Store> const& b) {
        b.store_in(drawn, cursors, buckets);
        b.store_in(beginnings);
    }
    /// The data of the run stand behind it.
    void land(run_state& s) const {
        s.drawn   = drawn;
        s.cursors = cursors;
        s.buckets = buckets;
    }
};

}  // namespace midtrain::inline MT_ABI
