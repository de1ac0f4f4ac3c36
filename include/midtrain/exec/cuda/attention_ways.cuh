#pragma once
#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <cuda_runtime.h>
#include <midtrain/core/view.hpp>
#include <midtrain/exec/cuda/buffer.cuh>
#include <midtrain/exec/cuda/fused_attention.hpp>

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
    /// Bytes that one call may want; where heads one by one want more, tiles do it.
    index_t most_workspace = index_t{4} << 30;

    /// A fused way for a form: as it is, or by fewer heads at a time.
    struct choice {
        fused_attention_form each{};      ///< of one call
        index_t              calls = 0;   ///< by key heads; 0: there is no fused way
        index_t              bytes = 0;   ///< of workspace
        std::string          refused{};
    };
    choice const& choose(fused_attention_form const& f) {
        if (auto const known = chosen_.find(f); known != chosen_.end()) return known->second;
        return chosen_.emplace(f, fresh_choice(f)).first->second;
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
    choice fresh_choice(fused_attention_form const& f) {
        choice c;
        if (!fused_) return c.refused = "the program has no cuDNN", c;
        for (index_t calls = 1; calls <= f.kv_heads; ++calls) {
            if (f.kv_heads % calls != 0) continue;
            auto each = f;
            each.heads /= calls, each.kv_heads /= calls;
            auto const& found = fused_->find(each);
            if (!found.refused.empty()) return c.refused = "cuDNN: " + found.refused, c;
            if (found.workspace <= most_workspace) return {each, calls, found.workspace, {}};
            c.refused = "cuDNN wants " + std::to_string(found.workspace >> 20) + " MiB to give twice the same bits";
            calls     = std::max(calls, found.workspace / most_workspace * calls);  // it falls at most as the heads do
        }
        return c;
    }

    cudaStream_t                           stream_;
    std::unique_ptr<fused_attention>       fused_;
    std::map<fused_attention_form, choice> chosen_;
    std::vector<cuda_buffer<std::byte>>    kept_;
};

}  // namespace midtrain::inline MT_ABI
