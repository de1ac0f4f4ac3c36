#pragma once
#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>
#include <midtrain/core/types.hpp>

// Attention that turns each pair of query and key by how far apart they seem, written from the papers: one matrix of distances, a rotation
// of the query by it (R(q) k only depends on the difference), softmax, sum. Quadratic in everything.
namespace test {

using midtrain::index_t;

/// Dual Chunk Attention, An et al. 2024, section 3: three relative-position matrices, each filled by its definition. ChunkLlama's last
/// position is `chunk`, the paper's chunk - 1.
inline index_t dual_chunk_distance(index_t chunk, index_t local, index_t i, index_t j) {
    index_t const s = chunk - local;             // tokens of a chunk
    index_t const key = j % s;                   // P_k
    if (i / s == j / s) return i % s - key;      // P_q^Intra
    if (i / s - j / s == 1) {                    // P_q^Succ: s, s + 1, ..., then the last position
        index_t const next = s + i % s;
        return (next < chunk ? next : chunk) - key;
    }
    return chunk - key;                          // P_q^Inter
}
/// Self-Extend, Jin et al. 2024, algorithm 1.
inline index_t self_extend_distance(index_t group, index_t window, index_t i, index_t j) {
    if (i - j < window) return i - j;
    index_t const g_query = i / group + (window - window / group), g_key = j / group;
    return g_query - g_key;
}

/// One head: q, k, v of (tokens, size) not turned; pairs (i, i + size / 2) by plain rotary angles.
inline std::vector<double> far_attention(std::vector<double> const& q, std::vector<double> const& k, std::vector<double> const& v, index_t size, double base,
                                         std::function<index_t(index_t, index_t)> const& distance) {
    index_t const       n = static_cast<index_t>(q.size()) / size, half = size / 2;
    std::vector<double> out(q.size(), 0.0);
    for (index_t t = 0; t < n; ++t) {
        std::vector<double> score(static_cast<std::size_t>(t + 1));
        double              total = 0;
        for (index_t j = 0; j <= t; ++j) {
            double s = 0;
            for (index_t i = 0; i < half; ++i) {
                double const angle = static_cast<double>(distance(t, j)) * std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(size));
                double const a = q[t * size + i], b = q[t * size + i + half];
                double const x = a * std::cos(angle) - b * std::sin(angle), y = b * std::cos(angle) + a * std::sin(angle);
                s += x * k[j * size + i] + y * k[j * size + i + half];
            }
            total += score[static_cast<std::size_t>(j)] = std::exp(s / std::sqrt(static_cast<double>(size)));
        }
        for (index_t j = 0; j <= t; ++j)
            for (index_t i = 0; i < size; ++i) out[t * size + i] += score[static_cast<std::size_t>(j)] / total * v[j * size + i];
    }
    return out;
}

}  // namespace test
