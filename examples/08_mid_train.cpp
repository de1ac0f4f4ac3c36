// You will see a run of two stages: the mixture shifts towards maths while the rate anneals to zero, then the context grows from 64
// to 256 tokens. The recipe is one value: change .25 to .35 below and this file no longer compiles, and says why.
// begin: program
#include <midtrain/midtrain.hpp>
#include <cstdio>
namespace mt = midtrain;
using namespace mt::literals;

// A shape is a type: the compiler may use it.
struct small : mt::decoder_shape {
    static constexpr int layers = 2, width = 64, heads = 4, kv_heads = 2, ffn = 128, vocab = 256;
};

// The sources have names. Leave .maths out of a mixture below and it does not compile.
template <class T>
struct sources {
    T web, code, maths;
};

// What to do is one constexpr value.
constexpr auto recipe = mt::checked([] {
    return mt::recipe{
        .optimizer = mt::adamw{.beta2 = 0.95, .decay = 0.1},
        .stages    = mt::stages{
            mt::stage{.name     = "anneal",
                      .budget   = 120_ktok,
                      .mixture  = mt::annealed_mixture<sources>{.from = {.web = .80, .code = .15, .maths = .05},
                                                                .to   = {.web = .30, .code = .30, .maths = .40}},
                      .rate     = mt::wsd{.peak = 3e-3, .decay = 60_ktok, .warmup = 10_ktok},
                      .batch    = {.sequences = 8, .length = 64, .micro = 8},
                      .position = mt::rope{.base = 10'000, .length = 64}},
            mt::stage{.name     = "long",
                      .budget   = 40_ktok,
                      .mixture  = mt::fixed_mixture<sources>{.share = {.web = .50, .code = .25, .maths = .25}},
                      .rate     = mt::linear{.from = 3e-4, .to = 0},
                      .batch    = {.sequences = 2, .length = 256, .micro = 2},
                      .position = mt::yarn{.base = 10'000, .trained = 64, .extended = 256}}}};
}, small{});

int train(int argc, char** argv, auto const& corpus) {
    mt::settings const settings{argc, argv};  // --set anneal.rate.peak=1e-3, --dry-run
    mt::host           device;  // or mt::cuda, after #include <midtrain/cuda.cuh>
    mt::self           ranks;
    mt::trainable<decltype(device), mt::model::llama, small, mt::fp32> model{device, {}};
    model.initialise(1);  // or model.load(mt::io::safetensors{"base.safetensors"})
    mt::trainer trainer{ranks, model, recipe.with(settings), mt::checkpoints{"run"}};  // goes on from run/ where it holds one
    if (settings.dry_run() || !trainer.resumed()) print(trainer.plan(corpus), stdout);
    if (settings.dry_run()) return 0;
    trainer.run(corpus, [](mt::report const& r) {
        if (r.at.left() < r.at.batch)
            std::printf("%-6s %3lld steps  loss %.2f  maths %.2f of the mixture\n", r.stage.data(), static_cast<long long>(r.at.step), r.loss, r.weights[2]);
    });
    return 0;
}
// end: program

// Documents that this example makes itself: 200 each of numbers counting up, down, and by squares, modulo 255.
struct progressions {
    int kind;

    std::size_t               documents() const { return 200; }
    std::vector<std::int32_t> document(std::int64_t d) const {
        std::vector<std::int32_t> all;
        for (int i = 1; i <= 120; ++i) {
            int const start = static_cast<int>(d);
            all.push_back(1 + (kind == 0 ? start + i : kind == 1 ? 100'000 - start - i : start + i * i) % 255);
        }
        return all;
    }
};

int main(int argc, char** argv) try {
    return train(argc, argv, sources<progressions>{.web{0}, .code{1}, .maths{2}});
} catch (mt::error const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
}

// Next: run it a second time in the same folder: there is nothing left to do. Then try --set long.batch.length=512.

// expected output:
//   90.4k parameters; memory: weights 0.7 MB, gradients 0.4 MB, optimizer 0.7 MB, activations 4.9 MB, copy for saving 1.1 MB
//   stage anneal   120k tokens in 234 steps of 8 x 64; rate 0.00e+00 at first, 3.00e-03 at most, 2.56e-05 at last
//       web           80.0 % ->  30.0 %     66.0k tokens
//       code          15.0 % ->  30.0 %     26.9k tokens
//       maths          5.0 % ->  40.0 %     26.9k tokens
//   stage long     39.9k tokens in 78 steps of 2 x 256; rate 3.00e-04 at first, 3.00e-04 at most, 3.85e-06 at last
//       web           50.0 % ->  50.0 %     20.0k tokens
//       code          25.0 % ->  25.0 %     9.98k tokens
//       maths         25.0 % ->  25.0 %     9.98k tokens
// ~ anneal 234 steps  loss [0-9.]+  maths 0\.40 of the mixture
// ~ long    78 steps  loss [0-9.]+  maths 0\.25 of the mixture
