// The matrix product of training, 512 x 1536 x 576: the best of many tries, so that other programs on the machine count little.
//   bench_product [TRIES] [THREADS]      on one thread unless told; compare builds with -DMIDTRAIN_GEMM=own, onednn, cblas
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/exec/host/probe.hpp>

int main(int argc, char** argv) {
    int const               tries = argc > 1 ? std::atoi(argv[1]) : 20;
    midtrain::host          device(argc > 2 ? std::atoi(argv[2]) : 1);
    midtrain::product_rates best;
    for (int i = 0; i < tries; ++i) {
        auto const r = midtrain::probe_products(device);
        best         = {std::max(best.fp32, r.fp32), std::max(best.bf16, r.bf16)};
    }
    std::printf("{\"fp32_gflops\": %.1f, \"bf16_gflops\": %.1f}\n", best.fp32 * 1e-9, best.bf16 * 1e-9);
}
