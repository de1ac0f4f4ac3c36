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
