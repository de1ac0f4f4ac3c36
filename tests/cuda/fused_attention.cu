#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/problem/batch.hpp>
#include <cuda/gpu.hpp>

// Attention in bfloat16 as a GPU does it in training: by cuDNN where the program has it, for every form that it is asked for, and by tiles.
// Each is compared with the host's in double.
namespace mt = midtrain;
using mt::index_t;

namespace {

struct form {
    index_t sequences, length, heads, kv_heads, size;
    index_t values = 0, window = 0, mean = 0;  // tokens of a document in the mean; 0: each sequence is one

    index_t tokens() const { return sequences * length; }
    index_t value_size() const { return values > 0 ? values : size; }
    index_t columns() const { return (heads + kv_heads) * size + kv_heads * value_size(); }
    index_t outputs() const { return heads * value_size(); }
};

struct numbers {
    std::vector<float>        qkv, slope;
    std::vector<std::int32_t> begin;

    explicit numbers(form const& f, std::uint64_t seed = 1) {
        mt::random_stream const r{seed, 5};
        auto const at_random = [&](index_t n, std::uint64_t first, double width) {
            std::vector<float> v;
            for (index_t i = 0; i < n; ++i) v.push_back(float(mt::bf16(float(width * (r.uniform(first + std::uint64_t(i)) - 0.5)))));
            return v;
        };
        qkv   = at_random(f.tokens() * f.columns(), 0, 4);
        slope = at_random(f.tokens() * f.outputs(), 1u << 30, 2);
        for (index_t i = 0; i < f.tokens(); ++i) {
            auto const t = static_cast<std::int32_t>(i % f.length);
            bool const begins = t == 0 || (f.mean > 0 && r.bits((1u << 29) + std::uint64_t(i)) % std::uint64_t(f.mean) == 0);
            begin.push_back(begins ? t : begin.back());
        }
    }
};

struct found {
    std::vector<float> output, log_sum, gradient;
};

template <class T, class Device>
found attend(Device& device, form const& f, numbers const& x, bool knows_documents) {
    using C = mt::computed_t<T>;
    auto const up = [&](auto const& from, auto type) {
        using V = decltype(type);
        std::vector<V> v;
        for (auto y : from) v.push_back(V(y));
        auto b = device.template make<V>(static_cast<index_t>(v.size()));
        device.upload(v.data(), b.view());
        return b;
    };
    auto const down = [&](auto const& b) {
        std::vector<std::remove_cvref_t<decltype(b.view()[0])>> v(static_cast<std::size_t>(b.size()));
        device.download(mt::row_view<typename decltype(v)::value_type const>(b.view()), v.data());
        return std::vector<float>(v.begin(), v.end());
    };
    auto const n = f.tokens();
    auto const qkv = up(x.qkv, T{}), slope = up(x.slope, T{});
    auto const begin = up(x.begin, std::int32_t{});
    // What nobody writes is no number.
    auto const output = up(std::vector<float>(n * f.outputs(), NAN), T{}), gradient = up(std::vector<float>(n * f.columns(), NAN), T{});
    auto const log_sum = up(std::vector<float>(f.heads * n, NAN), C{});
    auto const dot = device.template make<C>(f.heads * n);
    mt::attention_problem<T> const p{
        .qkv = mt::as_matrix<T const>(qkv.view().data, n, f.columns()), .document_begin = begin.view(),
        .output = mt::as_matrix(output.view().data, n, f.outputs()), .log_sum = mt::as_matrix(log_sum.view().data, f.heads, n),
        .sequences = f.sequences, .length = f.length, .heads = f.heads, .kv_heads = f.kv_heads, .head_size = f.size,
        .scale = C(1 / std::sqrt(double(f.size))), .window = f.window, .value_size = f.values,
        .documents = knows_documents ? mt::bound_of_documents({x.begin.data(), n}, f.length) : 0};
    mt::run(device, p);
    mt::run(device, mt::attention_gradient_problem<T>{p, mt::as_matrix<T const>(slope.view().data, n, f.outputs()),
                                                      mt::as_matrix(gradient.view().data, n, f.columns()),
                                                      mt::as_matrix(dot.view().data, f.heads, n)});
    if constexpr (std::is_same_v<Device, mt::cuda>)
        BOOST_TEST_MESSAGE(plan_of(device, size_of(p)).way << "; backward " << plan_of(device, size_of(p, true)).way);
    return {down(output), down(log_sum), down(gradient)};
}

double apart(std::vector<float> const& a, std::vector<float> const& b) {
    double d = 0, s = 0;
    for (std::size_t i = 0; i < a.size(); ++i) d += (double(a[i]) - b[i]) * (double(a[i]) - b[i]), s += double(b[i]) * b[i];
    return std::sqrt(d / s);
}

/// Probabilities and slopes are rounded to bfloat16 before products, results once: a few times 2^-9 of the whole. Scores are float's.
void equals_the_host(mt::cuda& device, form const& f, bool knows_documents) {
    numbers const x(f);
    mt::host      host;
    auto const got = attend<mt::bf16>(device, f, x, knows_documents), want = attend<double>(host, f, x, false);
    BOOST_TEST(apart(got.output, want.output) < 6e-3);
    BOOST_TEST(apart(got.log_sum, want.log_sum) < 1e-4);
    BOOST_TEST(apart(got.gradient, want.gradient) < 1e-2);
}

std::vector<form> forms() {
    return {{.sequences = 2, .length = 256, .heads = 4, .kv_heads = 4, .size = 64},
            {.sequences = 2, .length = 1000, .heads = 14, .kv_heads = 2, .size = 64},
            {.sequences = 2, .length = 1000, .heads = 14, .kv_heads = 2, .size = 64, .mean = 200},
            {.sequences = 3, .length = 515, .heads = 6, .kv_heads = 1, .size = 128, .mean = 90},
            {.sequences = 2, .length = 700, .heads = 8, .kv_heads = 2, .size = 64, .window = 100},
            {.sequences = 2, .length = 700, .heads = 8, .kv_heads = 2, .size = 64, .window = 100, .mean = 150},
            {.sequences = 1, .length = 600, .heads = 4, .kv_heads = 4, .size = 192, .values = 128, .mean = 150},
            {.sequences = 1, .length = 300, .heads = 4, .kv_heads = 2, .size = 72, .mean = 70},
            {.sequences = 1, .length = 100, .heads = 4, .kv_heads = 2, .size = 20, .mean = 30}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(attention_of_a_gpu, *boost::unit_test::precondition(test::has_gpu))

BOOST_AUTO_TEST_CASE(every_form_equals_the_host) {
    mt::cuda device;
    for (auto const& f : forms()) equals_the_host(device, f, true);
}
BOOST_AUTO_TEST_CASE(tiles_equal_the_host) {
    mt::cuda device;
    for (auto const& f : forms()) equals_the_host(device, f, false);
}
/// Fewer heads at a time, since a call may want no more memory than a part of them does.
BOOST_AUTO_TEST_CASE(parts_of_the_heads_equal_the_host) {
    mt::cuda device;
    device.attention().most_workspace = index_t{24} << 20;
    for (index_t mean : {0, 300})
        equals_the_host(device, {.sequences = 2, .length = 1000, .heads = 8, .kv_heads = 4, .size = 64, .mean = mean}, true);
}
BOOST_AUTO_TEST_CASE(twice_the_same_bits) {
    mt::cuda device;
    for (auto const& f : forms()) {
        numbers const x(f, 2);
        auto const    a = attend<mt::bf16>(device, f, x, true), b = attend<mt::bf16>(device, f, x, true);
        BOOST_TEST((a.output == b.output && a.log_sum == b.log_sum && a.gradient == b.gradient));
    }
}
/// A batch with more documents than its bound says is no result that could be taken for right.
BOOST_AUTO_TEST_CASE(too_many_documents_are_no_numbers) {
    mt::cuda device;
    if (!device.attention().fused()) return;  // tiles need no bound
    form const    packed{.sequences = 2, .length = 256, .heads = 4, .kv_heads = 4, .size = 64, .mean = 40};
    numbers const x(packed);
    auto const    n = packed.tokens();
    auto const    qkv = device.make<mt::bf16>(n * packed.columns()), output = device.make<mt::bf16>(n * packed.outputs());
    auto const    log_sum = device.make<float>(packed.heads * n);
    auto const    begin = device.make<std::int32_t>(n);
    device.upload(x.begin.data(), begin.view());
    mt::run(device, mt::attention_problem<mt::bf16>{
                        .qkv = mt::as_matrix<mt::bf16 const>(qkv.view().data, n, packed.columns()), .document_begin = begin.view(),
                        .output = mt::as_matrix(output.view().data, n, packed.outputs()),
                        .log_sum = mt::as_matrix(log_sum.view().data, packed.heads, n), .sequences = 2, .length = 256, .heads = 4,
                        .kv_heads = 4, .head_size = 64, .scale = 0.125f, .documents = 2});
    std::vector<mt::bf16> got(static_cast<std::size_t>(output.size()));
    device.download(mt::row_view<mt::bf16 const>(output.view()), got.data());
    BOOST_TEST(std::all_of(got.begin(), got.end(), [](mt::bf16 y) { return std::isnan(float(y)); }));
}

BOOST_AUTO_TEST_SUITE_END()
