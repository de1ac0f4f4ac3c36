// Ways that the host takes beside the plainer ones it has for the same problem, in turns on all threads: a JSON line a case with the median ratio of times.
//   bench_ways [ROUNDS]      attention of bfloat16 in matrix units (AMX) / in vector registers; AdamW in the longest registers / in the build's;
//                            zeros past the caches / through them
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>
#include <midtrain/core/seconds_now.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/elementwise_step.hpp>
#include <midtrain/precision/precision.hpp>

namespace mt = midtrain;

namespace {

/// Both once to warm up, then in turns.
template <class Tuned, class Plainer>
void compare(std::string const& what, int rounds, Tuned const& tuned, Plainer const& plainer) {
    std::vector<double> own, ratio;
    for (int round = 0; round <= rounds; ++round) {
        double const first = mt::seconds_now();
        tuned();
        double const second = mt::seconds_now();
        plainer();
        double const third = mt::seconds_now();
        if (round == 0) continue;
        own.push_back(second - first);
        ratio.push_back((third - second) / (second - first));
    }
    for (auto* v : {&own, &ratio}) std::sort(v->begin(), v->end());
    std::printf("{%s, \"ms\": %.2f, \"times_as_fast\": %.2f, \"least\": %.2f, \"most\": %.2f}\n", what.c_str(), 1e3 * own[own.size() / 2],
                ratio[ratio.size() / 2], ratio.front(), ratio.back());
}

#if MT_AMX_IS_KNOWN
void attention(mt::host& device, mt::thread_pool& pool, int rounds, mt::index_t sequences, mt::index_t length, mt::index_t heads, mt::index_t kv_heads, mt::index_t size) {
    mt::index_t const n = sequences * length, width = (heads + 2 * kv_heads) * size, out = heads * size;
    auto const        qkv = device.make<mt::bf16>(n * width), result = device.make<mt::bf16>(n * width), output = device.make<mt::bf16>(n * out), gradient = device.make<mt::bf16>(n * out);
    auto const        log_sum = device.make<float>(heads * n), dot = device.make<float>(heads * n);
    auto const        begin   = device.make<std::int32_t>(n);
    for (mt::index_t i = 0; i < n * width; ++i) qkv.view()[i] = mt::bf16(static_cast<float>(i % 257) / 64 - 2);
    for (mt::index_t i = 0; i < n * out; ++i) gradient.view()[i] = mt::bf16(static_cast<float>(i % 263) / 132 - 1);
    mt::attention_gradient_problem<mt::bf16> const p{
        {mt::as_matrix<mt::bf16 const>(qkv.view().data, n, width), begin.view(), mt::as_matrix(output.view().data, n, out), mt::as_matrix(log_sum.view().data, heads, n), sequences,
         length, heads, kv_heads, size, 1 / std::sqrt(static_cast<float>(size))},
        mt::as_matrix<mt::bf16 const>(gradient.view().data, n, out), mt::as_matrix(result.view().data, n, width), mt::as_matrix(dot.view().data, heads, n)};
    mt::detail::matrix_attention<>         units(pool);
    mt::detail::host_attention<mt::bf16>   vectors(pool);
    std::string const shape = ", \"sequences\": " + std::to_string(sequences) + ", \"length\": " + std::to_string(length) + ", \"heads\": " + std::to_string(heads) +
                              ", \"size\": " + std::to_string(size);
    compare("\"way\": \"attention forward\"" + shape, rounds, [&] { units.forward(p.forward); }, [&] { vectors.forward(p.forward); });
    compare("\"way\": \"attention backward\"" + shape, rounds, [&] { units.backward(p); }, [&] { vectors.backward(p); });
}
#endif

/// A functor that does not say how much it computes.
template <class F>
struct plainly {
    F functor;
    void operator()(mt::solo_team const& team, mt::index_t r) const { functor(team, r); }
};

void adamw(mt::host& device, int rounds, mt::index_t n) {
    auto const master = device.make<float>(n), gradient = device.make<float>(n), slots = device.make<float>(2 * n), decay = device.make<float>(n / 64);
    auto const stored  = device.make<mt::bf16>(n);
    auto const scalars = device.make<mt::step_scalars>(1);
    for (mt::index_t i = 0; i < n; ++i) master.view()[i] = 0.1f, gradient.view()[i] = 1e-3f * static_cast<float>(i % 100);
    scalars.view()[0] = {.rate = 1e-3};
    mt::adamw{}.prepare(scalars.view()[0]);
    using step = mt::elementwise_step<mt::adamw, mt::bf16_mixed>;
    step const f{mt::adamw{}, scalars.view().data, master.view(), stored.view(), {gradient.view().data, n}, slots.view(), {decay.view().data, n / 64}};
    compare("\"way\": \"AdamW\", \"weights\": " + std::to_string(n), rounds, [&] { device.rows(step::teams(n), f); }, [&] { device.rows(step::teams(n), plainly<step>{f}); });
}

}  // namespace

int main(int argc, char** argv) {
    int const       rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 9;
    int const       threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    mt::host        device(threads);
    mt::thread_pool pool(threads);
#if MT_AMX_IS_KNOWN
    // Llama 15M, GPT-2 124M twice, SmolLM2-135M
    if (mt::detail::amx::available())
        for (auto [s, t, h, kv, d] : {std::array<mt::index_t, 5>{16, 256, 6, 6, 48}, {4, 64, 12, 12, 64}, {1, 1024, 12, 12, 64}, {1, 1024, 9, 3, 64}})
            attention(device, pool, rounds, s, t, h, kv, d);
    else std::fputs("no matrix units here: attention is left out\n", stderr);
#endif
    adamw(device, rounds, mt::index_t{64} << 20);
    auto const gradient = device.make<float>(mt::index_t{124} << 20);  // GPT-2's
    compare("\"way\": \"zeros\", \"megabytes\": 496", rounds, [&] { device.run(mt::zero_problem<float>{gradient.view()}); },
            [&] { device.elements(gradient.size(), mt::op::fill<float>{gradient.view(), 0}); });
}
