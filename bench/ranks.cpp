// What several ranks cost and save: threads that train one model of 24 million weights on equal shares of the same batches, with the whole
// memory of the optimizer each and with their slices of it. One JSON line a case: bytes that a rank keeps, bytes that its exchanges move by
// the rule of reduce_scatter and all_gather, and the milliseconds of a step, the best of some; the bits of the weights must be the same.
//   bench_ranks [--steps N=2]
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>
#include <midtrain/comm/threads.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/batches.hpp>
#include <midtrain/train/step.hpp>
#include <support/striding_store.hpp>

namespace mt = midtrain;

namespace {

struct llama24m : mt::decoder_shape {
    static constexpr int  layers = 6, width = 288, heads = 6, kv_heads = 6, ffn = 768, vocab = 32'000, context = 128;
    static constexpr bool tied = false;
};
using model_type = mt::trainable<mt::host, mt::model::llama, llama24m, mt::bf16_mixed>;

struct figures {
    long long    weights = 0, gradient = 0, optimizer = 0;
    double       milliseconds = 1e30;
    std::uint64_t bits = 0;
};

figures measure(mt::threads& ranks, bool shard, int steps) {
    mt::host   device(1);
    model_type model(device, {});
    model.initialise(1);
    model.set_rotary(128, mt::rope{.base = 1e4, .length = 128});
    mt::share_slots(ranks, model, {.shard = shard, .bucket = 1 << 20});
    mt::adamw const optimizer{};
    model.prepare(optimizer);
    std::vector<test::striding_store> const stores{test::striding_store(3)};
    mt::batches<test::striding_store> drawn(std::span<test::striding_store const>(stores), 95, 1, 4, 128, 4 * steps);
    std::vector<mt::step_part>        parts;
    mt::step_result                   result;
    figures                           f;
    for (int n = 1; n <= steps; ++n) {
        drawn.draw([](std::int64_t, std::span<double> w) { w[0] = 1; });
        auto const start = std::chrono::steady_clock::now();
        mt::take_step(ranks, model, optimizer, drawn, {.rate = 1e-3, .step = n, .micro_batch = 1, .bucket = 1 << 20}, parts, result);
        std::chrono::duration<double, std::milli> const took = std::chrono::steady_clock::now() - start;
        f.milliseconds = std::min(f.milliseconds, took.count());
    }
    long long const n = model.parameters().size();
    f.weights   = n * static_cast<long long>(sizeof(model_type::master_t) + sizeof(model_type::stored));
    f.gradient  = n * static_cast<long long>(sizeof(model_type::computed));
    f.optimizer = model.slots().size() * static_cast<long long>(sizeof(model_type::computed));
    for (auto w : model.master()) {
        std::uint32_t one;
        std::memcpy(&one, &w, sizeof one);
        f.bits = f.bits * 1099511628211ull + one;
    }
    return f;
}

}  // namespace

int main(int argc, char** argv) {
    int const steps = argc > 2 && std::strcmp(argv[1], "--steps") == 0 ? std::atoi(argv[2]) : 2;
    for (int ranks : {1, 2, 4}) {
        std::uint64_t bits = 0;
        for (bool shard : {false, true}) {
            figures f;
            mt::on_ranks(ranks, [&](mt::threads& me) {
                auto const mine = measure(me, shard, steps);
                if (me.rank() == 0) f = mine;
            });
            if (shard && f.bits != bits) return std::fprintf(stderr, "other bits\n"), 1;
            bits = f.bits;
            double const share = static_cast<double>(ranks - 1) / ranks, each = static_cast<double>(f.gradient) * share;
            std::printf("{\"ranks\": %d, \"sharded\": %s, \"weight_bytes\": %lld, \"gradient_bytes\": %lld, \"optimizer_bytes\": %lld, "
                        "\"moved_bytes\": %.0f, \"step_ms\": %.0f}\n",
                        ranks, shard ? "true" : "false", f.weights, f.gradient, f.optimizer, 2 * each, f.milliseconds);
            std::fflush(stdout);
        }
    }
}
