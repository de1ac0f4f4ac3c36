#pragma once
#include <midtrain/version.hpp>

// All our macros, and outside .cuh files the only #if on the compiler.

/// The inline namespace that every name of ours lives in: two builds of different version or different checking
/// do not link to each other by accident.
#ifdef MT_CHECKED
#define MT_ABI v0_1_checked
#else
#define MT_ABI v0_1
#endif

#ifdef __CUDACC__
#define MT_HOST_DEVICE __host__ __device__
/// A kernel, as a hidden symbol: two shared libraries that instantiate the same template would else trade kernels at load time,
/// and a launch would look for one library's kernel in the other's device code. nvcc 13.0 makes them local by default; this holds
/// whatever the default.
#define MT_KERNEL __attribute__((visibility("hidden"))) __global__
/// Before a team's templates, which call whatever they are handed: nvcc would refuse a host's team in a functor that is for both.
#define MT_CALLS_ANY _Pragma("nv_exec_check_disable")
#else
#define MT_HOST_DEVICE
#define MT_CALLS_ANY
#endif

/// Precondition of a kernel-side function. Costs nothing unless MT_CHECKED is defined.
#ifdef MT_CHECKED
#include <cassert>
#define MT_EXPECT(condition) assert(condition)
#else
#define MT_EXPECT(condition) ((void)0)
#endif

/// Marks a loop whose iterations do not depend on each other, and a pointer that aliases no other.
#if defined(__CUDACC__) || !defined(__GNUC__) || defined(__clang__)
#define MT_INDEPENDENT
#else
#define MT_INDEPENDENT _Pragma("GCC ivdep")
#endif
#define MT_RESTRICT __restrict__

/// Before a loop: so many turns at once, that their loads wait together.
#define MT_UNROLL_TEXT(text) _Pragma(#text)
#ifdef __CUDACC__
#define MT_UNROLL(n) MT_UNROLL_TEXT(unroll n)
#else
#define MT_UNROLL(n) MT_UNROLL_TEXT(GCC unroll n)
#endif

/// `gpu` where a GPU runs it, else `other`: for the few values that a GPU has an instruction for.
#ifdef __CUDA_ARCH__
#define MT_BY_DEVICE(gpu, other) gpu
#else
#define MT_BY_DEVICE(gpu, other) other
#endif

/// What a vector loop calls: one call left standing keeps it scalar. nvcc inlines anyway, and 13.0 dies of the attribute.
#if defined(__CUDACC__) || !defined(__GNUC__)
#define MT_INLINE inline
#else
#define MT_INLINE [[gnu::always_inline]] inline
#endif

/// Bytes of a vector register of every processor that this is compiled for. Where AVX-512 is not among what they all have,
/// MT_WIDE_IS_CHOSEN: a function behind MT_WIDE uses it all the same, and who calls it has asked MT_HAS_WIDE.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define MT_VECTOR_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#define MT_VECTOR_BYTES 32
#else
#define MT_VECTOR_BYTES 16
#endif
#if !defined(__x86_64__) || !defined(__GNUC__) || defined(__clang__) || defined(__CUDACC__)
#define MT_WIDE
#define MT_WIDE_IS_CHOSEN false
#define MT_HAS_WIDE false
#elif MT_VECTOR_BYTES == 64
#define MT_WIDE [[gnu::target("prefer-vector-width=512")]]
#define MT_WIDE_IS_CHOSEN false
#define MT_HAS_WIDE true
#else
#define MT_WIDE [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")]]
#define MT_WIDE_IS_CHOSEN true
#define MT_HAS_WIDE \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
#endif

/// Whether a function behind MT_AMX may use matrix units (AMX) and AVX512_BF16; who calls it has asked detail::amx::available(). A compiler that is told to inline
/// nothing would leave its parts to functions for lesser processors.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__) && \
    (!defined(__NO_INLINE__) || defined(__AVX512F__))
#define MT_AMX_IS_KNOWN true
#define MT_AMX [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,prefer-vector-width=512")]]
#else
#define MT_AMX_IS_KNOWN false
#endif

/// A vector of the values numbered by the pack l, of those of a and then of b. nvcc loses packs in a builtin's arguments.
#ifdef __CUDACC__
#define MT_PERMUTED(V, a, b, l) V{(l < int(sizeof(a) / sizeof(a[0])) ? a[l % int(sizeof(a) / sizeof(a[0]))] : b[l % int(sizeof(a) / sizeof(a[0]))])...}
#else
#define MT_PERMUTED(V, a, b, l) __builtin_shufflevector(a, b, l...)
#endif
