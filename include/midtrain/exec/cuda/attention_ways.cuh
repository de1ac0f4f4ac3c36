#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <vector>
#include <cuda_runtime.h>
#include <midtrain/core/view.hpp>
#include <midtrain/exec/cuda/buffer.cuh>
#include <midtrain/exec/cuda/fused_attention.hpp>
#include <midtrain/exec/cuda/op/fused_call.hpp>

namespace midtrain::inline MT_ABI {

/// How a GPU does attention: what is fused, what is done by tiles (op/tiled_attention.hpp), and the workspace of both.
class attention_ways {
  public:
    explicit attention_ways(cudaStream_t stream) : stream_(stream) {
        if (make_fused_attention) fused_ = make_fused_attention(stream);
    }

    /// Backward gives twice the same bits. cuDNN then adds up parts of the queries' gradient that it keeps for each 128 keys: memory that
    /// grows with the square of the length. Otherwise it adds as the parts come.
    bool repeatable = true;
    /// Bytes that a call of cuDNN may want; where one head wants more, tiles do it.
    index_t most_workspace = index_t{4} << 30;

    /// The fused way of a form, if there is one.
    detail::fused_choice const& choose(fused_attention_form const& f) {
        if (auto const known = chosen_.find(f); known != chosen_.end()) return known->second;
        return chosen_.emplace(f, detail::choose_fused(fused_.get(), f, most_workspace)).first->second;
    }
    fused_attention* fused() { return fused_.get(); }

    /// So many bytes that calls share, one after the other. What was handed out before stays, since captured graphs hold it.
    row_view<std::byte> workspace(index_t bytes) {
        if (kept_.empty() || kept_.back().size() < bytes) kept_.emplace_back(bytes, stream_);
        return kept_.back().view();
    }
    /// Bytes of all that was handed out.
    index_t workspace_bytes() const {
        index_t n = 0;
        for (auto const& b : kept_) n += b.size();
        return n;
    }

  private:
    cudaStream_t                                         stream_;
    std::unique_ptr<fused_attention>                     fused_;
    std::map<fused_attention_form, detail::fused_choice> chosen_;
    std::vector<cuda_buffer<std::byte>>                  kept_;
};

}  // namespace midtrain::inline MT_ABI
