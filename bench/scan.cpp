// The selective scan of one sequence in float on one thread, forward and with its gradient, as a line of JSON: tokens a second, and beside
// them what the machine would reach if only the exponentials counted, or only the bytes.
//   bench_scan [CHANNELS] [STATES] [LENGTH]
#include <time.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>
#include <midtrain/core/fast_exp.hpp>
#include <midtrain/exec/host/host.hpp>
#include <support/scan_case.hpp>

namespace mt = midtrain;

namespace {

/// Of the thread's own time, the best of many tries: other programs on the machine count little.
template <class F>
double seconds(F&& f) {
    auto const now = [] {
        timespec t;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
    };
    double best = 1e9;
    for (int k = 0; k < 10; ++k) {
        double const start = now();
        f();
        best = std::min(best, now() - start);
    }
    return best;
}
/// Exponentials a second of a loop that does nothing else, over values that lie in the first cache.
double exponentials() {
    std::vector<float> x(4096, -0.3f), y(4096);
    double const       s = seconds([&] {
        for (int k = 0; k < 1000; ++k) {
            x[static_cast<std::size_t>(k)] = -0.1f;
            for (std::size_t i = 0; i < x.size(); ++i) y[i] = mt::fast_exp(x[i]);
        }
    });
    return 4096e3 / s + (y[7] > 2 ? 1 : 0);
}
/// Bytes a second of a copy that fits no cache, read and written.
double bytes() {
    std::vector<float> x(32 << 20, 1.0f), y(32 << 20);
    double const       s = seconds([&] { std::copy(x.begin(), x.end(), y.begin()); });
    return 8.0 * static_cast<double>(x.size()) / s + (y[9] > 2 ? 1 : 0);
}

}  // namespace

int main(int argc, char** argv) {
    auto const     number = [&](int i, long absent) { return argc > i ? std::atol(argv[i]) : absent; };
    mt::index_t const channels = number(1, 1536), states = number(2, 16), length = number(3, 1024);
    mt::host       device(1);
    test::scan_case<float, mt::host> s(device, 1, length, 1, channels, states, {0});
    auto const     p = s.problem((length + 31) / 32);
    auto const     g = s.gradient(p);
    double const   forward = seconds([&] { mt::plain(device, p); }), both = forward + seconds([&] { mt::plain(device, g); });
    double const   tokens = static_cast<double>(length), exp = exponentials(), copy = bytes();
    // An exponential a state forward and another backward; input, step, gate and output once, and in backward these, their gradients and the
    // gradient of the output.
    double const per_token = static_cast<double>(channels * states), row = 4.0 * static_cast<double>(channels);
    std::printf("{\"channels\": %ld, \"states\": %ld, \"length\": %ld, \"forward_tokens_s\": %.0f, \"both_tokens_s\": %.0f, "
                "\"forward_by_exponentials\": %.0f, \"both_by_exponentials\": %.0f, \"forward_by_bytes\": %.0f, \"both_by_bytes\": %.0f}\n",
                static_cast<long>(channels), static_cast<long>(states), static_cast<long>(length), tokens / forward, tokens / both, exp / per_token,
                exp / (2 * per_token), copy / (4 * row), copy / (12 * row));
}
