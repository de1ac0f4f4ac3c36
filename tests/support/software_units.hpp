#pragma once
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/types.hpp>

namespace test {

/// What detail::amx does, without its instructions.
class software_units {
    struct tile_data {
        alignas(64) std::byte bytes[16][64];
    };
    static tile_data& tile(int which) {
        static thread_local tile_data all[8];
        return all[which];
    }
    template <class T>
    static T value(int which, int row, int column) {
        T v;
        std::memcpy(&v, tile(which).bytes[row] + static_cast<std::size_t>(column) * sizeof(T), sizeof(T));
        return v;
    }

  public:
    template <class F, class... A>
    static void call(F const& f, A... a) {
        f(a...);
    }
    template <int t>
    static void zero() {
        std::memset(&tile(t), 0, sizeof(tile_data));
    }
    template <int t>
    static void load(void const* from, midtrain::index_t stride) {
        for (int r = 0; r < 16; ++r) std::memcpy(tile(t).bytes[r], static_cast<std::byte const*>(from) + r * stride, 64);
    }
    template <int t>
    static void store(void* to, midtrain::index_t stride) {
        for (int r = 0; r < 16; ++r) std::memcpy(static_cast<std::byte*>(to) + r * stride, tile(t).bytes[r], 64);
    }
    template <int c, int a, int b>
    static void multiply() {
        for (int i = 0; i < 16; ++i)
            for (int j = 0; j < 16; ++j) {
                float sum = value<float>(c, i, j);
                for (int k = 0; k < 32; ++k) sum += float(value<midtrain::bf16>(a, i, k)) * float(value<midtrain::bf16>(b, k / 2, 2 * j + k % 2));
                std::memcpy(tile(c).bytes[i] + 4 * j, &sum, 4);
            }
    }
    template <class V>
    static void larger(V const& a, V const& b, V& to) {
        for (int i = 0; i < 16; ++i) to[i] = a[i] > b[i] ? a[i] : b[i];
    }
    template <class V>
    static void round_whole(V const& x, V& to) {
        for (int i = 0; i < 16; ++i) to[i] = std::nearbyint(x[i]);
    }
    template <class V>
    static void times_power(V const& x, V const& n, V& to) {
        for (int i = 0; i < 16; ++i) {
            if (std::isinf(n[i])) to[i] = n[i] > 0 ? n[i] : 0.0f;
            else if (std::isnan(n[i])) to[i] = n[i];
            else to[i] = static_cast<float>(std::ldexp(double(x[i]), static_cast<int>(std::fmin(4096.0f, std::fmax(-4096.0f, n[i])))));
        }
    }
    template <class V>
    static void stream(V const& v, float* to) {
        for (int i = 0; i < 16; ++i) to[i] = v[i];
    }
    static void streamed() { ++times_streamed; }
    static inline std::atomic<int> times_streamed = 0;  ///< how often somebody was done with stream()
    template <class V>
    static void store_rounded(V const& low, V const& high, midtrain::bf16* to) {
        for (int i = 0; i < 16; ++i) to[i] = midtrain::bf16(low[i]), to[16 + i] = midtrain::bf16(high[i]);
    }
    template <class V>
    static void store_rounded_pairs(V const& first, V const& second, midtrain::bf16* to) {
        for (int i = 0; i < 16; ++i) to[2 * i] = midtrain::bf16(first[i]), to[2 * i + 1] = midtrain::bf16(second[i]);
    }
};

}  // namespace test
