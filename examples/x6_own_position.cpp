// Your own position scaling: a struct that says how fast each pair of a head turns.
//
// You will see a policy that divides every frequency by the stretch s to a power that grows with the pair: the fastest pair is kept, the
// slowest divided by s. For a stretch of 4 the factors of pairs 0, 15 and 31 are 1, 4^(15/31) = 1.96 and 4. In a recipe the rules ask your
// policy what they ask ours: frequencies fall with the pair, and the sequence is within its context.
#include <midtrain/midtrain.hpp>
#include <cstdio>

namespace mt = midtrain;
using namespace mt::literals;

// begin: policy
/// h = theta / s^(i / (pairs - 1)), g = m, alpha = 1, with the stretch s = extended / trained.
struct leaning {
    mt::required<double>      base;
    mt::required<mt::index_t> trained, extended;

    constexpr mt::index_t context() const { return extended; }
    constexpr double      inverse_frequency(mt::index_t pair, mt::index_t width, mt::index_t /*length*/) const {
        double const s = mt::position::stretch(trained, extended), slow = static_cast<double>(pair) / static_cast<double>(width / 2 - 1);
        return mt::position::plain_frequency(base, pair, width) / mt::math::pow(s, slow);
    }
    constexpr double position(mt::index_t t) const { return static_cast<double>(t); }
    constexpr double temperature(mt::index_t) const { return 1.0; }
};
static_assert(mt::PositionScalingPolicy<leaning>);
// end: policy

template <class T>
struct sources {
    T books;
};
struct small : mt::decoder_shape {
    static constexpr int layers = 2, width = 256, heads = 4, kv_heads = 2, ffn = 512, vocab = 256;
};

// Try a length of 32'768: this no longer compiles, and the compiler says that the sequence is longer than the positions reach.
constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "long",
                                                        .budget   = 10_Mtok,
                                                        .mixture  = mt::fixed_mixture<sources>{.share = {.books = 1}},
                                                        .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                        .batch    = {.sequences = 2, .length = 16'384, .micro = 1},
                                                        .position = leaning{.base = 1e4, .trained = 4096, .extended = 16'384}}}};
}, small{});

int main() {
    auto const&    policy = std::get<0>(recipe->stages.all).position;
    mt::rope const plain{.base = policy.base, .length = policy.trained};
    std::printf("pair  divided by\n");
    for (mt::index_t pair : {0, 15, 31})
        std::printf("%4d  %.2f\n", static_cast<int>(pair), plain.inverse_frequency(pair, 64, 4096) / policy.inverse_frequency(pair, 64, 16'384));
}
// Change next: give it YaRN's temperature, mt::position::yarn_heat_of(s). Or keep the struct away:
// mt::position::with_frequency{plain, h} changes one part of a policy.
//
// expected output:
//   pair  divided by
//      0  1.00
//     15  1.96
//     31  4.00
