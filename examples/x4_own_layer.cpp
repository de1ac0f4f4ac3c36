// Your own layer, in a family of models of your own: forward, backward, and a proof that the two belong together.
//
// You will see a decoder whose MLP is down(relu(up(x))^2), the squared ReLU of Primer (So et al. 2021). Its gradient equals the slope of
// the loss along it, to four digits, and sixty steps of training bring the loss from log(32) = 3.47 to zero.
#include <midtrain/midtrain.hpp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace mt = midtrain;

/// y = max(x, 0)^2, and with dy its gradient 2 max(x, 0) dy; over x itself. An element functor: the device calls it for each i.
template <class T>
struct relu_squared {
    mt::row_view<T> x, y;

    MT_HOST_DEVICE void operator()(mt::index_t i) const { y[i] = x[i] > T(0) ? x[i] * x[i] : T(0); }
};
template <class T>
struct relu_squared_backward {
    mt::row_view<T> x, dy;

    MT_HOST_DEVICE void operator()(mt::index_t i) const { x[i] = x[i] > T(0) ? T(2) * x[i] * dy[i] : T(0); }
};

/// A layer owns no memory and no weights: the pass has both. What backward will want is saved, and taken in the opposite order.
class relu_squared_mlp {
  public:
    relu_squared_mlp(mt::model::linear up, mt::model::linear down) : up_(std::move(up)), down_(std::move(down)) {}

    template <class Pass>
    auto forward(Pass& p, mt::matrix_view<typename Pass::stored const> x) const {
        using T      = typename Pass::stored;
        auto const h = up_.forward(p, x);
        auto const a = p.make(h.rows, h.columns);
        p.device.elements(h.size(), relu_squared<T>{h.flat(), a.flat()});
        p.save(h);
        return down_.forward(p, mt::matrix_view<T const>(a));
    }
    template <class Pass>
    auto backward(Pass& p, mt::matrix_view<typename Pass::stored const> dy) const {
        using T      = typename Pass::stored;
        auto const d = down_.backward(p, dy);
        auto const h = p.template take<mt::matrix_view<T>>();
        p.device.elements(h.size(), relu_squared_backward<T>{h.flat(), d.flat()});
        return up_.backward(p, mt::matrix_view<T const>(h));
    }

  private:
    mt::model::linear up_, down_;
};

/// A family says how a shape becomes a net: which tensors there are, in forward order, and which layers read them.
struct own_family {
    using block_type = mt::model::block<mt::model::rmsnorm, mt::model::attention, relu_squared_mlp>;
    using net_type   = mt::model::decoder<block_type, mt::model::rmsnorm>;

    template <class Shape>
    static net_type make(mt::parameter_layout& layout, Shape const& s) {
        mt::index_t const width = s.width;
        auto const matrix = [&](int n, char const* name, mt::index_t inputs, mt::index_t outputs) {
            return mt::model::linear(layout, n, inputs, outputs, {{"layers." + std::to_string(n) + "." + name, 0, outputs}}, {}, s.deviation);
        };
        mt::model::embedding const in(layout, s.vocab, width, "embedding", 0, "", s.deviation);
        std::vector<block_type>    blocks;
        for (int n = 1; n <= s.layers; ++n) {
            mt::model::rmsnorm const first(layout, n, width, "norm", s.norm_epsilon), second(layout, n, width, "norm_2", s.norm_epsilon);
            auto const qkv = matrix(n, "qkv", width, 3 * width), out = matrix(n, "out", width, width);
            auto const up = matrix(n, "up", width, s.ffn), down = matrix(n, "down", s.ffn, width);
            blocks.push_back({first, mt::model::attention(qkv, out, s.heads, s.heads, width / s.heads, {mt::positions::rotary}), second,
                              relu_squared_mlp(up, down)});
        }
        mt::model::rmsnorm const norm(layout, s.layers + 1, width, "norm", s.norm_epsilon);
        layout.close();
        return {in, std::move(blocks), norm, mt::model::head(in.table())};
    }
};

struct tiny : mt::decoder_shape {
    static constexpr int    layers = 2, width = 32, heads = 2, ffn = 64, vocab = 32;
    static constexpr double deviation = 0.05;
};

int main() {
    std::vector<std::int32_t> text(33), positions(32), begin(32, 0);
    for (std::int32_t i = 0; i < 33; ++i) text[static_cast<std::size_t>(i)] = i * i % 32;
    for (std::int32_t i = 0; i < 32; ++i) positions[static_cast<std::size_t>(i)] = i;
    mt::token_batch const batch{.inputs = {text.data(), 32}, .targets = {text.data() + 1, 32}, .positions = {positions.data(), 32},
                                .document_begin = {begin.data(), 32}, .sequences = 1, .length = 32, .target_count = 32};

    mt::host                                          device;
    mt::trainable<mt::host, own_family, tiny, mt::fp64> model(device, tiny{});
    model.initialise(/*seed*/ 1);
    model.set_rotary(32, mt::rope{.base = tiny::rope_base, .length = 32});
    std::vector<double> by_token(32);
    auto const          loss = [&] {
        model.evaluate(batch, {by_token.data(), 32});
        double total = 0;
        for (double x : by_token) total += x;
        return total / 32;
    };

    // The proof: move along the gradient's own direction by a little, and see what the loss does. |g|^2 is what it should do.
    model.zero_gradient();
    model.accumulate(batch, {by_token.data(), 32});
    std::vector<double> const w(model.master().begin(), model.master().end());
    auto const                along = [&](double h) {
        for (mt::index_t i = 0; i < model.master().size(); ++i) model.master()[i] = w[static_cast<std::size_t>(i)] + h * model.gradient()[i];
        model.refresh();
        return loss();
    };
    double const h = 1e-5, slope = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h), norm = model.gradient_norm();
    std::printf("slope / |gradient|^2 = %.4f\n", slope / (norm * norm));

    along(0);
    mt::adamw const optimizer{.decay = 0};
    model.prepare(optimizer);
    for (int step = 0; step <= 60; ++step) {
        if (step % 20 == 0) std::printf("step %2d  loss %.2f\n", step, loss());
        model.zero_gradient();
        model.accumulate(batch, {by_token.data(), 32});
        model.apply(optimizer, {.rate = 1e-2, .step = step + 1});
    }
}
// Change next: forget the 2 in relu_squared_backward and read the first line. Or square the whole, without the ReLU.
//
// expected output:
// ~ slope / .gradient.\^2 = (1\.0000|0\.9999)
//   step  0  loss 3.48
// ~ step 20  loss 0\.[0-9]+
// ~ step 40  loss 0\.[0-9]+
// ~ step 60  loss 0\.0[0-9]
