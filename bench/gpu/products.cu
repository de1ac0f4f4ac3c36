// Products in bfloat16 and in eight bits of Qwen2.5-0.5B's and 1.5B's layers, products with GELU of GPT-2's, grouped ones of OLMoE's
// experts beside one dense product of as many rows, and selective scans of Mamba's. One JSON line a case.
//   bench_gpu_products [rounds (7)] [TFLOP/s (989)] [GB/s (4800)]
// The floor is the larger of the operations over the first rate (eight bits: twice that) and of each tensor once over the second: those of
// an H200's data sheet, unless measured ones are given. Of scans only the bytes.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/model/layer_product.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/precision/fp8.hpp>
#include <gpu/milliseconds.cuh>
#include <support/scan_case.hpp>

namespace mt = midtrain;
using mt::bf16;
using mt::index_t;
using mt::operand;
using mt::model::product_of;

namespace {

struct machine {
    int    rounds;
    double rate, bandwidth;
};

/// Random values, since zeros are multiplied faster.
mt::cuda_buffer<bf16> values(mt::cuda& d, index_t n, std::uint64_t seed) {
    std::vector<bf16> v(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = bf16(static_cast<float>(mt::random_stream{seed, 0}.uniform(i) - 0.5));
    auto b = d.make<bf16>(n);
    d.upload(v.data(), b.view());
    return b;
}
void report(machine const& of, char const* name, char const* form, double ms, double operations, double bytes, double rate,
            std::string const& more = "") {
    double const floor = 1e3 * std::max(operations / (rate * 1e12), bytes / (of.bandwidth * 1e9));
    std::printf("{\"case\": \"%s\", \"form\": \"%s\", \"ms\": %.5f, \"floor_ms\": %.5f, \"share_of_floor\": %.3f, \"tflops\": %.1f%s}\n",
                name, form, ms, floor, floor / ms, operations / (ms * 1e9), more.c_str());
    std::fflush(stdout);
}

constexpr char const* form_names[] = {"layer", "input_gradient", "weight_gradient"};

/// y = x w^T, dx = dy w and dw += dy^T x, as a layer asks for them; in eight bits the bytes are made anew, too.
template <mt::fp8_form fp8>
void layer(machine const& of, char const* name, index_t tokens, index_t outputs, index_t inputs) {
    mt::cuda   device;
    auto const x = values(device, tokens * inputs, 1), w = values(device, outputs * inputs, 2), dy = values(device, tokens * outputs, 3);
    auto const result   = device.make<bf16>(tokens * std::max(inputs, outputs));
    auto const gradient = device.make<float>(outputs * inputs);
    auto const memory   = device.make<std::byte>(index_t{8} * tokens * (inputs + outputs) + 16 * outputs * inputs + (64 << 20));
    auto const at       = [](mt::cuda_buffer<bf16> const& b, index_t rows, index_t columns) {
        return mt::as_matrix<bf16 const>(b.view().data, rows, columns);
    };
    mt::parameter_layout const layout{};
    for (auto what : {product_of::layer, product_of::input_gradient, product_of::weight_gradient}) {
        mt::pass<mt::cuda, mt::with_fp8<mt::bf16_mixed, fp8>> p{
            .device = device, .layout = layout, .weights = {}, .gradients = {}, .products = fp8};
        p.memory = mt::arena(memory.view());
        double const ms = bench::milliseconds(device, of.rounds, [&] {
            if (what == product_of::layer)
                multiply(p, what,
                            mt::gemm_problem<bf16, bf16, bf16>{.a    = at(x, tokens, inputs),
                                                               .b    = at(w, outputs, inputs),
                                                               .b_is = operand::transposed,
                                                               .c    = mt::as_matrix(result.view().data, tokens, outputs)});
            else if (what == product_of::input_gradient)
                multiply(p, what, mt::gemm_problem<bf16, bf16, bf16>{.a = at(dy, tokens, outputs), .b = at(w, outputs, inputs),
                                                                     .c = mt::as_matrix(result.view().data, tokens, inputs)});
            else
                multiply(p, what,
                            mt::gemm_problem<bf16, bf16, float>{.a          = at(dy, tokens, outputs),
                                                                .a_is       = operand::transposed,
                                                                .b          = at(x, tokens, inputs),
                                                                .c          = mt::as_matrix(gradient.view().data, outputs, inputs),
                                                                .accumulate = true});
        });
        bool const   wide  = what == product_of::weight_gradient;
        double const bytes = 2.0 * (double(tokens) * (inputs + outputs) + (wide ? 4.0 : 1.0) * double(outputs) * double(inputs));
        report(of, name, form_names[static_cast<int>(what)], ms, 2.0 * double(tokens) * double(outputs) * double(inputs), bytes,
               fp8.scaling == mt::fp8_scaling::none ? of.rate : 2 * of.rate);
    }
}
/// GPT-2's up projection with bias and GELU, and without.
void gelu(machine const& of) {
    constexpr index_t tokens = 32'768, inputs = 768, outputs = 3072;
    mt::cuda   device;
    auto const x = values(device, tokens * inputs, 1), w = values(device, outputs * inputs, 2), bias = values(device, outputs, 3);
    auto const y = device.make<bf16>(tokens * outputs), g = device.make<bf16>(tokens * outputs);
    mt::biased_gemm_problem<bf16> const p{.product = {.a    = mt::as_matrix<bf16 const>(x.view().data, tokens, inputs),
                                                      .b    = mt::as_matrix<bf16 const>(w.view().data, outputs, inputs),
                                                      .b_is = operand::transposed,
                                                      .c    = mt::as_matrix(y.view().data, tokens, outputs)},
                                          .bias    = bias.view(),
                                          .gelu    = mt::as_matrix(g.view().data, tokens, outputs)};
    double const operations = 2.0 * tokens * inputs * outputs,
                 bytes      = 2.0 * (double(tokens) * (inputs + 2 * outputs) + double(inputs) * outputs);
    bool const   fused = device.products().fused(p);
    report(of, "gpt2_up_gelu", fused ? "fused" : "apart", bench::milliseconds(device, of.rounds, [&] { mt::run(device, p); }), operations,
           bytes, of.rate);
    report(of, "gpt2_up_gelu", "one after the other", bench::milliseconds(device, of.rounds, [&] { mt::plain(device, p); }), operations,
           bytes, of.rate);
}
/// 64 experts of which eight a token; the largest has some three times the rows of the smallest.
void experts(machine const& of) {
    constexpr index_t experts = 64, rows = 8 * 4096, width = 2048, ffn = 2 * 1024;
    std::vector<std::int32_t> begin{0};
    for (index_t e = 0; e < experts; ++e)
        begin.push_back(e + 1 == experts
                            ? rows
                            : static_cast<std::int32_t>(
                                  begin.back() + rows / experts * (0.5 + mt::random_stream{7, 0}.uniform(static_cast<std::uint64_t>(e)))));
    begin.back() = rows;
    for (auto& b : begin) b = std::min<std::int32_t>(b, rows);
    mt::cuda   device;
    auto const x = values(device, rows * width, 1), w = values(device, experts * ffn * width, 2), dy = values(device, rows * ffn, 3);
    auto const y = device.make<bf16>(rows * std::max(ffn, width));
    auto const dw = device.make<float>(experts * ffn * width);
    auto const there = device.make<std::int32_t>(experts + 1);
    device.upload(begin.data(), there.view());
    auto const at  = [](mt::cuda_buffer<bf16> const& b, index_t r, index_t c) { return mt::as_matrix<bf16 const>(b.view().data, r, c); };
    auto const out = [&](index_t columns) { return mt::as_matrix(y.view().data, rows, columns); };
    double const operations = 2.0 * rows * width * ffn, bytes = 2.0 * (double(rows) * (width + ffn) + double(experts) * width * ffn);
    double const      dense = bench::milliseconds(device, of.rounds, [&] {
        device.gemm(mt::gemm_problem<bf16, bf16, bf16>{
                 .a = at(x, rows, width), .b = at(w, ffn, width), .b_is = operand::transposed, .c = out(ffn)});
    });
    std::string const more = ", \"dense_ms\": " + std::to_string(dense);
    report(of, "olmoe_experts", "layer",
           bench::milliseconds(device, of.rounds,
                               [&] {
                                   mt::run(device, mt::grouped_gemm_problem<bf16, bf16, bf16>{.a     = at(x, rows, width),
                                                                                              .b     = at(w, experts * ffn, width),
                                                                                              .b_is  = operand::transposed,
                                                                                              .c     = out(ffn),
                                                                                              .begin = there.view()});
                               }),
           operations, bytes, of.rate, more);
    report(of, "olmoe_experts", "input_gradient",
           bench::milliseconds(
               device, of.rounds,
               [&] {
                   mt::run(device, mt::grouped_gemm_problem<bf16, bf16, bf16>{
                                       .a = at(dy, rows, ffn), .b = at(w, experts * ffn, width), .c = out(width), .begin = there.view()});
               }),
           operations, bytes, of.rate, more);
    report(of, "olmoe_experts", "weight_gradient", bench::milliseconds(device, of.rounds, [&] {
        mt::run(device, mt::grouped_outer_problem<bf16, bf16, float>{at(dy, rows, ffn), at(x, rows, width),
                                                                     mt::as_matrix(dw.view().data, experts * ffn, width), there.view()});
    }), operations, bytes + 6.0 * double(experts) * width * ffn, of.rate, more);
}
void scan(machine const& of, char const* name, index_t sequences, index_t length, index_t channels) {
    mt::cuda                        device;
    test::scan_case<bf16, mt::cuda> s(device, sequences, length, 1, channels, 16, {0});
    auto const   p = s.problem((length + 31) / 32);
    auto const   g = s.gradient(p);
    double const forward = bench::milliseconds(device, of.rounds, [&] { mt::run(device, p); });
    double const back    = bench::milliseconds(device, of.rounds, [&] { mt::run(device, g); });
    double const tokens = double(sequences) * double(length), row = 2.0 * double(channels);
    auto const   speed = [&](double ms) { return ", \"tokens_s\": " + std::to_string(1e3 * tokens / ms); };
    report(of, name, "forward", forward, 0, 4 * row * tokens, of.rate, speed(forward));
    report(of, name, "backward", back, 0, 7 * row * tokens, of.rate, speed(back));
}

}  // namespace

int main(int argc, char** argv) try {
    machine const of{argc > 1 ? std::atoi(argv[1]) : 7, argc > 2 ? std::atof(argv[2]) : 989, argc > 3 ? std::atof(argv[3]) : 4800};
    constexpr mt::fp8_form none{}, by_tensor{.scaling = mt::fp8_scaling::tensor, .wide_gradients = true},
        by_block{.scaling = mt::fp8_scaling::block};
    constexpr index_t tokens = 16'384;
    struct shape {
        char const* name;
        index_t     outputs, inputs;
    };
    for (shape s : {shape{"qwen2_0.5b_qkv", 1152, 896},
                    {"qwen2_0.5b_out", 896, 896},
                    {"qwen2_0.5b_gate_up", 9728, 896},
                    {"qwen2_0.5b_down", 896, 4864},
                    {"qwen2_1.5b_qkv", 2048, 1536},
                    {"qwen2_1.5b_out", 1536, 1536},
                    {"qwen2_1.5b_gate_up", 17'920, 1536},
                    {"qwen2_1.5b_down", 1536, 8960}}) {
        layer<none>(of, s.name, tokens, s.outputs, s.inputs);
        if (std::string(s.name).find("1.5b") == std::string::npos) continue;
        layer<by_tensor>(of, (std::string(s.name) + "_fp8_tensor").c_str(), tokens, s.outputs, s.inputs);
        layer<by_block>(of, (std::string(s.name) + "_fp8_block").c_str(), tokens, s.outputs, s.inputs);
    }
    gelu(of);
    experts(of);
    scan(of, "mamba_130m", 8, 2048, 1536);
    scan(of, "mamba_2.8b", 2, 2048, 5120);
    scan(of, "mamba_130m_long", 1, 32'768, 1536);
} catch (mt::error const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
}
