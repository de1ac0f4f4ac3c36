// Training steps of one case through the trainer, as a program of a user does them; a JSON line first and one a round.
//   bench_gpu_train CASE [--precision bf16|fp32] [--rounds N] [--steps N] [--micro N] [--threads N] [--length N] [--width N] [--wait] [--trace] [--no-graphs]
//   CASE: one of cases(), below; of no use but to try the program are tiny_gpt2, tiny_llama
// --length, --width: the case with sequences of that length, one of them, or a Llama of that width with heads of 64. --wait: each round begins when a line comes, so that bench/gpu/run and bench/host/run take turns with a rival. --trace: what the time of a step goes to.
// One source for both: g++ makes it a program of the host, nvcc one of a GPU.
#include <sys/resource.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>
#ifdef __CUDACC__
#include <midtrain/cuda.cuh>
#include <gpu/cuda_clock.cuh>
#else
#include <midtrain/midtrain.hpp>
#include <gpu/host_clock.hpp>
#endif
#include <gpu/traced_device.hpp>
#include <midtrain/io/hf_config.hpp>

namespace mt = midtrain;

namespace {

#ifdef __CUDACC__
using device_type = bench::traced<mt::cuda, bench::cuda_clock>;
constexpr auto device_name = "cuda";

double used_memory_mb() {
    std::size_t free = 0, total = 0;
    mt::detail::cuda_check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    return static_cast<double>(total - free) / 1048576.0;
}
#else
using device_type = bench::traced<mt::host, bench::host_clock>;
constexpr auto device_name = "host";

double used_memory_mb() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_maxrss) / 1024.0;
}
#endif

struct wishes {
    std::string name, precision = "bf16";
    int         rounds = 7, steps = 10, micro = 0, threads = 0, length = 0, width = 0;
    bool        wait = false, trace = false, graphs = true;
};

/// bench/rivals/torch_train.py has the same.
struct bench_case {
    char const*        name;
    bool               gpt2;
    mt::io::hf_config  shape;
    int                sequences, length;
};
std::vector<bench_case> cases() {
    auto const gpt2 = [](int layers, int width, int heads, int vocab, int context) {
        return mt::io::hf_config{.path = {}, .family = mt::io::hf_family::gpt2, .layers = layers, .width = width, .heads = heads, .kv_heads = heads,
                                 .head_size = width / heads, .ffn = 4 * width, .vocab = vocab, .context = context, .end_token = vocab - 1, .tied = true,
                                 .norm_epsilon = 1e-5};
    };
    auto const llama = [](int layers, int width, int heads, int kv_heads, int ffn, int vocab, int context) {
        return mt::io::hf_config{.path = {}, .family = mt::io::hf_family::llama, .layers = layers, .width = width, .heads = heads, .kv_heads = kv_heads,
                                 .head_size = width / heads, .ffn = ffn, .vocab = vocab, .context = context, .end_token = vocab - 1, .tied = true,
                                 .norm_epsilon = 1e-5, .rope_base = 1e5};
    };
    auto const qwen = [](int layers, int width, int heads, int kv_heads, int ffn, int vocab) {
        return mt::io::hf_config{.path = {}, .family = mt::io::hf_family::qwen2, .layers = layers, .width = width, .heads = heads, .kv_heads = kv_heads,
                                 .head_size = width / heads, .ffn = ffn, .vocab = vocab, .context = 32'768, .end_token = vocab - 1, .tied = true,
                                 .qkv_bias = true, .norm_epsilon = 1e-6, .rope_base = 1e6};
    };
    return {{"gpt2_124m", true, gpt2(12, 768, 12, 50'304, 1024), 32, 1024},
            {"qwen2_0.5b", false, qwen(24, 896, 14, 2, 4864, 151'936), 16, 1024},
            {"qwen2_1.5b", false, qwen(28, 1536, 12, 2, 8960, 151'936), 8, 2048},
            {"qwen2_0.5b_32k", false, qwen(24, 896, 14, 2, 4864, 151'936), 1, 32'768},
            {"llama15m", false, llama(6, 288, 6, 6, 768, 32'000, 1024), 16, 256},
            {"gpt2_124m_64", true, gpt2(12, 768, 12, 50'304, 1024), 4, 64},
            {"gpt2_124m_1024", true, gpt2(12, 768, 12, 50'304, 1024), 1, 1024},
            {"smollm2_135m", false, llama(30, 576, 9, 3, 1536, 49'152, 16'384), 1, 1024},
            {"smollm2_135m_8192", false, llama(30, 576, 9, 3, 1536, 49'152, 16'384), 1, 8192},
            {"tiny_gpt2", true, gpt2(2, 64, 4, 512, 64), 2, 64},
            {"tiny_llama", false, qwen(2, 64, 4, 2, 160, 512), 2, 64}};
}

/// Documents of random tokens, as long as a sequence.
struct noise {
    std::vector<std::vector<std::int32_t>> all;

    noise(int vocabulary, int length) {
        for (std::uint64_t d = 0; d < 64; ++d) {
            all.emplace_back();
            mt::random_stream const r{1, d};
            for (int i = 0; i + 1 < length; ++i) all.back().push_back(static_cast<std::int32_t>(r.bits(static_cast<std::uint64_t>(i)) % static_cast<unsigned>(vocabulary - 1)));
        }
    }
    std::size_t                      documents() const { return all.size(); }
    std::vector<std::int32_t> const& document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
};
template <class T>
struct sources {
    T noise;
};

/// Tells the rounds apart among the reports. The one after a round's first report begins the time, so that a device which runs ahead is well under
/// way; between rounds it has nothing to do.
class rounds {
  public:
    // Steps before the first round, and of each that are not counted: a device that runs ahead has no others to begin a round with.
    static constexpr int warm = mt::AheadDevice<device_type> ? 6 : 2, before = mt::AheadDevice<device_type> ? 2 : 0;

    rounds(wishes const& w, double tokens) : wishes_(&w), tokens_(tokens) {}
    int steps() const { return warm + wishes_->rounds * (before + wishes_->steps); }

    void report(device_type& device, double memory, std::int64_t parameters, mt::report const& r) {
        int const step = static_cast<int>(r.step) - warm, all = before + wishes_->steps;
        if (step < 0) return;
        if (step == 0) {
            std::printf("{\"ready\": \"%s\", \"program\": \"midtrain\", \"device\": \"%s\", \"precision\": \"%s\", \"parameters\": %lld, \"tokens_a_step\": %.0f, "
                        "\"memory_mb\": %.0f}\n", wishes_->name.c_str(), device_name, wishes_->precision.c_str(), static_cast<long long>(parameters), tokens_, memory);
            std::fflush(stdout);
        }
        if (before > 0 && step % all == before) begin_ = std::chrono::steady_clock::now();
        if (step % all != 0) return;
        if (step > 0) {
            double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count() / wishes_->steps;
            std::printf("{\"step_ms\": %.4f, \"tokens_per_second\": %.1f, \"loss\": %.4f%s}\n", 1e3 * seconds, tokens_ / seconds, r.loss, wishes_->trace ? shares(device, all).c_str() : "");
            std::fflush(stdout);
        }
        std::string line;
        if (wishes_->wait && step < steps() - warm) std::getline(std::cin, line);
        if (!device.repeats()) device.forget();
        if (before == 0) begin_ = std::chrono::steady_clock::now();
    }

  private:
    /// Of all that is stamped in a step.
    std::string shares(device_type& device, int steps) const {
        auto const   each = device.seconds();
        double const in   = device.repeats() ? 1 : steps;
        char         text[256];
        double       busy = 0;
        for (double s : each) busy += s / in;
        std::string all;
        for (std::size_t k = 0; k < each.size(); ++k) {
            std::snprintf(text, sizeof text, ", \"%s\": %.4f", bench::work_names[k], each[k] / in / busy);
            all += text;
        }
        std::snprintf(text, sizeof text, ", \"busy_ms\": %.4f, \"operations\": %.0f, \"graph\": %s", 1e3 * busy, static_cast<double>(device.operations()) / in,
                      device.repeats() ? "true" : "false");
        return all + text;
    }
    wishes const*                         wishes_;
    double                                tokens_;
    std::chrono::steady_clock::time_point begin_;
};

template <class Family, class Precision, class Device = device_type>
void measure(bench_case const& c, wishes const& w) {
    auto         device = [&] {
        if constexpr (std::is_constructible_v<Device, int> && !mt::AheadDevice<Device>) return Device(w.threads);
        else return Device();
    }();
    double const before = used_memory_mb();
    if constexpr (requires { device.capture(true); }) device.capture(w.graphs);
    if (w.trace) device.trace();
    mt::self                                                    ranks;
    mt::trainable<Device, Family, mt::io::hf_config, Precision> model(device, c.shape);
    model.initialise(1);
    mt::index_t const tokens = mt::index_t{c.sequences} * c.length;
    rounds            all(w, static_cast<double>(tokens));
    auto const        recipe = mt::judged(
        mt::recipe{.optimizer = mt::adamw{.beta2 = 0.95, .decay = 0.1},
                   .stages    = mt::stages{mt::stage{.name     = "steps",
                                                     .budget   = mt::tokens{all.steps() * tokens},
                                                     .mixture  = mt::fixed_mixture<sources>{.share = {.noise = 1}},
                                                     .rate     = mt::constant{1e-4},
                                                     .batch    = {.sequences = c.sequences, .length = c.length, .micro = w.micro > 0 ? w.micro : c.sequences},
                                                     .position = mt::rope{.base = c.shape.rope_base, .length = c.shape.context}}}},
        c.shape);
    mt::trainer trainer(ranks, model, recipe);
    if constexpr (mt::AheadDevice<Device>) trainer.run_ahead();
    trainer.run(sources<noise>{.noise{c.shape.vocab, c.length}},
                [&](mt::report const& r) { all.report(device, used_memory_mb() - before, model.parameters().size(), r); });
}

}  // namespace

int main(int argc, char** argv) try {
    wishes w{.name = argc > 1 ? argv[1] : ""};
    for (int i = 2; i < argc; ++i) {
        std::string const word = argv[i];
        bool const        more = i + 1 < argc;
        if (word == "--wait") w.wait = true;
        else if (word == "--trace") w.trace = true;
        else if (word == "--no-graphs") w.graphs = false;
        else if (word == "--rounds" && more) w.rounds = std::max(1, std::atoi(argv[++i]));
        else if (word == "--steps" && more) w.steps = std::max(1, std::atoi(argv[++i]));
        else if (word == "--micro" && more) w.micro = std::atoi(argv[++i]);
        else if (word == "--threads" && more) w.threads = std::atoi(argv[++i]);
        else if (word == "--length" && more) w.length = std::atoi(argv[++i]);
        else if (word == "--width" && more) w.width = std::atoi(argv[++i]);
        else if (word == "--precision" && more) w.precision = argv[++i];
        else return std::fprintf(stderr, "'%s' is not understood\n", argv[i]), 2;
    }
    for (auto c : cases())
        if (w.name == c.name) {
            if (w.length > 0) c.length = w.length, c.sequences = 1, c.shape.context = std::max(c.shape.context, w.length);
            if (w.width > 0) {
                if (c.gpt2 || w.width % 64 != 0) return std::fputs("--width is of a Llama, and a multiple of 64\n", stderr), 2;
                c.shape.width = w.width, c.shape.heads = c.shape.kv_heads = w.width / 64, c.shape.head_size = 64, c.shape.ffn = w.width / 64 * 192;
            }
            auto const in = [&]<class Precision>(Precision) {
                c.gpt2 ? measure<mt::model::gpt2, Precision>(c, w) : measure<mt::model::llama, Precision>(c, w);
            };
            if (w.precision == "fp32") return in(mt::fp32{}), 0;
            if (w.precision == "bf16") return in(mt::bf16_mixed{}), 0;
            return std::fputs("--precision is bf16 or fp32\n", stderr), 2;
        }
    std::fprintf(stderr, "no case '%s'; there are:", w.name.c_str());
    for (auto const& c : cases()) std::fprintf(stderr, " %s", c.name);
    return std::fputs("\n", stderr), 2;
} catch (mt::error const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
}
