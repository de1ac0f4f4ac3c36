#pragma once
// What comm/nccl.cuh is made of.
#if __has_include(<nccl.h>)
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <cuda_runtime.h>
#include <nccl.h>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::detail {

/// Throw midtrain::error that names the call, unless it went well.
inline void nccl_check(ncclResult_t status, char const* call, ncclComm_t comm = nullptr) {
    check(status == ncclSuccess,
          [&] { return std::string(call) + ": " + ncclGetErrorString(status) + (comm ? std::string("; ") + ncclGetLastError(comm) : ""); });
}
inline void nccl_check(cudaError_t status, char const* call) {
    check(status == cudaSuccess, [&] { return std::string(call) + ": " + cudaGetErrorString(status); });
}

/// What NCCL calls a type that it sums.
template <class T>
constexpr ncclDataType_t nccl_type() {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, bf16> || std::is_integral_v<T>,
                  "midtrain: NCCL sums float, double, bf16 and integers of 32 and 64 bits");
    if constexpr (std::is_same_v<T, float>) return ncclFloat32;
    else if constexpr (std::is_same_v<T, double>) return ncclFloat64;
    else if constexpr (std::is_same_v<T, bf16>) return ncclBfloat16;
    else if constexpr (sizeof(T) == 4) return std::is_signed_v<T> ? ncclInt32 : ncclUint32;
    else {
        static_assert(sizeof(T) == 8, "midtrain: NCCL sums integers of 32 and 64 bits");
        return std::is_signed_v<T> ? ncclInt64 : ncclUint64;
    }
}

/// Ranks of one NCCL communicator. Leaving by an error aborts it, since others may never come to end it with us.
class nccl_group {
  public:
    explicit nccl_group(ncclComm_t comm) : comm_(comm) {}
    nccl_group(ncclUniqueId const& key, int rank, int size) { nccl_check(ncclCommInitRank(&comm_, size, key, rank), "ncclCommInitRank"); }
    ~nccl_group() {
        if (std::uncaught_exceptions() > thrown_) ncclCommAbort(comm_);
        else ncclCommDestroy(comm_);
    }
    nccl_group(nccl_group const&)            = delete;
    nccl_group& operator=(nccl_group const&) = delete;

    ncclComm_t get() const { return comm_; }
    int        rank() const {
        int r = 0;
        nccl_check(ncclCommUserRank(comm_, &r), "ncclCommUserRank", comm_);
        return r;
    }
    int size() const {
        int n = 0;
        nccl_check(ncclCommCount(comm_, &n), "ncclCommCount", comm_);
        return n;
    }
    ncclComm_t split(int colour) const {
        ncclComm_t inner = nullptr;
        nccl_check(ncclCommSplit(comm_, colour, rank(), &inner, nullptr), "ncclCommSplit", comm_);
        return inner;
    }

  private:
    int        thrown_ = std::uncaught_exceptions();
    ncclComm_t comm_   = nullptr;
};

/// A stream beside the one of the device: what goes there begins behind the device's work so far, and join() makes the device's later work
/// wait for it. Neither makes the host wait. Events are made once and used again.
class nccl_stream {
  public:
    explicit nccl_stream(cudaStream_t device) : device_(device) {
        int least = 0, most = 0;  // so that an exchange need not wait for all blocks of a product
        nccl_check(cudaDeviceGetStreamPriorityRange(&least, &most), "cudaDeviceGetStreamPriorityRange");
        nccl_check(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, most), "cudaStreamCreateWithPriority");
    }
    ~nccl_stream() {
        for (auto e : events_) cudaEventDestroy(e);
        cudaStreamDestroy(stream_);
    }
    nccl_stream(nccl_stream const&)            = delete;
    nccl_stream& operator=(nccl_stream const&) = delete;

    cudaStream_t get() const { return stream_; }
    cudaStream_t device() const { return device_; }

    void fork() {
        auto const e = take();
        nccl_check(cudaEventRecord(events_[e], device_), "cudaEventRecord");
        nccl_check(cudaStreamWaitEvent(stream_, events_[e], 0), "cudaStreamWaitEvent");
        free_.push_back(e);
    }
    /// The number of the moment when what is there now is done.
    std::size_t mark() {
        auto const e = take();
        nccl_check(cudaEventRecord(events_[e], stream_), "cudaEventRecord");
        return e;
    }
    void join(std::size_t moment) {
        nccl_check(cudaStreamWaitEvent(device_, events_[moment], 0), "cudaStreamWaitEvent");
        free_.push_back(moment);
    }
    /// The host waits: for numbers that lie in its own memory, and for nothing else.
    void wait_for_host_numbers() { nccl_check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

  private:
    std::size_t take() {
        if (free_.empty()) {
            cudaEvent_t e = nullptr;
            nccl_check(cudaEventCreateWithFlags(&e, cudaEventDisableTiming), "cudaEventCreateWithFlags");
            events_.push_back(e);
            return events_.size() - 1;
        }
        auto const e = free_.back();
        free_.pop_back();
        return e;
    }

    cudaStream_t             device_, stream_ = nullptr;
    std::vector<cudaEvent_t> events_;
    std::vector<std::size_t> free_;
};

/// A GPU's memory for numbers of the host on their way; grows, never shrinks.
class nccl_staging {
  public:
    nccl_staging() = default;
    ~nccl_staging() { cudaFree(data_); }
    nccl_staging(nccl_staging const&)            = delete;
    nccl_staging& operator=(nccl_staging const&) = delete;

    std::byte* room(std::size_t bytes) {
        if (bytes > size_) {
            cudaFree(std::exchange(data_, nullptr));
            nccl_check(cudaMalloc(&data_, bytes), "cudaMalloc for numbers of the host");
            size_ = bytes;
        }
        return static_cast<std::byte*>(data_);
    }

  private:
    void*       data_ = nullptr;
    std::size_t size_ = 0;
};

/// Whether a GPU reaches the memory, so that NCCL may take it as it is.
inline bool on_gpu(void const* data) {
    cudaPointerAttributes of{};
    nccl_check(cudaPointerGetAttributes(&of, data), "cudaPointerGetAttributes");
    return of.type == cudaMemoryTypeDevice || of.type == cudaMemoryTypeManaged;
}

}  // namespace midtrain::inline MT_ABI::detail
#endif
