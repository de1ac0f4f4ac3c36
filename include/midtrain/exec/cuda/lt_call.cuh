#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <cublasLt.h>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/cuda/check.cuh>
#include <midtrain/exec/cuda/column_major.hpp>
#include <midtrain/problem/fp8_gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

template <class T>
constexpr cudaDataType cuda_type() {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, bf16> || std::is_same_v<T, double>,
                  "midtrain: products on a GPU are of float, bf16 or double");
    return std::is_same_v<T, float> ? CUDA_R_32F : std::is_same_v<T, bf16> ? CUDA_R_16BF : CUDA_R_64F;
}

/// A matrix of a product, as cuBLASLt is told of it.
struct lt_matrix {
    void const*  data;
    cudaDataType type;
    index_t      apart = 0;  // values between two matrices of a batch
};

/// One product, or a batch of them, read by columns, and what is fused with it.
struct lt_product {
    column_major_gemm   form;
    lt_matrix           left, right, result;
    bool                accumulate = false;
    index_t             count      = 1;
    cublasLtEpilogue_t  epilogue   = CUBLASLT_EPILOGUE_DEFAULT;
    void const*         bias       = nullptr;  // of the result's type
    lt_matrix           aux{};                 // what GELU is of; columns aux_stride values apart
    index_t             aux_stride = 0;
    float const*        left_scale = nullptr;  // of operands in eight bits
    float const*        right_scale = nullptr;
    cublasLtMatmulMatrixScale_t left_scaling  = CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F;
    cublasLtMatmulMatrixScale_t right_scaling = CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F;

    bool fuses() const { return epilogue != CUBLASLT_EPILOGUE_DEFAULT; }
};

template <class A, class B, class C>
lt_product as_lt_product(gemm_problem<A, B, C> const& p) {
    static_assert(std::is_same_v<A, B>, "midtrain: both operands of a product have one type");
    return {.form = as_column_major(p), .left = {p.b.data, cuda_type<B>()}, .right = {p.a.data, cuda_type<A>()},
            .result = {p.c.data, cuda_type<C>()}, .accumulate = p.accumulate};
}

/// Eight bits: what is summed over lies side by side in both operands, which is the one form that all GPUs have that have any.
template <class A, class B, class C>
lt_product as_lt_product(fp8_gemm_problem<A, B, C> const& p) {
    constexpr auto type    = []<class F>(F) { return std::is_same_v<F, e4m3> ? CUDA_R_8F_E4M3 : CUDA_R_8F_E5M2; };
    constexpr auto scaling = [](fp8_scale_of each) {
        return each == fp8_scale_of::all ? CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F : each == fp8_scale_of::run
                   ? CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F : CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F;
    };
    auto const a = p.a.values;
    auto const b = p.b.values;
    return {.form   = {as_column_major(b, operand::transposed), as_column_major(a, operand::plain), as_column_major(p.c, operand::plain),
                       p.c.columns, p.c.rows, a.columns},
            .left   = {b.data, type(B{})},
            .right  = {a.data, type(A{})},
            .result = {p.c.data, cuda_type<C>()},
            .accumulate    = p.accumulate,
            .left_scale    = p.b.scales.data,
            .right_scale   = p.a.scales.data,
            .left_scaling  = scaling(p.b.each),
            .right_scaling = scaling(p.a.each)};
}

/// All that an algorithm depends on: types, sizes, strides, transposes, alignments, batch, epilogue, scales.
using lt_form = std::array<std::int64_t, 25>;

/// The largest power of two, up to 256, that the addresses of all matrices of a batch are multiples of.
inline std::int64_t aligned(lt_matrix const& m) {
    auto const bytes   = static_cast<std::uintptr_t>(m.type == CUDA_R_64F ? 8 : m.type == CUDA_R_32F ? 4 : m.type == CUDA_R_16BF ? 2 : 1);
    auto const address = reinterpret_cast<std::uintptr_t>(m.data) | static_cast<std::uintptr_t>(m.apart) * bytes | 256u;
    return static_cast<std::int64_t>(address & (~address + 1));
}

inline lt_form form_of(lt_product const& p) {
    auto const& g = p.form;
    return {p.left.type, p.right.type, p.result.type, g.m, g.n, g.k, g.left.stride, g.right.stride, g.result.stride, g.left.transposed,
            g.right.transposed, aligned(p.left), aligned(p.right), aligned(p.result), p.count, p.left.apart, p.right.apart, p.result.apart,
            p.epilogue, p.aux.data ? aligned(p.aux) : 0, p.aux_stride, p.left_scaling, p.right_scaling, p.accumulate,
            p.bias ? aligned({p.bias, p.result.type}) : 0};
}

/// The descriptors of one call; they live on the stack.
struct lt_call {
    cublasLtMatmulDescOpaque_t   operation;
    cublasLtMatrixLayoutOpaque_t left, right, result;

    explicit lt_call(lt_product const& p) {
        bool const is_double = p.left.type == CUDA_R_64F;
        auto const compute   = is_double ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F;
        cuda_check(cublasLtMatmulDescInit(&operation, compute, is_double ? CUDA_R_64F : CUDA_R_32F), "cublasLtMatmulDescInit");
        transpose(CUBLASLT_MATMUL_DESC_TRANSA, p.form.left);
        transpose(CUBLASLT_MATMUL_DESC_TRANSB, p.form.right);
        lay_out(left, p.form.left, p.left, p.count);
        lay_out(right, p.form.right, p.right, p.count);
        lay_out(result, p.form.result, p.result, p.count);
        if (p.fuses()) fuse(p);
        if (p.left_scale) scale(p);
    }

  private:
    template <class T>
    void set(cublasLtMatmulDescAttributes_t which, T const& to) {
        cuda_check(cublasLtMatmulDescSetAttribute(&operation, which, &to, sizeof(to)), "cublasLtMatmulDescSetAttribute");
    }
    void transpose(cublasLtMatmulDescAttributes_t which, column_major const& o) {
        set(which, o.transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    }
    void fuse(lt_product const& p) {
        set(CUBLASLT_MATMUL_DESC_EPILOGUE, p.epilogue);
        if (p.bias) {
            set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);
            set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, p.result.type);
        }
        if (p.aux.data) {
            set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, p.aux.data);
            set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, std::int64_t{p.aux_stride});
        }
    }
    /// Sums stay in float throughout.
    void scale(lt_product const& p) {
        set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t{0});
        set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE, p.left_scaling);
        set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE, p.right_scaling);
        set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, p.left_scale);
        set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, p.right_scale);
    }
    static void lay_out(cublasLtMatrixLayoutOpaque_t& to, column_major const& o, lt_matrix const& m, index_t count) {
        auto const rows = static_cast<std::uint64_t>(o.rows), columns = static_cast<std::uint64_t>(o.columns);
        cuda_check(cublasLtMatrixLayoutInit(&to, m.type, rows, columns, o.stride), "cublasLtMatrixLayoutInit");
        if (count == 1) return;
        auto const n     = static_cast<std::int32_t>(count);
        auto const apart = std::int64_t{m.apart};
        cuda_check(cublasLtMatrixLayoutSetAttribute(&to, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &n, sizeof(n)),
                   "cublasLtMatrixLayoutSetAttribute");
        cuda_check(cublasLtMatrixLayoutSetAttribute(&to, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &apart, sizeof(apart)),
                   "cublasLtMatrixLayoutSetAttribute");
    }
};

}  // namespace midtrain::inline MT_ABI::detail
