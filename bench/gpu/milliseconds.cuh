#pragma once
#include <algorithm>
#include <vector>
#include <midtrain/exec/cuda/cuda.cuh>

namespace bench {

/// Milliseconds of one f(): the median of rounds, each long enough for the clock of a GPU, after two that are not counted.
template <class F>
double milliseconds(midtrain::cuda& device, int rounds, F const& f) {
    using midtrain::detail::cuda_check;
    cudaEvent_t begin, end;
    cuda_check(cudaEventCreate(&begin), "cudaEventCreate");
    cuda_check(cudaEventCreate(&end), "cudaEventCreate");
    std::vector<double> found;
    int                 calls = 1;
    for (int k = -2; k < rounds; ++k) {
        cuda_check(cudaEventRecord(begin, device.stream()), "cudaEventRecord");
        for (int c = 0; c < calls; ++c) f();
        cuda_check(cudaEventRecord(end, device.stream()), "cudaEventRecord");
        device.wait();
        float ms = 0;
        cuda_check(cudaEventElapsedTime(&ms, begin, end), "cudaEventElapsedTime");
        if (k == -1) calls = std::clamp(static_cast<int>(50 / std::max(ms, 0.01f)), 1, 200);
        if (k >= 0) found.push_back(ms / calls);
    }
    cudaEventDestroy(begin), cudaEventDestroy(end);
    std::sort(found.begin(), found.end());
    return found[found.size() / 2];
}

}  // namespace bench
