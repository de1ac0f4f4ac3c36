#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <midtrain/exec/host/buffer.hpp>
#include <midtrain/exec/host/cblas_gemm.hpp>
#include <midtrain/exec/host/longest_registers.hpp>
#include <midtrain/exec/host/onednn_gemm.hpp>
#include <midtrain/exec/host/op/attention.hpp>
#include <midtrain/exec/host/op/matrix_attention.hpp>
#include <midtrain/exec/host/packed_product.hpp>
#include <midtrain/exec/host/solo_team.hpp>
#include <midtrain/exec/host/stream_zeros.hpp>
#include <midtrain/exec/host/thread_pool.hpp>
#include <midtrain/problem/gemm.hpp>
#include <midtrain/problem/grouped_gemm.hpp>
#include <midtrain/problem/scaled_gemm.hpp>
#include <midtrain/problem/zero.hpp>

namespace midtrain::inline MT_ABI {

/// The CPU: a pool of threads, plain memory, and oneDNN for products when the build has it.
class host {
  public:
    template <class T>
    using buffer = host_buffer<T>;

    static constexpr bool    shares_memory = true;                 ///< with the host: what lies here, it reads and writes in place
    static constexpr index_t logits_bytes  = index_t{128} << 20;  ///< that a head may take for a chunk of rows

    /// `threads` 0: as many as the machine has.
    explicit host(int threads = 0)
        : pool_(std::make_unique<thread_pool>(threads > 0 ? threads : std::max(1u, std::thread::hardware_concurrency()))) {}

    int threads() const { return pool_->size(); }

    /// n zeroed values.
    template <class T>
    host_buffer<T> make(index_t n) {
        return host_buffer<T>(n);
    }

    /// f(i) for each i in 0 .. n-1.
    template <class F>
    void elements(index_t n, F const& f) {
        static_assert(std::is_trivially_copyable_v<F>, "midtrain: an element functor holds views and numbers only");
        each_chunk<F>(n, 4096, [f](auto, index_t first, index_t last) {
            auto const g = f;
            MT_INDEPENDENT
            for (index_t i = first; i < last; ++i) g(i);
        });
    }

    /// f(team, r) for each r in 0 .. n-1, one team a row.
    template <class F>
    void rows(index_t n, F const& f) {
        static_assert(std::is_trivially_copyable_v<F>, "midtrain: a row functor holds views and numbers only");
        each_chunk<F>(n, 1, [f](auto, index_t first, index_t last) {
            for (index_t r = first; r < last; ++r) f(solo_team{}, r);
        });
    }

    template <class A, class B, class C>
    void gemm(gemm_problem<A, B, C> const& p) {
#ifdef MIDTRAIN_WITH_ONEDNN
        if constexpr (detail::onednn_gemm<A, B, C>::serves)
            if (detail::onednn_gemm<A, B, C>::preferred(p)) return detail::onednn_gemm<A, B, C>::run(*pool_, p);
#elif defined(MIDTRAIN_WITH_CBLAS)
        if constexpr (std::is_same_v<gemm_problem<A, B, C>, gemm_problem<float, float, float>>) return detail::cblas_product(*pool_, p);
#endif
        detail::packed_product<A, B, C>::run(*pool_, p);
    }

    template <class T, class Modifier, class Distance>
    void run(attention_problem<T, Modifier, Distance> const& p) {
        if constexpr (MT_AMX_IS_KNOWN && std::is_same_v<attention_problem<T, Modifier, Distance>, attention_problem<bf16>>)
            if (detail::amx::available()) return detail::matrix_attention<>(*pool_).forward(p);
        detail::host_attention<T, Modifier, Distance>(*pool_).forward(p);
    }
    template <class T, class Modifier>
    void run(attention_gradient_problem<T, Modifier> const& p) {
        if constexpr (MT_AMX_IS_KNOWN && std::is_same_v<attention_gradient_problem<T, Modifier>, attention_gradient_problem<bf16>>)
            if (detail::amx::available()) return detail::matrix_attention<>(*pool_).backward(p);
        detail::host_attention<T, Modifier>(*pool_).backward(p);
    }

    template <class T>
    void run(zero_problem<T> const& p) {
        each_chunk<zero_problem<T>>(p.x.size(), 4096, [&](auto, index_t first, index_t last) { detail::stream_zeros(p.x.data + first, last - first); });
    }

    /// One product after the other: here the groups are known.
    template <class A, class B, class C>
    void run(grouped_gemm_problem<A, B, C> const& p) {
        each_group(p.begin, [&](index_t g, index_t first, index_t n) {
            gemm(gemm_problem<A, B, C>{.a = p.a.rows_part(first, n), .b = p.b.rows_part(g * p.matrix_rows(), p.matrix_rows()), .b_is = p.b_is,
                                       .c = p.c.rows_part(first, n)});
        });
    }
    template <class A, class B, class C>
    void run(grouped_outer_problem<A, B, C> const& p) {
        each_group(p.begin, [&](index_t g, index_t first, index_t n) {
            gemm(gemm_problem<A, B, C>{.a = p.a.rows_part(first, n), .a_is = operand::transposed, .b = p.b.rows_part(first, n),
                                       .c = p.c.rows_part(g * p.a.columns, p.a.columns), .accumulate = true});
        });
    }
    template <class T, class C>
    void run(scaled_grouped_gemm_problem<T, C> const& p) {
        each_group(p.begin, [&](index_t g, index_t first, index_t n) {
            plain(*this, scaled_gemm_problem<T, C>{.a = p.rows_of(g), .b = p.matrix(g), .b_is = p.b_is, .c = p.c.rows_part(first, n),
                                                   .work = p.work});
        });
    }
    template <class T, class C>
    void run(scaled_grouped_outer_problem<T, C> const& p) {
        each_group(p.begin, [&](index_t g, index_t, index_t) {
            auto const m = p.a.values.columns;
            plain(*this, scaled_gemm_problem<T, C>{.a = p.rows_of(p.a, g), .a_is = operand::transposed, .b = p.rows_of(p.b, g),
                                                   .c = p.c.rows_part(g * m, m), .accumulate = true, .work = p.work});
        });
    }

    void wait() {}

    /// To a device's memory, and back: on this one a copy.
    template <class T>
    void upload(T const* from, row_view<T> to) {
        std::copy_n(from, to.size(), to.data);
    }
    template <class T>
    void download(row_view<T const> from, T* to) {
        std::copy_n(from.data, from.size(), to);
    }

  private:
    /// f(group, its first row, its rows) for groups that have any.
    template <class F>
    static void each_group(row_view<std::int32_t const> begin, F const& f) {
        for (index_t g = 0; g + 1 < begin.size(); ++g)
            if (begin[g] < begin[g + 1]) f(g, begin[g], begin[g + 1] - begin[g]);
    }
    /// f(bytes of a register, first, last) for parts of 0 .. n-1, one a thread. What waits for memory gains nothing from longer registers than the build's,
    /// and costs a user's compiler; a functor says that it does not.
    template <class Functor, class F>
    void each_chunk(index_t n, index_t grain, F const& f) {
        constexpr auto go = [](F const& part, index_t first, index_t last) {
            if constexpr (requires { requires Functor::much_arithmetic; }) detail::in_longest_registers(part, first, last);
            else part(std::integral_constant<int, MT_VECTOR_BYTES>{}, first, last);
        };
        index_t const parts = std::min<index_t>(pool_->size(), (n + grain - 1) / grain);
        if (parts <= 1) {
            if (n > 0) go(f, 0, n);
            return;
        }
        auto task = [&](int t) {
            index_t const first = n * t / parts, last = n * (t + 1) / parts;
            if (t < parts && first < last) go(f, first, last);
        };
        pool_->run(task);
    }

    std::unique_ptr<thread_pool> pool_;
};

}  // namespace midtrain::inline MT_ABI
