#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>
#include <midtrain/core/types.hpp>
#include <midtrain/problem/batch.hpp>

namespace midtrain::inline MT_ABI {

/// A window is a document's begin that comes along: attention needs no other notion of it.
class sliding_window {
  public:
    /// Narrows what each token of the batch sees to the `window` tokens up to itself; 0: all of its document. The batch then points here.
    void narrow(token_batch& batch, index_t window) {
        if (window == 0 || window >= batch.length) return;
        begin_.resize(static_cast<std::size_t>(batch.count()));
        for (index_t i = 0; i < batch.count(); ++i)
            begin_[static_cast<std::size_t>(i)] =
                std::max(batch.document_begin[i], static_cast<std::int32_t>(i % batch.length + 1 - window));
        batch.document_begin = {begin_.data(), batch.count()};
    }

  private:
    std::vector<std::int32_t> begin_;
};

}  // namespace midtrain::inline MT_ABI
