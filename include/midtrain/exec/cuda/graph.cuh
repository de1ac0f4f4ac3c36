#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>
#include <cuda_runtime.h>
#include <midtrain/exec/cuda/check.cuh>

namespace midtrain::inline MT_ABI::detail {

/// Work that is asked of a stream again and again, as CUDA graphs. What has a form for the first two times runs as it is: memory is made there
/// and algorithms are chosen. From the third time on it is captured, and launched as one graph; with other numbers it is captured again, which
/// changes the launches' arguments in the graph that is there.
class cuda_graphs {
  public:
    cuda_graphs() = default;
    ~cuda_graphs() {
        for (auto& [form, one] : known_)
            if (one.graph) cudaGraphExecDestroy(one.graph);
    }
    cuda_graphs(cuda_graphs const&)            = delete;
    cuda_graphs& operator=(cuda_graphs const&) = delete;

    template <class F>
    void repeat(cudaStream_t stream, std::span<std::uint64_t const> form, std::span<double const> numbers, F const& f) {
        form_.assign(form.begin(), form.end());
        auto& one = known_[form_];
        if (one.runs < 2) return ++one.runs, f();
        if (!one.graph || !std::equal(numbers.begin(), numbers.end(), one.numbers.begin(), one.numbers.end())) {
            capture(stream, one, f);
            one.numbers.assign(numbers.begin(), numbers.end());
        }
        ++launches_;
        cuda_check(cudaGraphLaunch(one.graph, stream), "cudaGraphLaunch");
    }

    std::int64_t captures() const { return captures_; }
    std::int64_t launches() const { return launches_; }
    /// Nodes of the graph that was captured last: kernels, copies and fills of one step.
    std::size_t nodes() const { return nodes_; }

  private:
    struct known {
        int                 runs  = 0;
        cudaGraphExec_t     graph = nullptr;
        std::vector<double> numbers;
    };

    template <class F>
    void capture(cudaStream_t stream, known& one, F const& f) {
        cudaGraph_t graph = nullptr;
        cuda_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
        try {
            f();
        } catch (...) {
            cudaStreamEndCapture(stream, &graph);
            if (graph) cudaGraphDestroy(graph);
            throw;
        }
        cuda_check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
        cuda_check(cudaGraphGetNodes(graph, nullptr, &nodes_), "cudaGraphGetNodes");
        if (one.graph) {
            cudaGraphExecUpdateResultInfo why;
            if (cudaGraphExecUpdate(one.graph, graph, &why) != cudaSuccess) {
                cudaGetLastError();  // another shape of graph is no failure of the device
                cudaGraphExecDestroy(std::exchange(one.graph, nullptr));
            }
        }
        if (!one.graph) {
            auto const status = cudaGraphInstantiate(&one.graph, graph, 0);
            if (status != cudaSuccess) one.graph = nullptr, cudaGraphDestroy(graph), cuda_check(status, "cudaGraphInstantiate");
        }
        cudaGraphDestroy(graph);
        ++captures_;
    }

    std::map<std::vector<std::uint64_t>, known> known_;
    std::vector<std::uint64_t>                  form_;
    std::int64_t                                captures_ = 0, launches_ = 0;
    std::size_t                                 nodes_    = 0;
};

}  // namespace midtrain::inline MT_ABI::detail
