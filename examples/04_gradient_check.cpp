// Is the gradient the slope? Ask every tensor of a small Llama, in double precision.
//
// You will see one line a tensor: its name, its shape and "equal", when backward's gradient and the slope found by moving one weight a
// little agree to six digits, in five places of the tensor. (q_proj is the first name of queries, keys and values, and gate_proj of gate
// and up: one matrix each.) Nothing else proves as much about a backward pass in as few lines.
#include <midtrain/midtrain.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace mt = midtrain;

// A shape is a type; what it does not say it inherits.
struct tiny : mt::decoder_shape {
    static constexpr int    layers = 1, width = 16, heads = 4, kv_heads = 2, ffn = 24, vocab = 11;
    static constexpr double deviation = 0.3;  // large weights: nothing hides behind small slopes
};

// The last word may be mt::fp32 or mt::bf16_mixed. The kernels are the same; only here it pays to compute in double.
using model_type = mt::trainable<mt::host, mt::model::llama, tiny, mt::fp64>;

// Twelve tokens that predict their successors: two sequences of six.
std::vector<std::int32_t> const inputs{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8}, targets{1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 10},
    positions{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5}, begin(12, 0);

mt::token_batch batch() {
    auto const view = [](std::vector<std::int32_t> const& v) { return mt::row_view<std::int32_t const>{v.data(), 12}; };
    return {view(inputs), view(targets), view(positions), view(begin), /*sequences*/ 2, /*length*/ 6, /*targets in all*/ 12};
}

double loss_of(model_type& model) {
    std::vector<double> by_token(12);
    model.evaluate(batch(), {by_token.data(), 12});
    double total = 0;
    for (double x : by_token) total += x;
    return total / 12;
}

// Central differences of fourth order: (8 (f(w+h) - f(w-h)) - (f(w+2h) - f(w-2h))) / 12h.
double slope_at(model_type& model, mt::index_t i) {
    double const w = model.master()[i], h = 1e-4;
    auto const   f = [&](double x) {
        model.master()[i] = x;
        model.refresh();  // the layers read a copy in the stored precision
        return loss_of(model);
    };
    double const slope = (8 * (f(w + h) - f(w - h)) - (f(w + 2 * h) - f(w - 2 * h))) / (12 * h);
    f(w);
    return slope;
}

int main() {
    mt::host   device;
    model_type model(device, tiny{});
    model.initialise(/*seed*/ 1);
    model.set_rotary(6, mt::rope{.base = tiny::rope_base, .length = 6});

    std::vector<double> by_token(12);
    model.zero_gradient();
    model.accumulate(batch(), {by_token.data(), 12});  // forward and backward

    for (auto const& tensor : model.parameters().entries()) {
        double worst = 0;
        for (mt::index_t k = 0; k < 5; ++k) {
            mt::index_t const i = tensor.offset + k * (tensor.size() - 1) / 4;
            double const      slope = slope_at(model, i);
            worst = std::max(worst, std::abs(model.gradient()[i] - slope) / std::max(1e-3, std::abs(slope)));
        }
        std::printf("%-48s %3d x %-3d %s\n", tensor.name.c_str(), static_cast<int>(tensor.rows), static_cast<int>(tensor.columns),
                    worst < 1e-6 ? "equal" : "DIFFERENT");
    }
}
// Change next: take mt::model::gpt2 (it has biases and learned positions), or set model.z_loss = 1e-2 and see the check fail, because
// evaluate() reports the loss without that term.
//
// expected output:
//   model.embed_tokens.weight                         11 x 16  equal
//   model.layers.0.input_layernorm.weight             16 x 1   equal
//   model.layers.0.self_attn.q_proj.weight            32 x 16  equal
//   model.layers.0.self_attn.o_proj.weight            16 x 16  equal
//   model.layers.0.post_attention_layernorm.weight    16 x 1   equal
//   model.layers.0.mlp.gate_proj.weight               48 x 16  equal
//   model.layers.0.mlp.down_proj.weight               16 x 24  equal
//   model.norm.weight                                 16 x 1   equal
