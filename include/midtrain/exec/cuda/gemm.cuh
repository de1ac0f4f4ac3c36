#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <cublasLt.h>
#include <midtrain/core/error.hpp>
#include <midtrain/exec/cuda/buffer.cuh>
#include <midtrain/exec/cuda/check.cuh>
#include <midtrain/exec/cuda/lt_call.cuh>
#include <midtrain/problem/batched_gemm.hpp>
#include <midtrain/problem/fused_gemm.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

/// Products by cuBLASLt. What it recommends for a form is asked once and kept, so a form has one algorithm throughout a run; sums that
/// it splits are added in the computed type, in a workspace, in one order. Float is float: no TF32. A form that was met before
/// allocates nothing and waits for nothing, so that a stream may be captured.
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
        demand(as_lt_product(p));
    }
    template <class A, class B, class C>
    void run(batched_gemm_problem<A, B, C> const& p) {
        auto call  = as_lt_product(p.first);
        call.count = p.count;
        call.left.apart = p.b_apart, call.right.apart = p.a_apart, call.result.apart = p.c_apart;
        demand(call);
    }

    /// Whether cuBLASLt has a kernel that does all of it, and then it did. Its GELU is the form with tanh.
    template <class T>
    bool fused(biased_gemm_problem<T> const& p) {
        auto call       = as_lt_product(p.product);
        bool const bias = p.bias.size() > 0, gelu = p.gelu.size() > 0;
        call.epilogue   = gelu && bias ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : gelu ? CUBLASLT_EPILOGUE_GELU_AUX : CUBLASLT_EPILOGUE_BIAS;
        if (bias) call.bias = p.bias.data;
        if (gelu) {
            keep_before(call, p.product.c);
            call.result.data        = p.gelu.data;
            call.form.result.stride = p.gelu.stride;
        }
        return attempt(call);
    }
    template <class T>
    bool fused(gelu_gradient_gemm_problem<T> const& p) {
        auto call     = as_lt_product(p.product);
        call.epilogue = CUBLASLT_EPILOGUE_DGELU;
        keep_before(call, p.before);
        return attempt(call);
    }
    /// Writes p.work, not p.sums: cuBLASLt does not add to a bias's gradient.
    template <class T>
    bool fused(summed_gemm_problem<T> const& p) {
        auto call     = as_lt_product(p.product);
        call.epilogue = CUBLASLT_EPILOGUE_BGRADB;
        call.bias     = p.work.data;
        return attempt(call);
    }

    template <class A, class B, class C>
    bool fused(fp8_gemm_problem<A, B, C> const& p) {
        return attempt(as_lt_product(p));
    }

    /// Any product; false where cuBLASLt has no kernel for it, and then nothing is done.
    bool attempt(lt_product const& p) {
        auto const& g = p.form;
        if (g.m == 0 || g.n == 0 || p.count == 0) return true;
        MT_EXPECT(g.k > 0);
        lt_call     c(p);
        auto&       found = algorithm(c, p);
        if (!found.serves) return false;
        double const ones[] = {0, 1};
        float const  one[]  = {0, 1};
        bool const   wide   = p.left.type == CUDA_R_64F;
        auto const   factor = [&](int i) { return wide ? static_cast<void const*>(ones + i) : static_cast<void const*>(one + i); };
        auto const   to     = const_cast<void*>(p.result.data);
        auto const   status = cublasLtMatmul(handle_, &c.operation, factor(1), p.left.data, &c.left, p.right.data, &c.right,
                                             factor(p.accumulate), to, &c.result, to, &c.result, &found.how, workspace_.view().data,
                                             workspace_bytes, stream_);
        if (status == CUBLAS_STATUS_NOT_SUPPORTED || (p.fuses() && status == CUBLAS_STATUS_INVALID_VALUE))
            return found.serves = false;  // recommended, but not for all of this
        cuda_check(status, "cublasLtMatmul");
        return true;
    }

  private:
    struct kept {
        bool                 serves;
        cublasLtMatmulAlgo_t how;
    };
    // As cuBLAS asks for on Hopper; smaller GPUs recommend less and leave the rest.
    static constexpr std::size_t workspace_bytes = std::size_t{32} << 20;

    template <class T>
    static void keep_before(lt_product& call, matrix_view<T> before) {
        call.aux        = {before.data, cuda_type<std::remove_const_t<T>>()};
        call.aux_stride = before.stride;
    }
    void demand(lt_product const& p) {
        check(attempt(p), [&] {
            auto const& g = p.form;
            return "cuBLASLt has no way to multiply (" + std::to_string(g.n) + " x " + std::to_string(g.k) + ") by (" +
                   std::to_string(g.k) + " x " + std::to_string(g.m) + ")";
        });
    }
    kept& algorithm(lt_call& c, lt_product const& p) {
        auto const f = form_of(p);
        if (auto const known = algorithms_.find(f); known != algorithms_.end()) return known->second;
        cublasLtMatmulPreferenceOpaque_t wish;
        cuda_check(cublasLtMatmulPreferenceInit(&wish), "cublasLtMatmulPreferenceInit");
        auto const set = [&](cublasLtMatmulPreferenceAttributes_t what, auto value) {
            cuda_check(cublasLtMatmulPreferenceSetAttribute(&wish, what, &value, sizeof(value)), "cublasLtMatmulPreferenceSetAttribute");
        };
        set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{workspace_bytes});
        set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, static_cast<std::uint32_t>(aligned(p.left)));
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, static_cast<std::uint32_t>(aligned(p.right)));
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, static_cast<std::uint32_t>(aligned(p.result)));
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, static_cast<std::uint32_t>(aligned(p.result)));
        cublasLtMatmulHeuristicResult_t best{};
        int                             count = 0;
        auto const                      status =
            cublasLtMatmulAlgoGetHeuristic(handle_, &c.operation, &c.left, &c.right, &c.result, &c.result, &wish, 1, &best, &count);
        bool const none = status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE;
        if (!none) cuda_check(status, "cublasLtMatmulAlgoGetHeuristic");
        return algorithms_.emplace(f, kept{!none && count > 0, best.algo}).first->second;
    }

    cublasLtHandle_t        handle_ = nullptr;
    cudaStream_t            stream_;
    cuda_buffer<std::byte>  workspace_;
    std::map<lt_form, kept> algorithms_;
};

}  // namespace midtrain::inline MT_ABI::detail
