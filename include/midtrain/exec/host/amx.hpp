#pragma once
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <midtrain/core/types.hpp>
#include <midtrain/exec/host/lanes.hpp>
#if MT_AMX_IS_KNOWN
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace midtrain::inline MT_ABI::detail {

#if MT_AMX_IS_KNOWN

/// Intel's matrix units: eight tiles of 16 rows of 64 bytes (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18).
/// Tile numbers are in the instruction, so they are template arguments.
class amx {
  public:
    /// Whether there are units for bfloat16 and the kernel lets this process use them, which it asks for once. oneDNN's own ONEDNN_MAX_CPU_ISA or
    /// DNNL_MAX_CPU_ISA hides them from us too, for comparisons.
    static bool available() {
        static bool const is = allowed() && has() && granted();
        return is;
    }

    /// f(a...) compiled for these instructions, with tiles to use. It gives them back: who holds none costs the kernel nothing when it changes threads.
    template <class F, class... A>
    MT_AMX [[gnu::flatten]] static void call(F const& f, A... a) {
        tiles const held;
        f(a...);
    }

    template <int tile>
    MT_INLINE static void zero() {
        asm volatile("tilezero %%tmm%c0" ::"i"(tile));
    }
    /// 16 rows of 64 bytes that lie `stride` bytes apart.
    template <int tile>
    MT_INLINE static void load(void const* from, index_t stride) {
        asm volatile("tileloadd (%1,%2,1), %%tmm%c0" ::"i"(tile), "r"(from), "r"(stride) : "memory");
    }
    template <int tile>
    MT_INLINE static void store(void* to, index_t stride) {
        asm volatile("tilestored %%tmm%c0, (%1,%2,1)" ::"i"(tile), "r"(to), "r"(stride) : "memory");
    }
    /// c (16 x 16 floats) += a b over 32 terms: rows of a have 32 bfloat16, row r of b the terms 2 r and 2 r + 1 of each column, side by side.
    template <int c, int a, int b>
    MT_INLINE static void multiply() {
        asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(c), "i"(a), "i"(b));
    }
    /// 32 floats, rounded to nearest even, as an instruction does: values below the least normal one are zero, as they are to multiply().
    template <class V, class T>
    MT_INLINE static void store_rounded(V const& low, V const& high, T* to) {
        bits both;
        round(low, high, both);
        *reinterpret_cast<lanes_in_memory<std::uint16_t, 32>*>(to) = both;
    }

    /// The same with the values of each beside each other: two terms of 16 columns, as multiply() reads a right operand.
    template <class V, class T>
    MT_INLINE static void store_rounded_pairs(V const& first, V const& second, T* to) {
        bits both;
        round(first, second, both);
        pair(both, std::make_integer_sequence<int, 32>{});
        *reinterpret_cast<lanes_in_memory<std::uint16_t, 32>*>(to) = both;
    }

    /// A register's values past the caches, to an address that is a multiple of its size, without reading what was there; and when all of them are there.
    template <class V, class T>
    MT_INLINE static void stream(V const& v, T* to) {
        asm volatile("vmovntps %1, (%0)" ::"r"(to), "v"(v) : "memory");
    }
    MT_INLINE static void streamed() { asm volatile("sfence" ::: "memory"); }

    /// What vectors of a compiler have no operator for: the larger of each two, b where one is no number; the nearest whole number; x 2^n for a whole n, which is
    /// 0 or infinity for an infinite n even where x is no number.
    template <class V>
    MT_INLINE static void larger(V const& a, V const& b, V& to) {
        asm("vmaxps %2, %1, %0" : "=v"(to) : "v"(a), "v"(b));
    }
    template <class V>
    MT_INLINE static void round_whole(V const& x, V& to) {
        asm("vrndscaleps $0, %1, %0" : "=v"(to) : "v"(x));
    }
    template <class V>
    MT_INLINE static void times_power(V const& x, V const& n, V& to) {
        asm("vscalefps %2, %1, %0" : "=v"(to) : "v"(x), "v"(n));
    }

  private:
    using bits = lanes_t<std::uint16_t, 32>;
    template <class V>
    MT_INLINE static void round(V const& low, V const& high, bits& both) {
        asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(both) : "v"(low), "v"(high));
    }
    template <int... l>
    MT_INLINE static void pair(bits& v, std::integer_sequence<int, l...>) {
        v = __builtin_shufflevector(v, v, (l / 2 + l % 2 * 16)...);
    }
    struct tiles {
        MT_INLINE tiles() {
            shape const s;
            asm volatile("ldtilecfg %0" ::"m"(s));
        }
        MT_INLINE ~tiles() { asm volatile("tilerelease" ::: "memory"); }
    };
    struct alignas(64) shape {
        std::uint8_t  palette = 1, start = 0, none[14] = {};
        std::uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
        std::uint8_t  rows[16]  = {16, 16, 16, 16, 16, 16, 16, 16};
    };
    static bool allowed() {
        char const* most = std::getenv("ONEDNN_MAX_CPU_ISA");
        if (!most || !*most) most = std::getenv("DNNL_MAX_CPU_ISA");
        if (!most || !*most) return true;
        std::string isa = most;
        for (char& c : isa) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        return isa == "ALL" || isa == "DEFAULT" || isa.find("AMX") != isa.npos;
    }
    static bool has() {
        unsigned a = 0, b = 0, c = 0, d = 0;
        if (!MT_HAS_WIDE || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 22 & 1) || !(d >> 24 & 1)) return false;  // amx-bf16, amx-tile
        return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);                                              // avx512-bf16
    }
    static bool granted() { return syscall(SYS_arch_prctl, 0x1023, 18) == 0; }  // ARCH_REQ_XCOMP_PERM of the tiles' data
};

#else

struct amx {
    static bool available() { return false; }
    template <class F, class... A>
    static void call(F const&, A...);
};

#endif

}  // namespace midtrain::inline MT_ABI::detail
