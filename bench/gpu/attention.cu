// Attention of Qwen2.5-0.5B's shape (14 heads on 2, of 64) over 32768 tokens in bfloat16, sequences of 1024 to 32768: forward and backward
// as a step asks for them, beside cuDNN's same graphs called bare, and beside tiles. One JSON line a case.
//   bench_gpu_attention [rounds (7)] [TFLOP/s (989)] [GB/s (4800)]
// The floor is the larger of 4 operations (backward: 10) a visible score and value of a head over the first rate, and of each tensor once
// over the second: those of an H200's data sheet, unless measured ones are given.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/run.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

constexpr index_t tokens = 32'768, heads = 14, kv_heads = 2, size = 64, columns = (heads + 2 * kv_heads) * size, outputs = heads * size;

/// Milliseconds of one call: the median of rounds, each long enough for the clock of a GPU.
template <class F>
double milliseconds(mt::cuda& device, int rounds, F const& f) {
    cudaEvent_t begin, end;
    mt::detail::cuda_check(cudaEventCreate(&begin), "cudaEventCreate");
    mt::detail::cuda_check(cudaEventCreate(&end), "cudaEventCreate");
    std::vector<double> found;
    int                 calls = 1;
    for (int k = -2; k < rounds; ++k) {
        mt::detail::cuda_check(cudaEventRecord(begin, device.stream()), "cudaEventRecord");
        for (int c = 0; c < calls; ++c) f();
        mt::detail::cuda_check(cudaEventRecord(end, device.stream()), "cudaEventRecord");
        device.wait();
        float ms = 0;
        mt::detail::cuda_check(cudaEventElapsedTime(&ms, begin, end), "cudaEventElapsedTime");
        if (k == -1) calls = std::clamp(static_cast<int>(50 / std::max(ms, 0.01f)), 1, 200);
        if (k >= 0) found.push_back(ms / calls);
    }
    cudaEventDestroy(begin), cudaEventDestroy(end);
    std::sort(found.begin(), found.end());
    return found[found.size() / 2];
}

struct memory {
    mt::cuda_buffer<mt::bf16>     qkv, output, slope, gradient;
    mt::cuda_buffer<float>        log_sum, dot;
    mt::cuda_buffer<std::int32_t> begin;

    explicit memory(mt::cuda& d)
        : qkv(values(d, tokens * columns, 1)), output(d.make<mt::bf16>(tokens * outputs)), slope(values(d, tokens * outputs, 2)),
          gradient(d.make<mt::bf16>(tokens * columns)), log_sum(d.make<float>(heads * tokens)), dot(d.make<float>(heads * tokens)),
          begin(d.make<std::int32_t>(tokens)) {}

    static mt::cuda_buffer<mt::bf16> values(mt::cuda& d, index_t n, std::uint64_t seed) {
        std::vector<mt::bf16> v(static_cast<std::size_t>(n));
        for (std::size_t i = 0; i < v.size(); ++i) v[i] = mt::bf16(static_cast<float>(mt::random_stream{seed, 0}.uniform(i) - 0.5));
        auto b = d.make<mt::bf16>(n);
        d.upload(v.data(), b.view());
        return b;
    }
    mt::attention_gradient_problem<mt::bf16> problem(index_t length, bool knows_documents) const {
        mt::attention_problem<mt::bf16> const p{
            .qkv = mt::as_matrix<mt::bf16 const>(qkv.view().data, tokens, columns), .document_begin = begin.view(),
            .output = mt::as_matrix(output.view().data, tokens, outputs), .log_sum = mt::as_matrix(log_sum.view().data, heads, tokens),
            .sequences = tokens / length, .length = length, .heads = heads, .kv_heads = kv_heads, .head_size = size, .scale = 0.125f,
            .documents = knows_documents ? tokens / length : 0};
        return {p, mt::as_matrix<mt::bf16 const>(slope.view().data, tokens, outputs), mt::as_matrix(gradient.view().data, tokens, columns),
                mt::as_matrix(dot.view().data, heads, tokens)};
    }
};

/// cuDNN's graph of the same form, with a table that is made once.
class bare {
  public:
    bare(mt::cuda& d, mt::attention_gradient_problem<mt::bf16> const& g, bool backward) : ways_(d.attention()) {
        auto const& p = g.forward;
        if (!ways_.fused() || !mt::detail::fused_form(size_of(p, backward), ways_.repeatable, f_).empty()) return;
        auto const& found = ways_.fused()->find(f_);
        if (!found.refused.empty() || found.workspace > index_t{64} << 30) return;
        std::vector<std::int64_t> begins;
        for (index_t s = 0; s <= f_.batch; ++s) begins.push_back(s * p.length);
        offsets_ = d.make<std::int64_t>(f_.batch + 1);
        d.upload(begins.data(), offsets_.view());
        scale_ = d.make<float>(1);
        d.upload(&p.scale, scale_.view());
        work_ = d.make<std::byte>(found.workspace);
        m_ = {.query = p.qkv.data, .key = p.qkv.data + p.key_column(0), .value = p.qkv.data + p.value_column(0), .lengths = nullptr,
              .scale = scale_.view().data, .qkv_offsets = nullptr, .output_offsets = nullptr, .log_sum_offsets = offsets_.view().data,
              .key_offsets = nullptr, .value_offsets = nullptr, .output = p.output.data, .log_sum = p.log_sum.data,
              .output_gradient = g.output_gradient.data, .query_gradient = g.qkv_gradient.data,
              .key_gradient = g.qkv_gradient.data + p.key_column(0), .value_gradient = g.qkv_gradient.data + p.value_column(0),
              .workspace = work_.view().data};
        serves_ = true;
    }
    bool serves() const { return serves_; }
    void operator()() const { ways_.fused()->run(f_, m_); }

  private:
    mt::attention_ways&           ways_;
    mt::fused_attention_form      f_{};
    mt::fused_attention_memory    m_{};
    mt::cuda_buffer<std::int64_t> offsets_;
    mt::cuda_buffer<float>        scale_;
    mt::cuda_buffer<std::byte>    work_;
    bool                          serves_ = false;
};

std::string number(double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", x);
    return std::isnan(x) ? "null" : text;
}

void measure(mt::cuda& device, memory const& m, index_t length, bool backward, bool repeatable, int rounds, double rate, double bandwidth) {
    device.attention().repeatable = repeatable;
    auto const g = m.problem(length, true), t = m.problem(length, false);
    auto const go = [&](auto const& p) {
        return milliseconds(device, rounds, [&] { backward ? mt::run(device, p) : mt::run(device, p.forward); });
    };
    mt::run(device, g.forward);  // what backward reads
    double const ours = go(g), tiles = go(t);
    bare const   fused(device, g, backward);
    double const alone = fused.serves() ? milliseconds(device, rounds, fused) : NAN;
    double const scores = double(tokens) * (double(length) + 1) / 2 * heads, operations = scores * size * (backward ? 10 : 4);
    double const bytes = tokens * (backward ? 4.0 * (columns + outputs) + 4.0 * heads : 2.0 * (columns + outputs) + 4.0 * heads);
    double const floor = 1e3 * std::max(operations / (rate * 1e12), bytes / (bandwidth * 1e9));
    std::printf("{\"case\": \"attention_%s\", \"length\": %lld, \"sequences\": %lld, \"repeatable\": %s, \"way\": \"%s\", \"ms\": %s, ",
                backward ? "backward" : "forward", static_cast<long long>(length), static_cast<long long>(tokens / length),
                repeatable ? "true" : "false", plan_of(device, size_of(g.forward, backward)).way.c_str(), number(ours).c_str());
    std::printf("\"cudnn_bare_ms\": %s, \"share_of_bare\": %s, \"tiled_ms\": %s, \"floor_ms\": %s, \"tflops\": %s, \"workspace_mb\": "
                "%lld}\n",
                number(alone).c_str(), number(alone / ours).c_str(), number(tiles).c_str(), number(floor).c_str(),
                number(operations / (ours * 1e9)).c_str(), static_cast<long long>(device.attention().workspace_bytes() >> 20));
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    int const    rounds = argc > 1 ? std::atoi(argv[1]) : 7;
    double const rate = argc > 2 ? std::atof(argv[2]) : 989, bandwidth = argc > 3 ? std::atof(argv[3]) : 4800;
    try {
        for (index_t length = 1024; length <= tokens; length *= 2)
            for (bool backward : {false, true})
                for (bool repeatable : {true, false}) {
                    if (!backward && !repeatable) continue;
                    mt::cuda     device;
                    memory const m(device);
                    measure(device, m, length, backward, repeatable, rounds, rate, bandwidth);
                }
    } catch (mt::error const& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 2;
    }
}
