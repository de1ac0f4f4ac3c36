#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/model/layer_product.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/precision/fp8.hpp>

namespace test {

/// A matrix with memory of its own.
template <class T>
struct owned_matrix {
    midtrain::index_t rows, columns;
    std::vector<T>    values;

    owned_matrix(midtrain::index_t r, midtrain::index_t c) : rows(r), columns(c), values(static_cast<std::size_t>(r * c)) {}
    T&       operator()(midtrain::index_t r, midtrain::index_t c) { return values[static_cast<std::size_t>(r * columns + c)]; }
    T const& operator()(midtrain::index_t r, midtrain::index_t c) const { return values[static_cast<std::size_t>(r * columns + c)]; }
    auto view() { return midtrain::as_matrix(values.data(), rows, columns); }
    auto view() const { return midtrain::as_matrix(values.data(), rows, columns); }

    /// Values whose rows and columns differ in size by four powers of two each.
    static owned_matrix random(midtrain::index_t r, midtrain::index_t c, std::uint64_t seed) {
        owned_matrix m(r, c);
        midtrain::random_stream const draws{seed, 5};
        for (midtrain::index_t i = 0; i < r; ++i)
            for (midtrain::index_t j = 0; j < c; ++j)
                m(i, j) = T(std::ldexp(2 * draws.uniform(static_cast<std::uint64_t>(i * c + j)) - 1,
                                       static_cast<int>(i * 7 % 5 + j * 3 % 5) - 4));
        return m;
    }
};

/// Where a layer's products find a device and memory.
template <class Device, class Precision>
struct fp8_bench {
    Device&                    device;
    midtrain::parameter_layout layout{};
    std::vector<std::byte>     memory = std::vector<std::byte>(8 << 20);

    auto pass() {
        midtrain::pass<Device, Precision> p{.device = device, .layout = layout, .weights = {}, .gradients = {},
                                            .products = midtrain::products_of<Precision>()};
        p.memory = midtrain::arena({memory.data(), static_cast<midtrain::index_t>(memory.size())});
        return p;
    }
};

/// The values of eight bits of which `exponent` are the exponent's, from zero up to `limit`, from the layout of the format.
inline std::vector<double> fp8_values(int exponent, double limit) {
    int const           mantissa = 7 - exponent, bias = (1 << (exponent - 1)) - 1;
    std::vector<double> all;
    for (int bits = 0; bits < 128; ++bits) {
        int const    e = bits >> mantissa, m = bits & ((1 << mantissa) - 1);
        double const v = e == 0 ? std::ldexp(m, 1 - bias - mantissa) : std::ldexp(m + (1 << mantissa), e - bias - mantissa);
        if (v <= limit) all.push_back(v);
    }
    return all;
}
/// The nearest of them; of two as near the one whose last bit is zero.
inline double nearest_of(std::vector<double> const& values, double x) {
    auto const size  = std::abs(x);
    auto const above = std::lower_bound(values.begin(), values.end(), size);
    if (above == values.begin()) return std::copysign(values.front(), x);
    if (above == values.end()) return std::copysign(values.back(), x);
    double const up = *above - size, down = size - above[-1];
    return std::copysign(up < down || (up == down && (above - values.begin()) % 2 == 0) ? *above : above[-1], x);
}

/// What products of eight bits see of a matrix, naively: by tiles of high x wide values, each over the tile's largest / limit. Scale and
/// quotient are floats, as the formats say.
template <class T>
owned_matrix<double> naive_fp8(owned_matrix<T> const& x, midtrain::index_t high, midtrain::index_t wide, int exponent, bool powers_of_two) {
    double const         limit = exponent == 4 ? 448 : 57344;
    auto const           values = fp8_values(exponent, limit);
    owned_matrix<double> seen(x.rows, x.columns);
    for (midtrain::index_t top = 0; top < x.rows; top += high)
        for (midtrain::index_t left = 0; left < x.columns; left += wide) {
            auto const each = [&](auto&& f) {
                for (midtrain::index_t r = top; r < std::min(top + high, x.rows); ++r)
                    for (midtrain::index_t c = left; c < std::min(left + wide, x.columns); ++c) f(r, c);
            };
            float largest = 0;
            each([&](auto r, auto c) { largest = std::max(largest, std::abs(static_cast<float>(x(r, c)))); });
            float scale = largest > 0 ? largest / static_cast<float>(limit) : 1;
            if (powers_of_two) scale = static_cast<float>(std::exp2(std::ceil(std::log2(static_cast<double>(scale)))));
            each([&](auto r, auto c) { seen(r, c) = nearest_of(values, static_cast<float>(x(r, c)) / scale) * scale; });
        }
    return seen;
}

}  // namespace test
