#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::io::detail {

/// How `values` numbers lie in `bytes` bytes, and how a block of them becomes floats. Formulas: ggml, dequantize_row_q4_0 and others.
struct gguf_format {
    std::uint32_t    id;
    std::string_view name;
    std::int64_t     values, bytes;
    void (*unpack)(std::byte const* from, float* to, index_t blocks);
};

template <class T>
T gguf_number(std::byte const* from) {
    T x;
    std::memcpy(static_cast<void*>(&x), from, sizeof(T));
    return x;
}
template <class T>
void unpack_one(std::byte const* from, float* to) {
    *to = static_cast<float>(gguf_number<T>(from));
}
/// `worth` if bit i is set, else zero.
constexpr int gguf_bit(std::uint32_t bits, int i, int worth) { return bits >> i & 1 ? worth : 0; }
/// scale q
inline void unpack_q8_0(std::byte const* b, float* to) {
    float const scale = gguf_number<f16>(b);
    for (int i = 0; i < 32; ++i) to[i] = scale * static_cast<float>(gguf_number<std::int8_t>(b + 2 + i));
}
/// scale (q - 8); the first sixteen values lie in the low halves of the bytes
inline void unpack_q4_0(std::byte const* b, float* to) {
    float const scale = gguf_number<f16>(b);
    for (int i = 0; i < 16; ++i) {
        int const two = gguf_number<std::uint8_t>(b + 2 + i);
        to[i]         = scale * static_cast<float>((two & 15) - 8);
        to[i + 16]    = scale * static_cast<float>((two >> 4) - 8);
    }
}
/// scale q + least
inline void unpack_q4_1(std::byte const* b, float* to) {
    float const scale = gguf_number<f16>(b), least = gguf_number<f16>(b + 2);
    for (int i = 0; i < 16; ++i) {
        int const two = gguf_number<std::uint8_t>(b + 4 + i);
        to[i]         = scale * static_cast<float>(two & 15) + least;
        to[i + 16]    = scale * static_cast<float>(two >> 4) + least;
    }
}
/// scale (q - 16); the fifth bits of all 32 values lie together before the low halves
inline void unpack_q5_0(std::byte const* b, float* to) {
    float const scale = gguf_number<f16>(b);
    auto const  high  = gguf_number<std::uint32_t>(b + 2);
    for (int i = 0; i < 16; ++i) {
        int const two = gguf_number<std::uint8_t>(b + 6 + i);
        to[i]         = scale * static_cast<float>((two & 15) + gguf_bit(high, i, 16) - 16);
        to[i + 16]    = scale * static_cast<float>((two >> 4) + gguf_bit(high, i + 16, 16) - 16);
    }
}
/// scale q + least
inline void unpack_q5_1(std::byte const* b, float* to) {
    float const scale = gguf_number<f16>(b), least = gguf_number<f16>(b + 2);
    auto const  high = gguf_number<std::uint32_t>(b + 4);
    for (int i = 0; i < 16; ++i) {
        int const two = gguf_number<std::uint8_t>(b + 8 + i);
        to[i]         = scale * static_cast<float>((two & 15) + gguf_bit(high, i, 16)) + least;
        to[i + 16]    = scale * static_cast<float>((two >> 4) + gguf_bit(high, i + 16, 16)) + least;
    }
}

/// Scale and least of the j-th of eight groups of 32, six bits each, packed into twelve bytes (ggml, get_scale_min_k4).
struct gguf_group {
    float scale, least;

    gguf_group(std::byte const* packed, int j, float scales, float leasts) {
        auto const at = [&](int n) { return int{gguf_number<std::uint8_t>(packed + n)}; };
        int const  s  = j < 4 ? at(j) & 63 : (at(j + 4) & 15) | at(j - 4) >> 6 << 4;
        int const  m  = j < 4 ? at(j + 4) & 63 : at(j + 4) >> 4 | at(j) >> 6 << 4;
        scale = scales * static_cast<float>(s), least = leasts * static_cast<float>(m);
    }
};
/// scale q - least: 32 bytes hold the low halves of one group and the high halves of the next. `high`
/// holds the fifth bits, bit j of byte l for value l of group j, or is null.
inline void unpack_q45_k(std::byte const* b, std::byte const* high, std::byte const* low, float* to) {
    float const scales = gguf_number<f16>(b), leasts = gguf_number<f16>(b + 2);
    for (int j = 0; j < 8; ++j) {
        gguf_group const g(b + 4, j, scales, leasts);
        for (int l = 0; l < 32; ++l) {
            int const two  = gguf_number<std::uint8_t>(low + j / 2 * 32 + l);
            int const more = high ? gguf_bit(gguf_number<std::uint8_t>(high + l), j, 16) : 0;
            to[j * 32 + l] = g.scale * static_cast<float>((j % 2 ? two >> 4 : two & 15) + more) - g.least;
        }
    }
}
inline void unpack_q4_k(std::byte const* b, float* to) { unpack_q45_k(b, nullptr, b + 16, to); }
inline void unpack_q5_k(std::byte const* b, float* to) { unpack_q45_k(b, b + 16, b + 48, to); }
/// scale scale_j (q - 32), sixteen groups of 16: 128 bytes of low halves, 64 bytes of upper pairs of bits, scales, scale
inline void unpack_q6_k(std::byte const* b, float* to) {
    float const scale = gguf_number<f16>(b + 208);
    for (int i = 0; i < 256; ++i) {
        int const half = i / 128, part = i / 32 % 4, l = i % 32;
        int const two  = gguf_number<std::uint8_t>(b + half * 64 + part % 2 * 32 + l);
        int const pair = gguf_number<std::uint8_t>(b + 128 + half * 32 + l) >> 2 * part & 3;
        float const group = gguf_number<std::int8_t>(b + 192 + i / 16);
        to[i] = scale * group * static_cast<float>(((part < 2 ? two & 15 : two >> 4) | pair << 4) - 32);
    }
}
/// scale q, the scale a float; the sums that follow serve ggml's products
inline void unpack_q8_k(std::byte const* b, float* to) {
    float const scale = gguf_number<float>(b);
    for (int i = 0; i < 256; ++i) to[i] = scale * static_cast<float>(gguf_number<std::int8_t>(b + 4 + i));
}

template <auto unpack, int values, int bytes>
void unpack_all(std::byte const* from, float* to, index_t blocks) {
    for (index_t b = 0; b < blocks; ++b) unpack(from + b * bytes, to + b * values);
}
template <auto unpack, int values, int bytes>
constexpr gguf_format gguf_format_of(std::uint32_t id, std::string_view name) {
    return {id, name, values, bytes, unpack_all<unpack, values, bytes>};
}

inline constexpr gguf_format gguf_formats[] = {
    gguf_format_of<unpack_one<float>, 1, 4>(0, "F32"), gguf_format_of<unpack_one<f16>, 1, 2>(1, "F16"),
    gguf_format_of<unpack_q4_0, 32, 18>(2, "Q4_0"),    gguf_format_of<unpack_q4_1, 32, 20>(3, "Q4_1"),
    gguf_format_of<unpack_q5_0, 32, 22>(6, "Q5_0"),    gguf_format_of<unpack_q5_1, 32, 24>(7, "Q5_1"),
    gguf_format_of<unpack_q8_0, 32, 34>(8, "Q8_0"),    gguf_format_of<unpack_q4_k, 256, 144>(12, "Q4_K"),
    gguf_format_of<unpack_q5_k, 256, 176>(13, "Q5_K"), gguf_format_of<unpack_q6_k, 256, 210>(14, "Q6_K"),
    gguf_format_of<unpack_q8_k, 256, 292>(15, "Q8_K"), gguf_format_of<unpack_one<bf16>, 1, 2>(30, "BF16")};

/// The format of that number, or nullptr.
constexpr gguf_format const* gguf_format_numbered(std::uint32_t id) {
    for (auto const& f : gguf_formats)
        if (f.id == id) return &f;
    return nullptr;
}

/// All names, for sentences.
inline std::string gguf_format_names() {
    std::string s;
    for (auto const& f : gguf_formats) s += (s.empty() ? "" : " ") + std::string(f.name);
    return s;
}

}  // namespace midtrain::inline MT_ABI::io::detail
