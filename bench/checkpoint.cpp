// What a checkpoint costs the loop: the same steps without one, with one written beside them, and with one that they wait for, in turns.
// One JSON line: seconds lost by a save, and their share at the default of one every 120 seconds.
//   bench_checkpoint [FOLDER=bench_checkpoint.run] [--rounds N]
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/checkpoints.hpp>

namespace mt = midtrain;

namespace {

struct llama15m : mt::decoder_shape {
    static constexpr int layers = 6, width = 288, heads = 6, kv_heads = 6, ffn = 768, vocab = 32'000, context = 1024;
};
using model_type = mt::trainable<mt::host, mt::model::llama, llama15m, mt::fp32>;
using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point start) { return std::chrono::duration<double>(clock_type::now() - start).count(); }

/// Seconds of so many steps, after `begin()` and with `end()`.
template <class Begin, class End>
double measure(model_type& model, mt::adamw const& optimizer, int steps, Begin const& begin, End const& end) {
    constexpr mt::index_t     length = 256;
    std::vector<std::int32_t> ids(length), positions(length), first(length, 0);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        ids[i]       = static_cast<std::int32_t>(mt::random_stream{1, 1}.bits(i) % llama15m::vocab);
        positions[i] = static_cast<std::int32_t>(i);
    }
    mt::token_batch const batch{{ids.data(), length}, {ids.data(), length}, {positions.data(), length}, {first.data(), length}, 1, length, double{length}};
    std::vector<float>    loss(length);
    auto const            start = clock_type::now();
    begin();
    for (int step = 1; step <= steps; ++step) {
        model.zero_gradient();
        model.accumulate(batch, {loss.data(), length});
        mt::step_scalars s;
        s.rate = 1e-5, s.step = step, s.clip_factor = std::min(1.0, 1.0 / (model.gradient_norm() + 1e-6));
        model.apply(optimizer, s);
    }
    end();
    return seconds_since(start);
}
double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    std::string folder = "bench_checkpoint.run";
    int         rounds = 5;
    for (int i = 1; i < argc; ++i)
        if (std::string(argv[i]) == "--rounds" && i + 1 < argc) rounds = std::max(1, std::atoi(argv[++i]));
        else folder = argv[i];
    mt::host   device;
    model_type model(device, {});
    model.initialise(1);
    model.set_rotary(256, mt::rope{.base = 1e4, .length = 256});
    mt::adamw const optimizer;
    model.prepare(optimizer);
    mt::checkpoints beside(mt::checkpoints::options{.folder = folder + "/beside"}), waited(mt::checkpoints::options{.folder = folder + "/waited", .background = false});
    mt::run_state   state;
    auto const      nothing = [] {};
    double const    step    = measure(model, optimizer, 2, nothing, nothing) / 2;
    int const       steps   = std::max(2, static_cast<int>(4 / step));
    std::vector<double> beside_lost, waited_lost, stopped;
    for (int k = 0; k <= rounds; ++k) {
        ++state.step, ++state.step_in_stage, state.record.push_back(0), state.norms.push_back(0);
        double       copied  = 0;
        double const without = measure(model, optimizer, steps, nothing, nothing);
        double const a       = measure(model, optimizer, steps, [&] {
            auto const start = clock_type::now();
            beside.save(state, model);
            copied = seconds_since(start);
        }, [&] { beside.wait(); });
        double const b = measure(model, optimizer, steps, [&] { waited.save(state, model); }, nothing);
        if (k == 0) continue;  // the copy's memory is new
        beside_lost.push_back(a - without), waited_lost.push_back(b - without), stopped.push_back(copied);
    }
    std::printf("{\"case\": \"llama15m\", \"megabytes\": %.0f, \"beside_stops\": %.3f, \"beside_loses\": %.3f, \"waited_loses\": %.3f, "
                "\"beside_percent_of_120s\": %.2f, \"waited_percent_of_120s\": %.2f}\n",
                static_cast<double>(model.parameters().size()) * 12 / 1e6, median(stopped), median(beside_lost), median(waited_lost),
                median(beside_lost) / 1.2, median(waited_lost) / 1.2);
    std::filesystem::remove_all(folder);
}
