// A kernel is written once, for a team of any size, and runs on every device.
//
// You will see the same softmax done by a team of one (what the host gives each row), by eight threads that share a row, and by 32 that
// stride through it as a warp of a GPU does. All three print the same probabilities, each twice the one to its left: 1/15, 2/15,
// 4/15, 8/15. On a long row the teams add in different orders, and their answers differ by rounding and no more.
#include <midtrain/midtrain.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

namespace mt = midtrain;

// begin: softmax
/// y = exp(x - max(x)) / sum(exp(x - max(x))). One row a team.
struct softmax {
    mt::matrix_view<float const> x;  // (rows, width)
    mt::matrix_view<float>       y;  // (rows, width)

    // A team offers two verbs. Every member of the team calls them in the same order, and all have met when they return.
    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, mt::index_t r) const {
        auto const  in = x.row(r);
        auto const  out = y.row(r);
        auto const  n = x.columns;
        float const top = team.reduce(n, mt::largest{}, [=](mt::index_t i) { return in[i]; });
        team.each(n, [=](mt::index_t i) { out[i] = mt::exponential(in[i] - top); });
        float const total = team.reduce(n, mt::sum{}, [=](mt::index_t i) { return out[i]; });
        team.each(n, [=](mt::index_t i) { out[i] /= total; });
    }
};
// end: softmax

template <class Device>
std::vector<float> run(Device&& device, std::vector<float> const& x, mt::index_t width) {
    std::vector<float> y(x.size());
    auto const         rows = static_cast<mt::index_t>(x.size()) / width;
    device.rows(rows, softmax{.x = mt::as_matrix(x.data(), rows, width), .y = mt::as_matrix(y.data(), rows, width)});
    return y;
}

int main() {
    float const              two = std::log(2.0f);
    std::vector<float> const small{0, two, 2 * two, 3 * two};
    auto const               print = [](char const* who, std::vector<float> const& y) {
        std::printf("%-16s", who);
        for (float p : y) std::printf("%8.4f", p);
        std::printf("\n");
    };
    print("a team of one", run(mt::host{1}, small, 4));
    print("eight threads", run(mt::crowd{8}, small, 4));
    print("a warp of 32", run(mt::crowd{32}, small, 4));

    std::vector<float> large(8 * 1000);
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = 8 * static_cast<float>(mt::random_stream{1, 1}.uniform(i));
    auto const one = run(mt::host{2}, large, 1000), eight = run(mt::crowd{8}, large, 1000), again = run(mt::crowd{8}, large, 1000);
    float      apart = 0;
    for (std::size_t i = 0; i < one.size(); ++i) apart = std::max(apart, std::abs(one[i] / eight[i] - 1));
    std::printf("8 rows of 1000: one and eight agree to a millionth: %s\n", apart < 1e-6f ? "yes" : "no");
    std::printf("the same team gives the same bits again: %s\n", eight == again ? "yes" : "no");
}
// Change next: write `team.leads() ? team.reduce(...) : 1.0f`, so that one member alone calls the last reduce. The host does not notice,
// since a team of one always leads; the crowd waits for ever, as a block of a GPU would. That is what the crowd is for.
//
// expected output:
//   a team of one     0.0667  0.1333  0.2667  0.5333
//   eight threads     0.0667  0.1333  0.2667  0.5333
//   a warp of 32      0.0667  0.1333  0.2667  0.5333
//   8 rows of 1000: one and eight agree to a millionth: yes
//   the same team gives the same bits again: yes
