#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <cuda_runtime.h>
#include <midtrain/concepts/ahead_device.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/pack.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/exec/cuda/attention_ways.cuh>
#include <midtrain/exec/cuda/buffer.cuh>
#include <midtrain/exec/cuda/check.cuh>
#include <midtrain/exec/cuda/gemm.cuh>
#include <midtrain/exec/cuda/graph.cuh>
#include <midtrain/exec/cuda/kernels.cuh>
#include <midtrain/exec/cuda/marks.cuh>
#include <midtrain/exec/cuda/waits.cuh>
#include <midtrain/problem/batched_gemm.hpp>
#include <midtrain/problem/fp8_form.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

/// A stream of a GPU that is made current for the calling thread.
class cuda_stream {
  public:
    explicit cuda_stream(int number) : number_(number) {
        int        count  = 0;
        auto const status = cudaGetDeviceCount(&count);
        check(status == cudaSuccess, [&] { return std::string("no CUDA device: ") + cudaGetErrorString(status); });
        check(0 <= number && number < count, [&] {
            return "no CUDA device: number " + std::to_string(number) + " is wanted, and there are " + std::to_string(count);
        });
        cuda_check(cudaSetDevice(number), "cudaSetDevice");
        cuda_check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
    }
    ~cuda_stream() { cudaStreamDestroy(stream_); }
    cuda_stream(cuda_stream const&)            = delete;
    cuda_stream& operator=(cuda_stream const&) = delete;

    cudaStream_t get() const { return stream_; }
    /// Of the GPU.
    int attribute(cudaDeviceAttr which) const {
        int value = 0;
        cuda_check(cudaDeviceGetAttribute(&value, which, number_), "cudaDeviceGetAttribute");
        return value;
    }

  private:
    int          number_ = 0;
    cudaStream_t stream_ = nullptr;
};

}  // namespace detail

/// A GPU of NVIDIA's, which runs ahead (concepts/ahead_device.hpp). All work goes into one stream, in the order of the calls; upload, download,
/// wait and reach wait for it, nothing else. The memory is not the host's: views of it go to functors and products only. One thread uses it.
class cuda {
  public:
    template <class T>
    using buffer = cuda_buffer<T>;

    static constexpr bool    shares_memory = false;               ///< with the host
    static constexpr index_t logits_bytes  = index_t{1} << 30;    ///< that a head may take for a chunk of rows

    /// The GPU of that number. Throws midtrain::error "no CUDA device: ..." where there is none, or no driver.
    explicit cuda(int number = 0)
        : stream_(number), gemm_(stream_.get()), attention_(stream_.get()), processors_(stream_.attribute(cudaDevAttrMultiProcessorCount)),
          capability_(10 * stream_.attribute(cudaDevAttrComputeCapabilityMajor) + stream_.attribute(cudaDevAttrComputeCapabilityMinor)) {}

    /// n zeroed values.
    template <class T>
    cuda_buffer<T> make(index_t n) {
        return cuda_buffer<T>(n, stream_.get());
    }

    /// f(i) for each i in 0 .. n-1, by packs where f offers them and its views are aligned.
    template <class F>
    void elements(index_t n, F const& f) {
        static_assert(std::is_trivially_copyable_v<F>, "midtrain: an element functor holds views and numbers only");
        if (n <= 0) return;
        if constexpr (offers_packs<F>)
            if (f.packs()) return launch(by_packs<F>{f, n}.elements(), by_packs<F>{f, n});
        launch(n, f);
    }

    /// f(team, r) for each r in 0 .. n-1, a warp or a block a row (kernels.cuh).
    template <class F>
    void rows(index_t n, F const& f) {
        static_assert(std::is_trivially_copyable_v<F>, "midtrain: a row functor holds views and numbers only");
        if (n <= 0) return;
        detail::launch_rows(stream_.get(), n, f);
        detail::cuda_check(cudaGetLastError(), "launch of a row functor");
    }

    template <class A, class B, class C>
    void gemm(gemm_problem<A, B, C> const& p) {
        gemm_.run(p);
    }
    template <class A, class B, class C>
    void run(batched_gemm_problem<A, B, C> const& p) {
        gemm_.run(p);
    }

    /// The tuned way, or the plain one where tuned() says that this GPU has none for such sizes.
    template <class Problem>
        requires requires(cuda& device, Problem const& p) { tuned(device, p); }
    void run(Problem const& p) {
        if (!tuned(*this, p)) plain(*this, p);
    }
    /// Whether its tensor cores multiply eight bits with such scales: one a tensor from Ada on, one a tile on Hopper.
    bool multiplies_fp8(fp8_scaling scaling) const {
        return scaling == fp8_scaling::tensor ? capability_ >= 89 : scaling == fp8_scaling::block && capability_ == 90;
    }

    /// What tuned ways work with.
    detail::cuda_gemm& products() { return gemm_; }
    attention_ways&    attention() { return attention_; }
    cudaStream_t       stream() const { return stream_.get(); }
    int                processors() const { return processors_; }

    void wait() { detail::wait_for_stream(stream_.get()); }

    /// n values of the host's memory that stays where it is, for send and fetch.
    template <class T>
    pinned_buffer<T> make_host(index_t n) {
        return pinned_buffer<T>(n);
    }
    template <class T>
    void send(T const* from, row_view<T> to) {
        copy(to.data, from, to.size() * static_cast<index_t>(sizeof(T)), cudaMemcpyHostToDevice);
    }
    template <class T>
    void fetch(row_view<T const> from, T* to) {
        copy(to, from.data, from.size() * static_cast<index_t>(sizeof(T)), cudaMemcpyDeviceToHost);
    }
    /// A place in the order of the work; of the last eight, the host may still wait for it.
    cuda_mark mark() { return marks_.place(stream_.get()); }
    void      reach(cuda_mark m) { marks_.reach(m); }

    /// f(), or the CUDA graph of what it asked for when it had that form and those numbers.
    template <class F>
    void repeat(std::span<std::uint64_t const> form, std::span<double const> numbers, F const& f) {
        if (captures_) graphs_.repeat(stream_.get(), form, numbers, f);
        else f();
    }
    /// Whether repeat() makes graphs; without them each launch is one of its own, with the same bits.
    void                       capture(bool yes) { captures_ = yes; }
    detail::cuda_graphs const& graphs() const { return graphs_; }

    /// From the host's memory to the GPU's, and back, after all that was asked before; done on return.
    template <class T>
    void upload(T const* from, row_view<T> to) {
        send(from, to);
        wait();
    }
    template <class T>
    void download(row_view<T const> from, T* to) {
        fetch(from, to);
        wait();
    }

  private:
    template <class F>
    void launch(index_t n, F const& f) {
        detail::elements_kernel<F><<<blocks(n, detail::threads_in_block), detail::threads_in_block, 0, stream_.get()>>>(n, f);
        detail::cuda_check(cudaGetLastError(), "launch of an element functor");
    }
    static unsigned blocks(index_t n, index_t each) {
        return static_cast<unsigned>(std::min<index_t>((n + each - 1) / each, 0x7fffffff));
    }
    void copy(void* to, void const* from, index_t bytes, cudaMemcpyKind way) {
        if (bytes <= 0) return;
        detail::cuda_check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), way, stream_.get()), "cudaMemcpyAsync");
    }

    detail::cuda_stream stream_;
    detail::cuda_gemm   gemm_;
    attention_ways      attention_;
    int                 processors_, capability_;
    detail::cuda_marks  marks_;
    detail::cuda_graphs graphs_;
    bool                captures_ = true;
};
static_assert(AheadDevice<cuda>);

}  // namespace midtrain::inline MT_ABI

// Tuned ways: bool tuned(cuda&, problem), found by the problem's type.
#include <midtrain/exec/cuda/op/fp8_gemm.cuh>
#include <midtrain/exec/cuda/op/attention.cuh>
#include <midtrain/exec/cuda/op/fused_gemm.cuh>
#include <midtrain/exec/cuda/op/grouped_gemm.cuh>
#include <midtrain/exec/cuda/op/selective_scan.cuh>
