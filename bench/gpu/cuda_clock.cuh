#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>
#include <midtrain/exec/cuda/cuda.cuh>

namespace bench {

/// Stamps by events in the stream. While a graph is captured they become nodes of it, which stamp anew whenever it is launched, without a gap that
/// the host could have made; from then on what is asked for outside of a graph is not stamped.
class cuda_clock {
  public:
    explicit cuda_clock(midtrain::cuda& device) : device_(&device), events_(65'536) {
        for (auto& e : events_) midtrain::detail::cuda_check(cudaEventCreate(&e), "cudaEventCreate");
    }
    ~cuda_clock() {
        for (auto e : events_) cudaEventDestroy(e);
    }
    cuda_clock(cuda_clock const&)            = delete;
    cuda_clock& operator=(cuda_clock const&) = delete;

    bool counts() const { return used_ + 2 <= events_.size() && (graph_ < 0 || capturing()); }
    /// Whether this is the first stamp of a graph.
    bool begins_anew() {
        auto const number = device_->graphs().captures();
        if (!capturing() || number == graph_) return false;
        graph_ = number;
        return true;
    }
    bool        repeats() const { return graph_ >= 0; }
    void        forget() { used_ = 0; }
    std::size_t stamp() {
        midtrain::detail::cuda_check(
            cudaEventRecordWithFlags(events_[used_], device_->stream(), capturing() ? cudaEventRecordExternal : cudaEventRecordDefault),
            "cudaEventRecordWithFlags");
        return used_++;
    }
    double seconds(std::size_t begin, std::size_t end) const {
        float ms = 0;
        midtrain::detail::cuda_check(cudaEventElapsedTime(&ms, events_[begin], events_[end]), "cudaEventElapsedTime");
        return ms / 1e3;
    }

  private:
    bool capturing() const {
        cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
        midtrain::detail::cuda_check(cudaStreamIsCapturing(device_->stream(), &status), "cudaStreamIsCapturing");
        return status == cudaStreamCaptureStatusActive;
    }

    midtrain::cuda*          device_;
    std::vector<cudaEvent_t> events_;
    std::size_t              used_  = 0;
    std::int64_t             graph_ = -1;  // its number, of those that the device captured
};

}  // namespace bench
