#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <vector>
#include <midtrain/concepts/weight_source.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/problem/parameters.hpp>

// All weights of a layout on the host, on their way to a device and back.
namespace midtrain::inline MT_ABI {

/// Some bytes of a run under a name: what a checkpoint stores.
struct state_buffer {
    std::string          name;
    std::span<std::byte> bytes;
};

/// Value i of a fresh parameter of so many columns, from its own draws.
inline double fresh_value(initial_values const& begins, index_t columns, index_t i, random_stream draws) {
    using form    = initial_values::form;
    auto const   n = 2 * static_cast<std::uint64_t>(i);
    double const u = 1.0 - draws.uniform(n), v = draws.uniform(n + 1);
    switch (begins.is) {
        case form::uniform: return begins.mean + begins.deviation * (2 * u - 1);
        case form::counted: return std::log(1.0 + static_cast<double>(i % columns));
        case form::steps: {
            double const step = std::max(begins.least, begins.mean * std::pow(begins.deviation / begins.mean, u));
            return step + std::log(-std::expm1(-step));  // softplus turned around
        }
        default: return begins.mean + begins.deviation * std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
    }
}

/// Fresh weights, the same for a seed on every machine and in every order.
template <class T>
std::vector<T> fresh_weights(parameter_layout const& layout, std::uint64_t seed) {
    std::vector<T> all(static_cast<std::size_t>(layout.size()));
    std::uint64_t  stream = 0;
    for (auto const& e : layout.entries()) {
        random_stream const draws{seed, stream++};
        for (index_t i = 0; i < e.size(); ++i)
            all[static_cast<std::size_t>(e.offset + i)] = static_cast<T>(fresh_value(e.begins, e.columns, i, draws));
    }
    return all;
}

/// Every part of every parameter from a source of weights, which has them in checkpoint layout.
template <class T, class Source>
std::vector<T> read_weights(parameter_layout const& layout, Source const& source) {
    static_assert(WeightSource<Source>, "midtrain: load() wants a WeightSource: source(name, rows, columns, std::span<float>).  "
                                        "See midtrain/concepts/weight_source.hpp; midtrain::io::safetensors is one");
    std::vector<T>     all(static_cast<std::size_t>(layout.size()));
    std::vector<float> part;
    for (auto const& e : layout.entries())
        for (auto const& p : e.parts) {
            part.resize(static_cast<std::size_t>(p.rows * e.columns));
            source(p.name, p.transposed ? e.columns : p.rows, p.transposed ? p.rows : e.columns, std::span<float>(part));
            for (index_t r = 0; r < p.rows; ++r)
                for (index_t c = 0; c < e.columns; ++c)
                    all[static_cast<std::size_t>(e.offset + (p.first_row + r) * e.columns + c)] =
                        static_cast<T>(part[static_cast<std::size_t>(p.transposed ? c * p.rows + r : r * e.columns + c)]);
        }
    return all;
}

/// Rows of one part, (rows, columns), in checkpoint layout.
template <class T>
std::vector<T> in_checkpoint_layout(std::vector<T> rows, parameter_part const& p, index_t columns) {
    if (!p.transposed) return rows;
    std::vector<T> out(rows.size());
    for (index_t r = 0; r < p.rows; ++r)
        for (index_t c = 0; c < columns; ++c)
            out[static_cast<std::size_t>(c * p.rows + r)] = rows[static_cast<std::size_t>(r * columns + c)];
    return out;
}

}  // namespace midtrain::inline MT_ABI
