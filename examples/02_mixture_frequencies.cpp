// A mixture is a promise about frequencies, and the sampler keeps it at every moment, not only on average.
//
// You will see a thousand sequences drawn from three sources while the mixture moves from web text towards maths. In each fifth of the
// run the counts are what the weights ask for, to within one: web 140, 120, 100, 80, 60.
#include <midtrain/midtrain.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <span>

namespace mt = midtrain;

// Your sources have names. Leave one out of the braces below, and the program does not compile.
// begin: mixture
template <class T>
struct sources {
    T web, code, maths;
};

constexpr auto mixture = mt::annealed_mixture<sources>{.from = {.web = 0.75, .code = 0.15, .maths = 0.10},
                                                       .to   = {.web = 0.25, .code = 0.25, .maths = 0.50}};
// end: mixture
constexpr std::int64_t length = 1000;  // sequences in this stage

int main() {
    // Weights are a function of the position, so the sampler may look ahead, and needs no luck to meet them.
    auto const weights_at = [](std::int64_t position, std::span<double> to) {
        auto const w = mixture.weights({.seen = {position}, .budget = {length}});
        std::copy(w.begin(), w.end(), to.begin());
    };
    mt::data::sampler sampler(mt::source_count<sources>, length, /*seed*/ 1);

    double farthest = 0;  // from what the weights asked for, at any moment
    std::printf("sequences ");
    for (auto const& name : mt::source_names<sources>()) std::printf("%7s", name.c_str());
    std::printf("\n");
    for (int fifth = 0; fifth < 5; ++fifth) {
        std::array<int, mt::source_count<sources>> count{};
        for (int n = 0; n < length / 5; ++n) {
            ++count[sampler.next(weights_at)];
            for (std::size_t s = 0; s < count.size(); ++s)
                farthest = std::max(farthest, std::abs(sampler.now().asked[s] - static_cast<double>(sampler.now().drawn[s])));
        }
        std::printf("%4d-%-4d ", fifth * 200 + 1, fifth * 200 + 200);
        for (int c : count) std::printf("%7d", c);
        std::printf("\n");
    }
    std::printf("never more than one sequence from what was asked: %s\n", farthest < 1 ? "yes" : "no");
}
// Change next: draw each source by a weighted coin (mt::random_stream{1, 2}.uniform(n) gives the tosses) and watch `farthest` grow
// far beyond one. Or take mt::staged_mixture, which changes all at once.
//
// expected output:
//   sequences     web   code  maths
//      1-200      140     32     28
//    201-400      120     36     44
//    401-600      100     40     60
//    601-800       80     44     76
//    801-1000      60     48     92
//   never more than one sequence from what was asked: yes
