// A linear layer of 1024 x 1024, forward and backward over 512 tokens, with products in bfloat16 and in emulated eight bits: the best of
// many tries in turns, so that other programs on the machine count little.
//   bench_fp8 [TRIES] [THREADS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/linear.hpp>
#include <midtrain/precision/fp8.hpp>

namespace mt = midtrain;

namespace {

template <class Precision>
class layer {
    using T = typename Precision::stored;
    static constexpr mt::index_t tokens = 512, width = 1024;

  public:
    explicit layer(int threads) : device_(threads), linear_(layout_, 0, width, width, {{"w", 0, width}}, {}, 0.02) {
        layout_.close();
        for (auto* v : {&x_, &dy_}) v->resize(static_cast<std::size_t>(tokens * width));
        weights_.resize(static_cast<std::size_t>(layout_.size())), gradients_.resize(weights_.size());
        for (auto* v : {&x_, &dy_, &weights_})
            for (std::size_t i = 0; i < v->size(); ++i)
                (*v)[i] = T(static_cast<float>(static_cast<int>(i * 2654435761u >> 20 & 255) - 127) / 128);
    }
    /// Seconds; the best so far is kept.
    void go() {
        auto const n = static_cast<mt::index_t>(weights_.size());
        mt::pass<mt::host, Precision> p{.device = device_, .layout = layout_, .weights = {weights_.data(), n},
                                        .gradients = {gradients_.data(), n}, .products = mt::products_of<Precision>()};
        p.memory         = mt::arena({memory_.data(), static_cast<mt::index_t>(memory_.size())});
        auto const begin = std::chrono::steady_clock::now();
        linear_.forward(p, mt::as_matrix<T const>(x_.data(), tokens, width));
        linear_.backward(p, mt::as_matrix<T const>(dy_.data(), tokens, width));
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    double best = 1e9;

  private:
    mt::host               device_;
    mt::parameter_layout   layout_;
    mt::model::linear      linear_;
    std::vector<T>         x_, dy_, weights_;
    std::vector<float>     gradients_;
    std::vector<std::byte> memory_ = std::vector<std::byte>(64 << 20);
};

}  // namespace

int main(int argc, char** argv) {
    int const                  tries = argc > 1 ? std::atoi(argv[1]) : 20, threads = argc > 2 ? std::atoi(argv[2]) : 1;
    layer<mt::fp32>            fp32(threads);
    layer<mt::bf16_mixed>      bf16(threads);
    layer<mt::fp8_tensor>      tensor(threads);
    layer<mt::fp8_block>       block(threads);
    for (int i = 0; i < tries; ++i) fp32.go(), bf16.go(), tensor.go(), block.go();
    std::printf("{\"fp32_ms\": %.1f, \"bf16_ms\": %.1f, \"fp8_tensor_ms\": %.1f, \"fp8_block_ms\": %.1f}\n", 1e3 * fp32.best, 1e3 * bf16.best,
                1e3 * tensor.best, 1e3 * block.best);
}
