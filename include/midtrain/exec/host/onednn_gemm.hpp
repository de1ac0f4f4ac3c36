#pragma once
// Matrix products through oneDNN (Debian's libdnnl-dev 2.6.3). Each of our threads runs a one-threaded primitive on its
// share of c, so that there is one pool and no nested OpenMP. Empty unless MIDTRAIN_WITH_ONEDNN is defined.
#ifdef MIDTRAIN_WITH_ONEDNN
#include <algorithm>
#include <array>
#include <map>
#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>
#include <type_traits>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/amx.hpp>
#include <midtrain/exec/host/thread_pool.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

template <class A, class B, class C>
class onednn_gemm {
  public:
    static constexpr bool serves = std::is_same_v<A, B> && (std::is_same_v<A, float> || std::is_same_v<A, bf16>) &&
                                   (std::is_same_v<C, float> || std::is_same_v<C, bf16>);

    /// Whether it multiplies faster here than packed_product. Floats: yes, but for the gradients of narrow and long weights (bench/engines.cpp). Bfloat16:
    /// with matrix units (AMX) that a compiler keeps from packed_product, and where dot products of AVX512_BF16 run at twice the rate of float (AMD); Intel's
    /// run at half of it, and older processors have none. Decided by what there is and never by a clock, so that the same machine gives the same bits.
    static bool preferred(gemm_problem<A, B, C> const& p) {
        auto const [narrow, wide] = std::minmax(p.c.rows, p.c.columns);
        if constexpr (std::is_same_v<A, float>) return !(p.a_is == operand::transposed && p.b_is == operand::plain && narrow < 768 && wide > 768);
        static bool const is = [] {
            auto const has = [](dnnl::cpu_isa isa) {  // each set of instructions has the bits of those that it includes
                auto const all = static_cast<unsigned>(isa);
                return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & all) == all;
            };
            return !amx::available() && (has(dnnl::cpu_isa::avx512_core_amx) || (has(dnnl::cpu_isa::avx512_core_bf16) && __builtin_cpu_is("amd")));
        }();
        return is;
    }

    static void run(thread_pool& pool, gemm_problem<A, B, C> const& p) {
        bool const    by_rows = p.c.rows >= p.c.columns;
        index_t const extent  = by_rows ? p.c.rows : p.c.columns;
        index_t const share   = ((extent + pool.size() - 1) / pool.size() + 15) / 16 * 16;
        auto task = [&](int t) {
            omp_set_num_threads(1);
            index_t const first = std::min(extent, t * share), n = std::min(share, extent - first);
            if (n > 0) by_rows ? part(p, first, n, 0, p.c.columns) : part(p, 0, p.c.rows, first, n);
        };
        pool.run(task);
    }

  private:
    using dims = dnnl::memory::dims;

    template <class T>
    static constexpr auto type() {
        return std::is_same_v<T, float> ? dnnl::memory::data_type::f32 : dnnl::memory::data_type::bf16;
    }
    static dnnl::engine& engine() {
        static dnnl::engine one(dnnl::engine::kind::cpu, 0);
        return one;
    }

    struct prepared {
        dnnl::matmul       product;
        dnnl::memory::desc a, b, c;
    };

    static prepared make(std::array<index_t, 9> const& k) {
        auto const [m, n, inner, lda, ldb, ldc, at, bt, accumulate] = k;
        dnnl::memory::desc const a({m, inner}, type<A>(), at ? dims{1, lda} : dims{lda, 1});
        dnnl::memory::desc const b({inner, n}, type<B>(), bt ? dims{1, ldb} : dims{ldb, 1});
        dnnl::memory::desc const c({m, n}, type<C>(), dims{ldc, 1});
        dnnl::primitive_attr     attributes;
        if (accumulate) {
            dnnl::post_ops add;
            add.append_sum(1.0f);
            attributes.set_post_ops(add);
        }
        return {dnnl::matmul({dnnl::matmul::desc(a, b, c), attributes, engine()}), a, b, c};
    }

    static void part(gemm_problem<A, B, C> const& p, index_t row, index_t m, index_t column, index_t n) {
        bool const at = p.a_is == operand::transposed, bt = p.b_is == operand::transposed;
        auto const a  = at ? p.a.data + row : p.a.data + row * p.a.stride;
        auto const b  = bt ? p.b.data + column * p.b.stride : p.b.data + column;
        auto const c  = p.c.data + row * p.c.stride + column;
        if constexpr (std::is_same_v<A, float> && std::is_same_v<C, float>) {
            dnnl::sgemm(at ? 'T' : 'N', bt ? 'T' : 'N', m, n, p.inner(), 1.0f, a, p.a.stride, b, p.b.stride,
                        p.accumulate ? 1.0f : 0.0f, c, p.c.stride);
        } else {
            thread_local std::map<std::array<index_t, 9>, prepared> cache;
            thread_local dnnl::stream                               stream(engine());
            std::array<index_t, 9> const key{m, n, p.inner(), p.a.stride, p.b.stride, p.c.stride, at, bt, p.accumulate};
            auto found = cache.find(key);
            if (found == cache.end()) found = cache.emplace(key, make(key)).first;
            auto& f = found->second;
            dnnl::memory ma(f.a, engine(), const_cast<A*>(a)), mb(f.b, engine(), const_cast<B*>(b)), mc(f.c, engine(), c);
            f.product.execute(stream, {{DNNL_ARG_SRC, ma}, {DNNL_ARG_WEIGHTS, mb}, {DNNL_ARG_DST, mc}});
            stream.wait();
        }
    }
};

}  // namespace midtrain::inline MT_ABI::detail
#endif
