#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <cuda_runtime.h>
#include <midtrain/exec/cuda/check.cuh>

// Every call of CUDA's that makes the host wait, or may: no other file has one, and a test reads the sources for it.
namespace midtrain::inline MT_ABI::detail {

/// How often the host waited for a GPU, or asked for memory, which may wait too.
struct cuda_waits {
    std::int64_t waits = 0, allocations = 0;
};

inline cuda_waits& cuda_waited() {
    static thread_local cuda_waits all;  // one thread uses a device
    return all;
}

inline void wait_for_stream(cudaStream_t stream) {
    ++cuda_waited().waits;
    cuda_check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
}
inline void wait_for_event(cudaEvent_t event) {
    ++cuda_waited().waits;
    cuda_check(cudaEventSynchronize(event), "cudaEventSynchronize");
}
inline void* allocate_on_gpu(std::size_t bytes) {
    ++cuda_waited().allocations;
    void* memory = nullptr;
    cuda_check(cudaMalloc(&memory, bytes), ("cudaMalloc of " + std::to_string(bytes) + " bytes").c_str());
    return memory;
}
inline void free_on_gpu(void* memory) { cudaFree(memory); }  // waits for the work that may still use it
/// Pages that stay where they are, so that a GPU copies from and to them by itself.
inline void* allocate_pinned(std::size_t bytes) {
    ++cuda_waited().allocations;
    void* memory = nullptr;
    cuda_check(cudaHostAlloc(&memory, bytes, cudaHostAllocDefault), ("cudaHostAlloc of " + std::to_string(bytes) + " bytes").c_str());
    return memory;
}
inline void free_pinned(void* memory) { cudaFreeHost(memory); }

}  // namespace midtrain::inline MT_ABI::detail
