// A plan costs nothing: you will see what mid-training a model of seven billion parameters would do, stage by stage, on a machine that
// could not hold it. The device of this program is one that only counts.
//
//   09_plan [plan.svg [metrics.jsonl]]     also draws it, and over it what a run's metrics say really happened
#include <midtrain/train/plan_chart.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/midtrain.hpp>
#include <cstdio>

namespace mt = midtrain;
using namespace mt::literals;

struct seven_billion : mt::decoder_shape {
    static constexpr int  layers = 32, width = 4096, heads = 32, kv_heads = 8, ffn = 14'336, vocab = 128'256;
    static constexpr bool tied = false;
};

template <class T>
struct sources {
    T web, code, maths, books;
};

// The trunk's last stretch with a growing batch, then a decay into better sources, then two steps of context.
constexpr auto recipe = mt::checked([] {
    return mt::recipe{
        .optimizer = mt::adamw{.beta2 = 0.95, .decay = 0.1},
        .stages    = mt::stages{
            mt::stage{.name     = "trunk",
                      .budget   = 40_Gtok,
                      .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .code = .15, .maths = .05, .books = .05}},
                      .rate     = mt::constant{.peak = 3e-4},
                      .batch    = {.sequences = 256, .length = 4096,
                                   .ramp = mt::linear_ramp{.to = 1024, .over = 20_Gtok, .by = 256}},
                      .position = mt::rope{.base = 500'000, .length = 4096}},
            mt::stage{.name     = "decay",
                      .budget   = 50_Gtok,
                      .mixture  = mt::annealed_mixture<sources>{.from = {.web = .75, .code = .15, .maths = .05, .books = .05},
                                                                .to   = {.web = .35, .code = .25, .maths = .30, .books = .10}},
                      .rate     = mt::linear{.from = 3e-4, .to = 3e-5},
                      .batch    = {.sequences = 1024, .length = 4096},
                      .position = mt::rope{.base = 500'000, .length = 4096}},
            mt::stage{.name     = "long",
                      .budget   = 10_Gtok,
                      .mixture  = mt::fixed_mixture<sources>{.share = {.web = .30, .code = .25, .maths = .15, .books = .30}},
                      .rate     = mt::linear{.from = 3e-5, .to = 0},
                      .batch    = {.sequences = 128, .length = 32'768},
                      .position = mt::rope{.base = 8'000'000, .length = 32'768}}}};
}, seven_billion{});

int main(int argc, char** argv) {
    mt::counting_device nothing;
    mt::trainable<mt::counting_device, mt::model::llama, seven_billion, mt::bf16_mixed> model{nothing, {}};
    auto const names = mt::source_names<sources>();
    auto const plan  = mt::make_plan(*recipe, model, {names.begin(), names.end()});
    mt::print(plan, stdout);
    if (argc < 2) return 0;
    mt::plan_chart_options chart{.title = "Mid-training seven billion parameters"};
    if (argc > 2) chart.against = mt::read_metrics(argv[2]);
    mt::io::write_whole(argv[1], mt::draw_plan(plan, chart));
}
// Change next: let `decay` end at 1e-5 and see whether the compiler minds that `long` begins at 3e-5; then give `long` a length of 65'536.
//
// expected output:
//   8.03G parameters; memory: weights 48.18 GB, gradients 32.12 GB, optimizer 64.24 GB, activations 149.40 GB
//   stage trunk    40.0G tokens in 16424 steps of 256 .. 1024 x 4096; rate 3.00e-04 at first, 3.00e-04 at most, 3.00e-04 at last
//       web           75.0 % ->  75.0 %     30.0G tokens
//       code          15.0 % ->  15.0 %     6.00G tokens
//       maths          5.0 % ->   5.0 %     2.00G tokens
//       books          5.0 % ->   5.0 %     2.00G tokens
//   stage decay    50.0G tokens in 11920 steps of 1024 x 4096; rate 3.00e-04 at first, 3.00e-04 at most, 3.00e-05 at last
//       web           75.0 % ->  35.0 %     27.5G tokens
//       code          15.0 % ->  25.0 %     10.0G tokens
//       maths          5.0 % ->  30.0 %     8.75G tokens
//       books          5.0 % ->  10.0 %     3.75G tokens
//   stage long     10.0G tokens in 2384 steps of 128 x 32768; rate 3.00e-05 at first, 3.00e-05 at most, 1.26e-08 at last
//       web           30.0 % ->  30.0 %     3.00G tokens
//       code          25.0 % ->  25.0 %     2.50G tokens
//       maths         15.0 % ->  15.0 %     1.50G tokens
//       books         30.0 % ->  30.0 %     3.00G tokens
