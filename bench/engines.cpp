// Products of training by oneDNN and by our own packed tiles, in turns on all threads: a JSON line a shape, form and type with the median ratio of rates.
//   bench_engines [ROUNDS]      forms: nt y = x w^T, nn dx = dy w, tn dw += dy^T x; without oneDNN there is nothing to compare
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>
#include <midtrain/core/seconds_now.hpp>
#include <midtrain/exec/host/host.hpp>

namespace mt = midtrain;

#ifdef MIDTRAIN_WITH_ONEDNN
namespace {

template <class T, class C>
void compare(char const* type, char const* form, mt::index_t m, mt::index_t n, mt::index_t k, int rounds) {
    mt::thread_pool pool(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
    mt::host        device;
    bool const      at = form[0] == 't', bt = form[1] == 't';
    auto const      a = device.make<T>(m * k), b = device.make<T>(n * k);
    auto const      c = device.make<C>(m * n);
    for (mt::index_t i = 0; i < m * k; ++i) a.view()[i] = T(static_cast<float>(i % 257) / 257 - 0.5f);
    for (mt::index_t i = 0; i < n * k; ++i) b.view()[i] = T(static_cast<float>(i % 263) / 263 - 0.5f);
    mt::gemm_problem<T, T, C> const p{.a = mt::as_matrix<T const>(a.view().data, at ? k : m, at ? m : k), .a_is = at ? mt::operand::transposed : mt::operand::plain,
                                      .b = mt::as_matrix<T const>(b.view().data, bt ? n : k, bt ? k : n), .b_is = bt ? mt::operand::transposed : mt::operand::plain,
                                      .c = mt::as_matrix(c.view().data, m, n), .accumulate = at};
    std::vector<double> own, ratio;
    for (int round = 0; round <= rounds; ++round) {
        double const first = mt::seconds_now();
        mt::detail::packed_product<T, T, C>::run(pool, p);
        double const second = mt::seconds_now();
        mt::detail::onednn_gemm<T, T, C>::run(pool, p);
        double const third = mt::seconds_now();
        if (round == 0) continue;  // both warm up
        own.push_back(second - first);
        ratio.push_back((third - second) / (second - first));
    }
    auto const middle = [](std::vector<double>& v) { return std::sort(v.begin(), v.end()), v[v.size() / 2]; };
    std::printf("{\"type\": \"%s\", \"form\": \"%s\", \"m\": %ld, \"n\": %ld, \"k\": %ld, \"own_gflops\": %.0f, \"own_over_onednn\": %.3f}\n", type, form,
                static_cast<long>(m), static_cast<long>(n), static_cast<long>(k), 2e-9 * static_cast<double>(m * n * k) / middle(own), middle(ratio));
}

}  // namespace

int main(int argc, char** argv) {
    int const rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 7;
    // tokens, outputs, inputs: GPT-2 124M, SmolLM2-135M, Llama 15M, and heads by chunks of 256 rows
    for (auto [t, o, i] : {std::array<mt::index_t, 3>{1024, 768, 768}, {1024, 3072, 768}, {1024, 768, 3072}, {256, 2304, 768}, {1024, 1536, 576}, {4096, 768, 288},
                           {4096, 1536, 288}, {256, 50'304, 768}, {256, 32'000, 288}}) {
        compare<float, float>("fp32", "nt", t, o, i, rounds);
        compare<float, float>("fp32", "nn", t, i, o, rounds);
        compare<float, float>("fp32", "tn", o, i, t, rounds);
        compare<mt::bf16, mt::bf16>("bf16", "nt", t, o, i, rounds);
        compare<mt::bf16, mt::bf16>("bf16", "nn", t, i, o, rounds);
        compare<mt::bf16, float>("bf16", "tn", o, i, t, rounds);
    }
}
#else
int main() { return std::fputs("bench_engines compares with oneDNN, which this build has not\n", stderr), 2; }
#endif
