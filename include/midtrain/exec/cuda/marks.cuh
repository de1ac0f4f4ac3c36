#pragma once
#include <cstdint>
#include <cuda_runtime.h>
#include <midtrain/exec/cuda/check.cuh>
#include <midtrain/exec/cuda/waits.cuh>

namespace midtrain::inline MT_ABI {

/// A place in the order of a GPU's work.
struct cuda_mark {
    std::int64_t number = 0;
};

namespace detail {

/// Marks of a stream: a few events in turn. A mark whose event was used again since is reached when the later one is, which is later only.
class cuda_marks {
  public:
    cuda_marks() {
        for (auto& e : events_) cuda_check(cudaEventCreateWithFlags(&e, cudaEventDisableTiming), "cudaEventCreateWithFlags");
    }
    ~cuda_marks() {
        for (auto e : events_) cudaEventDestroy(e);
    }
    cuda_marks(cuda_marks const&)            = delete;
    cuda_marks& operator=(cuda_marks const&) = delete;

    cuda_mark place(cudaStream_t stream) {
        cuda_check(cudaEventRecord(events_[next_ % count], stream), "cudaEventRecord");
        return {next_++};
    }
    void reach(cuda_mark m) { wait_for_event(events_[m.number % count]); }

  private:
    static constexpr int count = 8;

    cudaEvent_t  events_[count]{};
    std::int64_t next_ = 0;
};

}  // namespace detail

}  // namespace midtrain::inline MT_ABI
