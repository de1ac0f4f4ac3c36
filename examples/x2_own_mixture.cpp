// Your own mixture: a struct that turns progress into one weight a source.
//
// You will see sources of 900, 90 and 10 million tokens mixed by size to the power 1 / temperature, as multilingual models do (Conneau
// and Lample 2019), while the temperature falls from 4 to 1. At 1 the weights are the sizes' own shares: .90, .09, .01. In a recipe the
// rules ask your policy what they ask ours: none negative, and the sum is one all along.
#include <midtrain/midtrain.hpp>
#include <array>
#include <cstdio>

namespace mt = midtrain;
using namespace mt::literals;

template <class T>
struct sources {
    T web, code, maths;
};

// begin: policy
/// weight = size^(1/t) / sum of all size^(1/t), where t goes from `from` to `to` in a straight line over the stage.
template <template <class> class Sources>
struct cooling {
    Sources<mt::required<double>> sizes;  // in any unit
    mt::required<double>          from, to;

    constexpr auto weights(mt::progress at) const {
        auto         w = mt::as_array(sizes);
        double const t = from + (to - from) * at.share();
        double       total = 0;
        for (double& x : w) total += x = mt::math::pow(x, 1 / t);
        for (double& x : w) x /= total;
        return w;
    }
};
static_assert(mt::MixturePolicy<cooling<sources>>);
// end: policy

struct small : mt::decoder_shape {
    static constexpr int layers = 2, width = 64, heads = 4, kv_heads = 2, ffn = 128, vocab = 256;
};

// A rule that your policy breaks is a sentence from the compiler: try .to = 0.
constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "cool",
                                                        .budget   = 10_Mtok,
                                                        .mixture  = cooling<sources>{.sizes = {.web = 900, .code = 90, .maths = 10}, .from = 4, .to = 1},
                                                        .rate     = mt::linear{.from = 1e-3, .to = 0},
                                                        .batch    = {.sequences = 8, .length = 128},
                                                        .position = mt::rope{.base = 1e4, .length = 128}}}};
}, small{});

int main(int argc, char** argv) try {
    // Its fields are settings like any other: --set cool.mixture.from=8
    auto const  chosen = recipe.with(mt::settings{argc, argv});
    auto const& stage  = std::get<0>(chosen->stages.all);
    std::printf("done     web  code maths\n");
    for (int tenth = 0; tenth <= 10; tenth += 5) {
        auto const w = stage.mixture.weights(stage.at(stage.steps() * tenth / 10));
        std::printf("%3d %%   %.2f  %.2f  %.2f\n", tenth * 10, w[0], w[1], w[2]);
    }
} catch (mt::error const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
}
// Change next: make it hold the last temperature over the final tenth, or run it with --set cool.mixture.to=0 and read what it says.
//
// expected output:
//   done     web  code maths
//     0 %   0.53  0.30  0.17
//    50 %   0.64  0.25  0.11
//   100 %   0.90  0.09  0.01
