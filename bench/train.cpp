// One training step (forward, backward, clipping, AdamW) of three models: tokens a second and peak memory, one JSON line a case.
//   bench_train [CASE] [--precision fp32|bf16] [--steps N]      CASE: llama15m, gpt2_124m, smollm2_135m
// bench/rival.py runs the same cases in PyTorch, interleaved with these.
#include <sys/resource.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>
#include <midtrain/midtrain.hpp>

namespace mt = midtrain;

namespace {

struct llama15m : mt::decoder_shape {
    static constexpr int layers = 6, width = 288, heads = 6, kv_heads = 6, ffn = 768, vocab = 32'000, context = 1024;
};
struct gpt2_124m : mt::decoder_shape {
    static constexpr int layers = 12, width = 768, heads = 12, kv_heads = 12, ffn = 3072, vocab = 50'304, context = 1024;
};
struct smollm2_135m : mt::decoder_shape {
    static constexpr int    layers = 30, width = 576, heads = 9, kv_heads = 3, ffn = 1536, vocab = 49'152, context = 8192;
    static constexpr double rope_base = 100'000;
};

template <class Family, class Shape, class Precision>
void measure(char const* name, mt::index_t sequences, mt::index_t length, int steps) {
    mt::host device;
    mt::trainable<mt::host, Family, Shape, Precision> model(device, {});
    model.initialise(1);
    model.set_rotary(length, mt::rope{.base = Shape::rope_base, .length = length});
    mt::adamw const optimizer;
    model.prepare(optimizer);
    auto const                n = static_cast<std::size_t>(sequences * length);
    std::vector<std::int32_t> inputs(n), targets(n), positions(n), begin(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
        inputs[i]    = static_cast<std::int32_t>(mt::random_stream{1, 1}.bits(i) % Shape::vocab);
        targets[i]   = static_cast<std::int32_t>(mt::random_stream{1, 2}.bits(i) % Shape::vocab);
        positions[i] = static_cast<std::int32_t>(i % static_cast<std::size_t>(length));
    }
    auto const view = [&](std::vector<std::int32_t> const& v) { return mt::row_view<std::int32_t const>{v.data(), sequences * length}; };
    mt::token_batch const batch{view(inputs), view(targets), view(positions), view(begin), sequences, length, static_cast<double>(n)};
    std::vector<float>    loss(n);
    std::vector<double>   seconds;
    for (int step = 1; step <= steps + 1; ++step) {  // the first one is not counted
        auto const start = std::chrono::steady_clock::now();
        model.zero_gradient();
        model.accumulate(batch, {loss.data(), sequences * length});
        mt::step_scalars s;
        s.rate = 1e-4, s.step = step, s.clip_factor = std::min(1.0, 1.0 / (model.gradient_norm() + 1e-6));
        model.apply(optimizer, s);
        if (step > 1) seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    std::sort(seconds.begin(), seconds.end());
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    std::printf("{\"program\": \"midtrain\", \"case\": \"%s\", \"precision\": \"%s\", \"tokens_per_second\": %.1f, \"best\": %.1f, \"peak_memory_mb\": %ld}\n",
                name, Precision::name, static_cast<double>(n) / seconds[seconds.size() / 2], static_cast<double>(n) / seconds[0], used.ru_maxrss / 1024);
}

template <class Precision>
bool run(std::string const& name, int steps) {
    if (name == "llama15m") measure<mt::model::llama, llama15m, Precision>("llama15m", 16, 256, steps);
    else if (name == "gpt2_124m") measure<mt::model::gpt2, gpt2_124m, Precision>("gpt2_124m", 4, 64, steps);
    else if (name == "smollm2_135m") measure<mt::model::llama, smollm2_135m, Precision>("smollm2_135m", 1, 1024, steps);
    else return false;
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    std::string name = argc > 1 ? argv[1] : "llama15m", precision = "fp32";
    int         steps = 5;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (std::string(argv[i]) == "--precision") precision = argv[i + 1];
        if (std::string(argv[i]) == "--steps") steps = std::max(1, std::atoi(argv[i + 1]));
    }
    if (precision == "bf16" ? run<mt::bf16_mixed>(name, steps) : run<mt::fp32>(name, steps)) return 0;
    std::fprintf(stderr, "no case '%s': llama15m, gpt2_124m, smollm2_135m\n", name.c_str());
    return 2;
}
