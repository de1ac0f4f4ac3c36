// A learning rate is a function of how far a run is, and of nothing else.
//
// You will see two curves over a budget of 100 million tokens, drawn by calling them: a cosine, and warm-up, stable, decay. There is
// no scheduler to step and nothing to save: a run that resumes at 70 million tokens asks for the rate at 70 million tokens.
#include <midtrain/midtrain.hpp>
#include <cstdio>
#include <string>

namespace mt = midtrain;
using namespace mt::literals;

// Time is measured in tokens, so a curve means the same for every batch size.
constexpr mt::progress at(mt::tokens seen) { return {.seen = seen, .budget = 100_Mtok, .batch = 1_Mtok}; }

// begin: curves
constexpr auto cosine = mt::cosine{.from = 1.0, .to = 0.1};
constexpr auto stable = mt::wsd{.peak = 1.0, .decay = 20_Mtok, .warmup = 10_Mtok};

// Policies are constexpr, so what a curve promises can be asked of the compiler.
static_assert(stable.rate(at(0_Mtok)) == 0.0);
static_assert(stable.rate(at(50_Mtok)) == 1.0);
static_assert(stable.rate(at(90_Mtok)) == 0.5);
static_assert(stable.fits(100_Mtok) && !stable.fits(25_Mtok));  // 30 million tokens of warm-up and decay do not fit into 25
// end: curves

int main() {
    std::printf("Mtok  cosine                     wsd\n");
    for (mt::tokens seen = 0_Mtok; seen <= 100_Mtok; seen += 10_Mtok) {
        double const c = cosine.rate(at(seen)), w = stable.rate(at(seen));
        auto const   bar = [](double rate) { return std::string(static_cast<std::size_t>(20 * rate + 0.5), '#'); };
        std::printf("%4d  %.3f %-20s %.3f %s\n", static_cast<int>(seen.count / 1'000'000), c, bar(c).c_str(), w, bar(w).c_str());
    }

    // Two curves make a third: this is the usual cosine with a linear warm-up, and the compiler knows that its parts meet.
    constexpr auto warmed = mt::then{.first = mt::linear{.from = 0, .to = 1.0}, .until = 10_Mtok, .second = cosine};
    static_assert(warmed.fits(100_Mtok));
    std::printf("with a warm-up: %.2f at 5 Mtok, %.2f at 10, %.2f at 55\n", warmed.rate(at(5_Mtok)), warmed.rate(at(10_Mtok)),
                warmed.rate(at(55_Mtok)));
}
// Change next: make the warm-up end at 0.9 instead of 1.0. The file no longer compiles, because the two parts do not meet. Or give wsd
// another tail: mt::wsd_of<mt::annealing::one_minus_sqrt_shape>.
//
// expected output:
//   Mtok  cosine                     wsd
//      0  1.000 #################### 0.000 
//     10  0.978 #################### 1.000 ####################
//     20  0.914 ##################   1.000 ####################
//     30  0.815 ################     1.000 ####################
//     40  0.689 ##############       1.000 ####################
//     50  0.550 ###########          1.000 ####################
//     60  0.411 ########             1.000 ####################
//     70  0.285 ######               1.000 ####################
//     80  0.186 ####                 1.000 ####################
//     90  0.122 ##                   0.500 ##########
//    100  0.100 ##                   0.000 
//   with a warm-up: 0.50 at 5 Mtok, 1.00 at 10, 0.55 at 55
