// Your own learning rate: a struct with one function.
//
// You will see a rate that holds its peak and then falls with the inverse square root of the tokens, as in "Scaling Vision
// Transformers" (Zhai et al. 2022), with a last straight line to zero. It is 1 up to 20 million tokens, 0.50 at four times that, and 0 at the
// end. Nothing is inherited and nothing registered: what the library needs is the signature.
#include <midtrain/midtrain.hpp>
#include <cstdio>

namespace mt = midtrain;
using namespace mt::literals;

// begin: policy
/// rate = peak * sqrt(hold / max(seen, hold)), times what is left of `tail` at the end.
struct inverse_root {
    mt::required<double>     peak;  // left out of the braces, it does not compile
    mt::required<mt::tokens> hold, tail;

    constexpr double rate(mt::progress at) const {
        double const fallen = at.seen <= hold ? 1.0 : mt::math::sqrt(mt::ratio(hold, at.seen));
        double const left   = at.left() >= tail ? 1.0 : mt::ratio(at.left(), tail);
        return peak * fallen * left;
    }

    // Optional: what must hold for the parts to fit into a stage. A recipe asks it, and refuses with the stage's name.
    constexpr bool fits(mt::tokens budget) const { return hold + tail <= budget; }
};

// The concept is the whole contract. A missing const would be an error here, and in a recipe a sentence that says so.
static_assert(mt::AnnealingPolicy<inverse_root>);
// end: policy

struct almost {
    double rate(mt::progress) { return 1; }
};
static_assert(!mt::AnnealingPolicy<almost>);

constexpr inverse_root policy{.peak = 1.0, .hold = 20_Mtok, .tail = 10_Mtok};
static_assert(policy.fits(100_Mtok) && !policy.fits(25_Mtok));

int main() {
    // It composes with all others: a warm-up in front is a `then`, and both know where they stand in their own part.
    constexpr auto warmed = mt::then{.first = mt::linear{.from = 0, .to = 1.0}, .until = 5_Mtok, .second = policy};
    static_assert(warmed.fits(105_Mtok));

    std::printf("Mtok   alone  with a warm-up of 5\n");
    for (mt::tokens seen : {0_Mtok, 5_Mtok, 20_Mtok, 25_Mtok, 80_Mtok, 85_Mtok, 95_Mtok, 100_Mtok})
        std::printf("%4d   %.3f  %.3f\n", static_cast<int>(seen.count / 1'000'000), policy.rate({.seen = seen, .budget = 100_Mtok}),
                    warmed.rate({.seen = seen, .budget = 105_Mtok}));
}
// Change next: take the const from `rate` and read what the compiler says; then take the whole assertion away, put the policy into
// a recipe and read it there.
//
// expected output:
//   Mtok   alone  with a warm-up of 5
//      0   1.000  0.000
//      5   1.000  1.000
//     20   1.000  1.000
//     25   0.894  1.000
//     80   0.500  0.516
//     85   0.485  0.500
//     95   0.229  0.471
//    100   0.000  0.229
