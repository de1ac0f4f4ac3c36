#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <cublasLt.h>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/exec/cuda/buffer.cuh>
#include <midtrain/exec/cuda/check.cuh>
#include <midtrain/exec/cuda/column_major.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

template <class T>
constexpr cudaDataType cuda_type() {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, bf16> || std::is_same_v<T, double>,
                  "midtrain: products on a GPU are of float, bf16 or double");
    return std::is_same_v<T, float> ? CUDA_R_32F : std::is_same_v<T, bf16> ? CUDA_R_16BF : CUDA_R_64F;
}

/// Products by cuBLASLt. What it recommends for a form is asked once and kept, so a form has one algorithm throughout a run; sums that
/// it splits are added in the computed type, in a workspace, in one order. Float is float: no TF32.
class cuda_gemm {
  public:
    explicit cuda_gemm(cudaStream_t stream) : stream_(stream), workspace_(workspace_bytes, stream) {
        cuda_check(cublasLtCreate(&handle_), "cublasLtCreate");
    }
    ~cuda_gemm() { cublasLtDestroy(handle_); }
    cuda_gemm(cuda_gemm const&)            = delete;
    cuda_gemm& operator=(cuda_gemm const&) = delete;

    /// k > 0; for no columns or rows there is nothing to do.
    template <class A, class B, class C>
    void run(gemm_problem<A, B, C> const& p) {
        static_assert(std::is_same_v<A, B>, "midtrain: both operands of a product have one type");
        using scale_type = computed_t<A>;
        auto const g     = as_column_major(p);
        if (g.m == 0 || g.n == 0) return;
        MT_EXPECT(g.k > 0);
        call         c(g, cuda_type<A>(), cuda_type<C>(), std::is_same_v<A, double>);
        auto const&  found = algorithm(c, {cuda_type<A>(), cuda_type<C>(), g.m, g.n, g.k, g.left.stride, g.right.stride, g.result.stride,
                                           g.left.transposed, g.right.transposed, aligned(p.b.data), aligned(p.a.data), aligned(p.c.data)});
        scale_type const one = 1, beta = p.accumulate ? 1 : 0;
        cuda_check(cublasLtMatmul(handle_, &c.operation, &one, p.b.data, &c.left, p.a.data, &c.right, &beta, p.c.data, &c.result, p.c.data,
                                  &c.result, &found, workspace_.view().data, workspace_bytes, stream_),
                   "cublasLtMatmul");
    }

  private:
    using form = std::array<std::int64_t, 13>;  // types, sizes, strides, transposes, alignments

    // As cuBLAS asks for on Hopper; smaller GPUs recommend less and leave the rest.
    static constexpr std::size_t workspace_bytes = std::size_t{32} << 20;

    /// The descriptors of one call; they live on the stack.
    struct call {
        cublasLtMatmulDescOpaque_t   operation;
        cublasLtMatrixLayoutOpaque_t left, right, result;

        call(column_major_gemm const& g, cudaDataType in, cudaDataType out, bool is_double) {
            auto const compute = is_double ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F;
            cuda_check(cublasLtMatmulDescInit(&operation, compute, is_double ? CUDA_R_64F : CUDA_R_32F), "cublasLtMatmulDescInit");
            transpose(CUBLASLT_MATMUL_DESC_TRANSA, g.left);
            transpose(CUBLASLT_MATMUL_DESC_TRANSB, g.right);
            lay_out(left, g.left, in);
            lay_out(right, g.right, in);
            lay_out(result, g.result, out);
        }
        void transpose(cublasLtMatmulDescAttributes_t which, column_major const& o) {
            cublasOperation_t const as = o.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
            cuda_check(cublasLtMatmulDescSetAttribute(&operation, which, &as, sizeof(as)), "cublasLtMatmulDescSetAttribute");
        }
        static void lay_out(cublasLtMatrixLayoutOpaque_t& to, column_major const& o, cudaDataType type) {
            auto const rows = static_cast<std::uint64_t>(o.rows), columns = static_cast<std::uint64_t>(o.columns);
            cuda_check(cublasLtMatrixLayoutInit(&to, type, rows, columns, o.stride), "cublasLtMatrixLayoutInit");
        }
    };

    /// The largest power of two, up to 256, that the address is a multiple of.
    static std::int64_t aligned(void const* p) {
        auto const address = reinterpret_cast<std::uintptr_t>(p) | 256u;
        return static_cast<std::int64_t>(address & (~address + 1));
    }

    cublasLtMatmulAlgo_t const& algorithm(call& c, form const& f) {
        if (auto const known = algorithms_.find(f); known != algorithms_.end()) return known->second;
        cublasLtMatmulPreferenceOpaque_t wish;
        cuda_check(cublasLtMatmulPreferenceInit(&wish), "cublasLtMatmulPreferenceInit");
        auto const set = [&](cublasLtMatmulPreferenceAttributes_t what, auto value) {
            cuda_check(cublasLtMatmulPreferenceSetAttribute(&wish, what, &value, sizeof(value)), "cublasLtMatmulPreferenceSetAttribute");
        };
        set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{workspace_bytes});
        set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, static_cast<std::uint32_t>(f[10]));
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, static_cast<std::uint32_t>(f[11]));
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, static_cast<std::uint32_t>(f[12]));
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, static_cast<std::uint32_t>(f[12]));
        cublasLtMatmulHeuristicResult_t best{};
        int                             count = 0;
        cuda_check(cublasLtMatmulAlgoGetHeuristic(handle_, &c.operation, &c.left, &c.right, &c.result, &c.result, &wish, 1, &best, &count),
                   "cublasLtMatmulAlgoGetHeuristic");
        check(count > 0, [&] {
            return "cuBLASLt has no way to multiply (" + std::to_string(f[3]) + " x " + std::to_string(f[4]) + ") by (" +
                   std::to_string(f[4]) + " x " + std::to_string(f[2]) + ")";
        });
        return algorithms_.emplace(f, best.algo).first->second;
    }

    cublasLtHandle_t                     handle_ = nullptr;
    cudaStream_t                         stream_;
    cuda_buffer<std::byte>               workspace_;
    std::map<form, cublasLtMatmulAlgo_t> algorithms_;
};

}  // namespace midtrain::inline MT_ABI::detail
