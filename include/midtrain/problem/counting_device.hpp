#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Does nothing: a dry run over it finds how much memory a pass needs.
struct counting_device {
    template <class F>
    void elements(index_t, F const&) {}
    template <class F>
    void rows(index_t, F const&) {}
    template <class Problem>
    void gemm(Problem const&) {}
    template <class Problem>
    void run(Problem const&) {}
};

}  // namespace midtrain::inline MT_ABI
