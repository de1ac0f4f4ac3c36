// What measuring the gradient noise scale costs a step: the same steps with and without, in turns, in processor seconds, which other
// programs do not change much. One JSON line: seconds of a step without, and the share that measuring adds where every step is measured.
//   bench_noise [--rounds N] [--length TOKENS]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <span>
#include <string>
#include <vector>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/noise_meter.hpp>
#include <midtrain/train/step.hpp>

namespace mt = midtrain;

namespace {

struct llama15m : mt::decoder_shape {
    static constexpr int layers = 6, width = 288, heads = 6, kv_heads = 6, ffn = 768, vocab = 32'000, context = 1024;
};
using model_type = mt::trainable<mt::host, mt::model::llama, llama15m, mt::fp32>;

struct store {
    std::vector<std::int32_t> text;
    std::int64_t                     documents() const { return 1; }
    std::vector<std::int32_t> const& document(std::int64_t) const { return text; }
};
struct measured {
    mt::noise_meter<model_type>& meter;
    model_type&                  model;
    mt::self&                    ranks;

    void enter(mt::step_phase) const {}
    template <class Store>
    void part(mt::batches<Store> const& b, mt::index_t first, mt::index_t count) const { meter.part(model, b, first, count); }
    bool looks_at_parts() const { return true; }
    bool accepts(mt::step_result const&) const { return meter.sum(ranks), true; }
};
double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    int         rounds = 9;
    mt::index_t length = 512;
    for (int i = 1; i + 1 < argc; i += 2)
        if (std::string(argv[i]) == "--rounds") rounds = std::max(1, std::atoi(argv[i + 1]));
        else if (std::string(argv[i]) == "--length") length = std::clamp(std::atol(argv[i + 1]), 8L, 1024L);
    mt::host   device(1);
    model_type model(device, {});
    mt::self   ranks;
    model.initialise(1);
    model.set_rotary(length, mt::rope{.base = 1e4, .length = 1024});
    mt::adamw const optimizer;
    model.prepare(optimizer);
    std::vector<store> stores(1);
    for (std::uint64_t i = 0; i < 20'000; ++i) stores[0].text.push_back(static_cast<std::int32_t>(mt::random_stream{1, 1}.bits(i) % llama15m::vocab));
    mt::batches<store>  drawn{std::span<store const>(stores), 0, 1, 4, length, 1000};
    mt::step_result     result;
    std::vector<mt::step_part> parts;
    std::vector<double> plain, with;
    mt::noise_meter<model_type> off, on;
    on.measure(model, {.every = 1});
    for (int k = 0; k < 2 * rounds + 2; ++k) {
        auto& meter = k % 2 ? on : off;
        drawn.draw([](std::int64_t, std::span<double> w) { w[0] = 1; });
        auto const start = std::clock();
        meter.begin(model, 1, 1);
        mt::take_step(ranks, model, optimizer, drawn, {.rate = 1e-5, .step = k + 1}, parts, result, measured{meter, model, ranks});
        double const seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
        if (k > 1) (k % 2 ? with : plain).push_back(seconds);
    }
    std::printf("{\"bench\":\"noise\",\"tokens\":%lld,\"micro_batches\":4,\"step_seconds\":%.4f,\"added\":%.4f}\n", static_cast<long long>(4 * length),
                median(plain), median(with) / median(plain) - 1);
}
