#pragma once
#include <cmath>
#include <cstdint>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/problem/batch.hpp>

namespace test {

/// Small enough for finite differences, uneven enough to show a wrong stride.
struct small_shape : midtrain::decoder_shape {
    static constexpr int    layers = 2, width = 32, heads = 4, kv_heads = 2, ffn = 48, vocab = 96, context = 64;
    static constexpr double deviation = 0.1;
};

/// Plain rope with base 10000, angles in double.
inline void plain_rope(midtrain::index_t length, midtrain::index_t size, double* cosine, double* sine) {
    for (midtrain::index_t t = 0; t < length; ++t)
        for (midtrain::index_t i = 0; i < size / 2; ++i) {
            double const angle                 = static_cast<double>(t) * std::pow(1e4, -2.0 * static_cast<double>(i) / static_cast<double>(size));
            cosine[t * (size / 2) + i] = std::cos(angle);
            sine[t * (size / 2) + i]   = std::sin(angle);
        }
}

/// A batch that owns its numbers.
struct owned_batch {
    midtrain::index_t         sequences, length;
    std::vector<std::int32_t> inputs, targets, positions, document_begin;

    owned_batch(midtrain::index_t s, midtrain::index_t t)
        : sequences(s), length(t), inputs(s * t), targets(s * t), positions(s * t), document_begin(s * t) {
        for (midtrain::index_t i = 0; i < s * t; ++i) positions[i] = static_cast<std::int32_t>(i % t);
    }
    /// Random tokens; one target in seven is missing; the second sequence holds two documents, cut at `cut`.
    static owned_batch random(midtrain::index_t s, midtrain::index_t t, int vocabulary, std::int32_t cut) {
        owned_batch b(s, t);
        for (midtrain::index_t i = 0; i < s * t; ++i) {
            b.inputs[i]  = static_cast<std::int32_t>(midtrain::mix_bits(static_cast<std::uint64_t>(i)) % vocabulary);
            b.targets[i] = i % 7 == 3 ? -1 : static_cast<std::int32_t>(midtrain::mix_bits(static_cast<std::uint64_t>(i) + 1) % vocabulary);
            if (i >= t && i % t >= cut) b.document_begin[i] = cut;
        }
        return b;
    }
    midtrain::token_batch view() const {
        double targeted = 0;
        for (auto t : targets) targeted += t >= 0;
        auto const n = sequences * length;
        return {{inputs.data(), n}, {targets.data(), n}, {positions.data(), n}, {document_begin.data(), n}, sequences, length, targeted};
    }
};

}  // namespace test
