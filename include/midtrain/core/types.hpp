#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// Counts and positions everywhere: signed, 64 bits.
using index_t = std::ptrdiff_t;

/// A number of tokens: the unit in which a run measures time. Steps are derived from it, once, by the batch.
struct tokens {
    std::int64_t count = 0;
    friend constexpr auto   operator<=>(tokens, tokens) = default;
    friend constexpr tokens operator+(tokens a, tokens b) { return {a.count + b.count}; }
    friend constexpr tokens operator-(tokens a, tokens b) { return {a.count - b.count}; }
    friend constexpr tokens operator*(std::int64_t n, tokens a) { return {n * a.count}; }
    constexpr tokens&       operator+=(tokens b) {
        count += b.count;
        return *this;
    }
};

/// a / b as a real number; 0 when b is zero.
constexpr double ratio(tokens a, tokens b) {
    return b.count == 0 ? 0.0 : static_cast<double>(a.count) / static_cast<double>(b.count);
}

/// Where a stage stands. Policies are functions of this and of nothing else.
struct progress {
    std::int64_t step = 0;    ///< optimizer steps of this stage that are done
    tokens       seen{};      ///< tokens of this stage that are done
    tokens       budget{};    ///< tokens that this stage has
    tokens       batch{};     ///< tokens in the step that comes next

    constexpr tokens left() const { return budget - seen; }
    constexpr double share() const { return ratio(seen, budget); }  ///< 0 at the start, 1 at the end
};

namespace literals {
constexpr tokens operator""_tok(unsigned long long n) { return {static_cast<std::int64_t>(n)}; }
constexpr tokens operator""_ktok(unsigned long long n) { return {static_cast<std::int64_t>(n) * 1'000}; }
constexpr tokens operator""_Mtok(unsigned long long n) { return {static_cast<std::int64_t>(n) * 1'000'000}; }
constexpr tokens operator""_Gtok(unsigned long long n) { return {static_cast<std::int64_t>(n) * 1'000'000'000}; }
constexpr tokens operator""_Mtok(long double n) { return {static_cast<std::int64_t>(n * 1e6L)}; }
constexpr tokens operator""_Gtok(long double n) { return {static_cast<std::int64_t>(n * 1e9L)}; }
}  // namespace literals

}  // namespace midtrain::inline MT_ABI
