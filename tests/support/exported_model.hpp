#pragma once
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/safetensors_writer.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>

// What transformers is compared with: an exported folder, and beside it the logits that midtrain has for it.
namespace test {

/// New biases are zeros and new gains ones, with which a forgotten one would go unseen.
template <class Model>
void stir(Model& m) {
    auto const all = m.master();
    for (auto const& e : m.parameters().entries())
        if (e.role == midtrain::role::norm || e.role == midtrain::role::bias)
            for (auto const& p : e.parts)
                for (midtrain::index_t i = 0; i < p.rows * e.columns; ++i) {
                    auto const at = e.offset + p.first_row * e.columns + i;
                    all[at] += 0.5f * static_cast<float>(std::sin(static_cast<double>(at)));
                }
    m.refresh();
}

/// The logits of a folder's own weights for one sequence, in fp32.
template <class Family, class Shape, class Policy>
void write_logits(std::string const& folder, Shape const& shape, Policy const& positions, midtrain::index_t length) {
    midtrain::host                                              device;
    midtrain::trainable<midtrain::host, Family, Shape, midtrain::fp32> m(device, shape);
    m.load(midtrain::io::safetensors(folder + "/model.safetensors"));
    m.set_rotary(length, positions);
    auto                            b = owned_batch::random(1, length, shape.vocab, 0);
    std::vector<std::int64_t> const ids(b.inputs.begin(), b.inputs.end());
    std::vector<float>              logits(static_cast<std::size_t>(length * shape.vocab));
    m.logits(b.view(), midtrain::as_matrix(logits.data(), length, shape.vocab));
    midtrain::io::safetensors_writer out(folder + ".logits");
    out.declare("ids", "I64", {length});
    out.declare("logits", "F32", {length, shape.vocab});
    out.add("ids", std::as_bytes(std::span(ids)));
    out.add("logits", std::as_bytes(std::span(logits)));
    out.finish();
}

}  // namespace test
