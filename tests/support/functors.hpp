#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/by_heads.hpp>
#include <midtrain/op/cached_attention.hpp>
#include <midtrain/op/cap_logits.hpp>
#include <midtrain/op/column_sums.hpp>
#include <midtrain/op/cross_entropy.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/embedding.hpp>
#include <midtrain/op/fp8_quantise.hpp>
#include <midtrain/op/join.hpp>
#include <midtrain/op/move_onto.hpp>
#include <midtrain/op/norm.hpp>
#include <midtrain/op/rope.hpp>
#include <midtrain/op/scaled_product.hpp>
#include <midtrain/op/short_convolution.hpp>
#include <midtrain/op/sum_of_parts.hpp>
#include <midtrain/op/turn_apart.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/elementwise_step.hpp>
#include <midtrain/optim/sgd.hpp>
#include <midtrain/position/alibi.hpp>
#include <midtrain/position/any_distance.hpp>
#include <midtrain/position/logn.hpp>
#include <midtrain/position/query_temperature.hpp>
#include <midtrain/position/soft_cap.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/scan_case.hpp>

namespace test {

/// What functors leave behind, by name.
using results = std::map<std::string, std::vector<double>>;

/// Each row and element functor once on a device, over random values stored as T, in memory that the device makes. The same on all
/// devices but for the order of sums.
template <class T, class Device>
class functors {
    using C       = midtrain::computed_t<T>;
    using index_t = midtrain::index_t;
    template <class V>
    using buffer = typename Device::template buffer<V>;

  public:
    static results all(Device& device, index_t width) {
        functors f(device, width);
        f.norms();
        f.layernorms();
        f.elementwise();
        f.embeddings();
        f.positions_and_loss();
        f.attention();
        f.shared_keys();
        f.capped_logits();
        f.state_spaces();
        f.optimizers();
        f.eight_bits();
        return f.found_;
    }

  private:
    static constexpr index_t rows = 5;

    functors(Device& device, index_t width) : device_(device), width_(width) {}

    template <class V>
    buffer<V> random(index_t n) {
        std::vector<V> host(static_cast<std::size_t>(n));
        for (std::size_t i = 0; i < host.size(); ++i) host[i] = V(static_cast<C>(2 * midtrain::random_stream{5, stream_}.uniform(i) - 1));
        ++stream_;
        return uploaded(host);
    }
    template <class V>
    buffer<V> uploaded(std::vector<V> const& host) {
        return test::uploaded(device_, host);
    }
    template <class V>
    void keep(std::string const& name, buffer<V> const& b) {
        auto const host = downloaded(device_, b.view());
        found_[name].assign(host.begin(), host.end());
    }
    template <class V>
    midtrain::matrix_view<V> matrix(buffer<V> const& b, index_t columns) {
        return midtrain::as_matrix(b.view().data, b.size() / columns, columns);
    }

    void eight_bits() {
        using scaled          = midtrain::scaled_matrix<T>;
        index_t const w       = width_, across = scaled::tiles(w, scaled::tile);
        auto const    x = random<T>(rows * w), a = random<T>(rows * w), b = random<T>(rows * w);
        auto const    by_row = random<float>(rows * across), by_block = random<float>(across), by_column = random<float>(w), whole = random<float>(1);
        auto const    most = device_.template make<std::uint32_t>(rows);
        scaled const  tiles{matrix(a, w), matrix(by_row, across), scaled::one, scaled::tile};
        device_.rows(rows * across, midtrain::op::quantise_tiles<T, midtrain::e4m3>{matrix(x, w), tiles, rows, false});
        keep("quantise_tiles 1 x 128", a), keep("quantise_tiles 1 x 128 scales", by_row);
        scaled const blocks{matrix(b, w), matrix(by_block, across), scaled::tile, scaled::tile};
        device_.rows(across, midtrain::op::quantise_tiles<T, midtrain::e4m3>{matrix(x, w), blocks, rows, true});
        keep("quantise_tiles 128 x 128", b), keep("quantise_tiles 128 x 128 scales", by_block);
        auto const c = random<T>(rows * rows);
        auto const work = random<C>(2 * rows * rows);
        plain(device_, midtrain::scaled_gemm_problem<T, T>{.a = tiles, .b = blocks, .b_is = midtrain::operand::transposed, .c = matrix(c, rows),
                                                          .accumulate = true, .work = matrix(work, rows)});
        keep("scaled product", c);
        device_.rows(midtrain::op::column_tiles(w), midtrain::op::quantise_columns<T, midtrain::e5m2>{
            matrix(x, w), {matrix(a, w), matrix(by_column, w), scaled::tile, scaled::one}, {}, false});
        keep("quantise_columns", a), keep("quantise_columns scales", by_column);
        scaled const one{matrix(b, w), matrix(whole, 1)};
        device_.rows(rows, midtrain::op::largest_of_rows<T>{matrix(x, w), {}, most.view()});
        device_.rows(1, midtrain::op::scale_of_whole<midtrain::e5m2>{most.view(), one.scales, rows, false});
        device_.rows(rows, midtrain::op::quantise_rows<T, midtrain::e5m2>{matrix(x, w), one, rows});
        keep("quantise_rows", b), keep("scale_of_whole", whole);
    }
    void norms() {
        index_t const w = width_;
        auto const x = random<T>(rows * w), dy = random<T>(rows * w), gain = random<T>(w), y = random<T>(rows * w), dx = random<T>(rows * w);
        auto const scale = random<C>(rows), dgain = random<C>(w), dbias = random<C>(w);
        device_.rows(rows, midtrain::op::rmsnorm_forward<T>{matrix(x, w), gain.view(), matrix(y, w), scale.view(), C(1e-5)});
        keep("rmsnorm_forward", y), keep("rmsnorm_forward scale", scale);
        device_.rows(rows, midtrain::op::rmsnorm_backward<T>{matrix(x, w), matrix(dy, w), gain.view(), scale.view(), matrix(dx, w)});
        keep("rmsnorm_backward", dx);
        auto const parts = device_.template make<C>(4 * w);
        midtrain::op::add_column_sums(device_, midtrain::op::rmsnorm_gain_sums<T>{matrix(x, w), matrix(dy, w), scale.view()}, matrix(parts, w).rows_part(0, 1),
                                      dgain.view());
        keep("rmsnorm_gain_sums", dgain);
        auto const two = random<T>(2 * w), u = random<T>(2 * rows * w), du = random<T>(2 * rows * w);
        auto const dtwo = random<C>(2 * w), by = random<C>(2 * rows);
        device_.rows(2 * rows, midtrain::op::rmsnorm_forward<T>{matrix(u, w), two.view(), matrix(u, w), by.view(), C(1e-5)});
        keep("rmsnorm_forward by groups", u);
        device_.rows(2 * rows, midtrain::op::rmsnorm_backward<T>{matrix(u, w), matrix(u, w), two.view(), by.view(), matrix(du, w)});
        keep("rmsnorm_backward by groups", du);
        midtrain::op::add_column_sums(device_, midtrain::op::rmsnorm_gain_sums<T>{matrix(u, 2 * w), matrix(du, 2 * w), by.view()},
                                      matrix(parts, 2 * w).rows_part(0, 1), dtwo.view());
        keep("rmsnorm_gain_sums by groups", dtwo);
        midtrain::op::add_column_sums(device_, midtrain::op::bias_sums<T>{matrix(dy, w)}, matrix(parts, w).rows_part(0, 1), dbias.view());
        keep("bias_sums", dbias);
    }
    void layernorms() {
        index_t const w = width_;
        auto const x = random<T>(rows * w), dy = random<T>(rows * w), gain = random<T>(w), bias = random<T>(w), y = random<T>(rows * w);
        auto const dx = random<T>(rows * w);
        auto const mean = random<C>(rows), scale = random<C>(rows), dgain = random<C>(w), dbias = random<C>(w);
        device_.rows(rows, midtrain::op::layernorm_forward<T>{matrix(x, w), gain.view(), bias.view(), matrix(y, w), mean.view(), scale.view(), C(1e-5)});
        keep("layernorm_forward", y), keep("layernorm_forward mean", mean), keep("layernorm_forward scale", scale);
        device_.rows(rows, midtrain::op::layernorm_backward<T>{matrix(x, w), matrix(dy, w), gain.view(), mean.view(), scale.view(), matrix(dx, w)});
        keep("layernorm_backward", dx);
        auto const parts = device_.template make<C>(2 * w);
        midtrain::op::add_column_sums(device_, midtrain::op::layernorm_parameters_sums<T>{matrix(x, w), matrix(dy, w), mean.view(), scale.view()},
                                      matrix(parts, 2 * w), dgain.view(), dbias.view());
        keep("layernorm_parameters_sums gain", dgain), keep("layernorm_parameters_sums bias", dbias);
    }
    void elementwise() {
        index_t const w = width_, n = rows * w;
        auto const x = random<T>(2 * n), u = random<T>(n), y = random<T>(n), dx = random<T>(2 * n), bias = random<T>(w), zero = random<T>(n);
        auto const master = random<C>(n);
        device_.elements(n, midtrain::op::add<T>{x.view().part(0, n), u.view(), y.view()});
        keep("add", y);
        device_.rows(rows, midtrain::op::add_bias<T>{matrix(y, w), bias.view()});
        keep("add_bias", y);
        device_.elements(n, midtrain::op::convert<C, T>{master.view(), y.view()});
        keep("convert", y);
        device_.elements(n, midtrain::op::fill<T>{zero.view(), C(0.5)});
        keep("fill", zero);
        device_.rows(rows, midtrain::op::swiglu_forward<T>{matrix(x, 2 * w), matrix(y, w)});
        keep("swiglu_forward", y);
        device_.rows(rows, midtrain::op::swiglu_backward<T>{matrix(x, 2 * w), matrix(u, w), matrix(dx, 2 * w)});
        keep("swiglu_backward", dx);
        device_.elements(n, midtrain::op::gelu_forward<T>{x.view().part(0, n), y.view()});
        keep("gelu_forward", y);
        device_.elements(n, midtrain::op::gelu_backward<T>{x.view().part(0, n), u.view(), y.view()});
        keep("gelu_backward", y);
    }
    void embeddings() {
        index_t const w = width_;
        auto const index = uploaded<std::int32_t>({2, 0, 2, 1, 2}), order = uploaded<std::int32_t>({1, 3, 0, 2, 4});
        auto const table = random<T>(3 * w), y = random<T>(rows * w), dy = random<T>(rows * w);
        auto const gradient = random<C>(3 * w), carried = device_.template make<C>(w);
        device_.rows(rows, midtrain::op::embedding_forward<T>{matrix(table, w), index.view(), matrix(y, w)});
        keep("embedding_forward", y);
        midtrain::op::add_embedding_gradient(device_, midtrain::op::embedding_backward<T>{order.view(), index.view(), matrix(dy, w), matrix(gradient, w),
                                                                                          matrix(carried, w)});
        keep("embedding_backward", gradient);
    }
    void positions_and_loss() {
        auto const x = random<T>(rows * 3 * 8);
        auto const cosine = random<C>(6 * 4), sine = random<C>(6 * 4);
        auto const place = uploaded<std::int32_t>({0, 1, 5, 2, 3});
        for (auto way : {midtrain::op::turn::forward, midtrain::op::turn::backward}) {
            device_.rows(rows, midtrain::op::rope<T>{matrix(x, 3 * 8), place.view(), matrix(cosine, 4), matrix(sine, 4), 2, 8, way});
            keep(way == midtrain::op::turn::forward ? "rope" : "rope back", x);
        }
        auto const logits = random<C>(rows * width_), loss = random<C>(rows);
        auto const gradient = random<T>(rows * width_);
        auto const target = uploaded<std::int32_t>({3, -1, 0, static_cast<std::int32_t>(width_ - 1), 7});
        auto const targets = uploaded<double>({4});
        device_.rows(rows, midtrain::op::cross_entropy<T>{matrix(logits, width_), target.view(), loss.view(), matrix(gradient, width_), targets.view().data, 1.0, C(1e-3)});
        keep("cross_entropy", loss), keep("cross_entropy gradient", gradient);
    }
    void attention() {
        index_t const n = 6, size = 4, heads = 2, w = (heads + 2) * size;
        auto const qkv = random<T>(n * w), out = random<T>(n * heads * size), dout = random<T>(n * heads * size), dqkv = random<T>(n * w);
        auto const log_sum = random<C>(heads * n), dot = random<C>(heads * n);
        auto const begin = uploaded<std::int32_t>({0, 0, 0, 0, 4, 4});
        midtrain::attention_problem<T> const p{matrix(qkv, w), begin.view(), matrix(out, heads * size), matrix(log_sum, n), 1, n, heads, 1, size, C(0.5)};
        midtrain::plain(device_, p);
        keep("attention_forward", out), keep("attention_forward log_sum", log_sum);
        midtrain::plain(device_, midtrain::attention_gradient_problem<T>{p, matrix(dout, heads * size), matrix(dqkv, w), matrix(dot, n)});
        keep("attention backward", dqkv), keep("attention_dot", dot);
        attention_with("alibi", midtrain::alibi{.heads = heads});
        attention_with("logn", midtrain::logn{.trained = 3});
        attention_with("query_temperature", midtrain::query_temperature{.scale = 0.5, .floor_length = 2});
        attention_with("soft_cap", midtrain::soft_cap{.cap = 0.5});
        attention_apart();
    }
    template <class Modifier>
    void attention_with(std::string const& name, Modifier const& modifier) {
        index_t const n = 6, size = 4, heads = 2, w = (heads + 2) * size;
        auto const qkv = random<T>(n * w), out = random<T>(n * heads * size), dout = random<T>(n * heads * size), dqkv = random<T>(n * w);
        auto const log_sum = random<C>(heads * n), dot = random<C>(heads * n);
        auto const begin = uploaded<std::int32_t>({0, 0, 0, 0, 4, 4}), place = uploaded<std::int32_t>({0, 1, 2, 3, 0, 1});
        midtrain::attention_problem<T, Modifier> const p{matrix(qkv, w), begin.view(), matrix(out, heads * size), matrix(log_sum, n), 1, n, heads, 1, size,
                                                         C(0.5), 3, place.view(), modifier};
        midtrain::plain(device_, p);
        keep("attention_forward " + name, out);
        midtrain::plain(device_, midtrain::attention_gradient_problem<T, Modifier>{p, matrix(dout, heads * size), matrix(dqkv, w), matrix(dot, n)});
        keep("attention backward " + name, dqkv);
    }
    /// Queries in three forms and keys in two at the most: a text of six tokens, and a seventh over what is kept of them.
    void attention_apart() {
        for (midtrain::any_distance const& d : {midtrain::any_distance(midtrain::dual_chunk{.chunk = 3, .local = 1}),
                                                midtrain::any_distance(midtrain::self_extend{.group = 2, .window = 2})}) {
            std::string const name = d.forms() == 3 ? " dual_chunk" : " self_extend";
            index_t const n = 6, size = 4, heads = 2, w = (heads + 2) * size, columns = (d.forms() * heads + d.key_forms() + 1) * size;
            auto const qkv = random<T>(n * w), wide = random<T>(n * columns), out = random<T>(n * heads * size), kept = random<T>(7 * (d.key_forms() + 1) * size);
            auto const cosine = random<C>(7 * 2), sine = random<C>(7 * 2), log_sum = random<C>(heads * n), scores = random<C>(heads * 7);
            auto const begin = uploaded<std::int32_t>({0, 0, 0, 0, 4, 4}), place = uploaded<std::int32_t>({0, 1, 2, 3, 0, 1});
            device_.rows(n, midtrain::op::turn_apart<T, midtrain::any_distance>{matrix(qkv, w), matrix(wide, columns), place.view(), matrix(cosine, 2),
                                                                              matrix(sine, 2), heads, 1, size, d});
            keep("turn_apart" + name, wide);
            midtrain::plain(device_, midtrain::attention_problem<T, midtrain::unmodified, midtrain::any_distance>{
                                         matrix(wide, columns), begin.view(), matrix(out, heads * size), matrix(log_sum, n), 1, n, heads, 1, size, C(0.5), 0, place.view(), {}, d});
            keep("attention_forward" + name, out);
            device_.rows(heads, midtrain::op::cached_attention<T, midtrain::unmodified, midtrain::any_distance>{
                                    matrix(wide, columns).rows_part(0, 1), matrix(kept, (d.key_forms() + 1) * size), matrix(scores, 7),
                                    matrix(out, heads * size).rows_part(0, 1), 0, 6, 1, size, C(0.5), {}, d});
            keep("cached_attention" + name, out);
        }
    }
    /// Gradients of what two layers share, in a part of a matrix, and a seventh token over keys and values that are kept apart.
    void shared_keys() {
        index_t const size = 4, heads = 2, w = (heads + 2) * size;
        auto const from = random<T>(rows * 2 * size), to = random<T>(rows * w);
        device_.rows(rows, midtrain::op::move_onto<T>{matrix(from, 2 * size), matrix(to, w).columns_part(heads * size, 2 * size)});
        keep("move_onto", to), keep("move_onto from", from);
        auto const qkv = random<T>(w), keys = random<T>(7 * size), kept = random<T>(7 * 2 * size), out = random<T>(heads * size);
        auto const scores = random<C>(heads * 7);
        device_.rows(heads, midtrain::op::cached_attention<T>{.qkv = matrix(qkv, w), .cache = matrix(keys, size), .scores = matrix(scores, 7),
                                                              .output = matrix(out, heads * size), .first = 1, .last = 6, .kv_heads = 1,
                                                              .size = size, .scale = C(0.5),
                                                              .apart = matrix(kept, 2 * size).columns_part(size, size)});
        keep("cached_attention apart", out);
    }
    void capped_logits() {
        auto const x = random<C>(rows * width_), slope = random<C>(rows * width_);
        auto const g = random<T>(rows * width_);
        device_.elements(x.size(), midtrain::op::cap_logits<C>{x.view(), slope.view(), C(0.7)});
        device_.elements(g.size(), midtrain::op::cap_logits_backward<T>{slope.view(), g.view()});
        keep("cap_logits", x), keep("cap_logits slope", slope), keep("cap_logits_backward", g);
    }
    void state_spaces() {
        index_t const n = 70, w = width_;  // two parts of tokens, of which the second is not full
        for (index_t taps : {3, 6}) {
            std::string const name = " of " + std::to_string(taps) + " taps";
            auto const x = random<T>(n * w), by = random<T>(taps * w), bias = random<T>(w), y = random<T>(n * w), d = random<T>(n * w), dx = random<T>(n * w);
            auto const kept = random<T>((taps - 1) * w);
            auto const parts = random<C>(2 * (taps + 1) * w), dby = random<C>(taps * w);
            std::vector<std::int32_t> from(static_cast<std::size_t>(n), 0);
            for (index_t t = 0; t < n; ++t) from[static_cast<std::size_t>(t)] = t % 35 >= 11 ? 11 : 0;
            auto const begin = uploaded(from);
            midtrain::op::short_convolution<T> const of{matrix(x, w), matrix(by, w), bias.view(), begin.view(), {}, n / 2};
            device_.rows(n, midtrain::op::short_convolution_forward<T>{of, matrix(y, w)});
            keep("short_convolution_forward" + name, y);
            device_.rows(n, midtrain::op::short_convolution_sum_backward<T>{of, matrix(d, w)});
            keep("short_convolution_sum_backward" + name, d);
            device_.rows(n, midtrain::op::short_convolution_backward<T>{of, matrix(d, w), matrix(dx, w)});
            keep("short_convolution_backward" + name, dx);
            device_.rows(2, midtrain::op::short_convolution_parts<T>{of, matrix(d, w), parts.view()});
            keep("short_convolution_parts" + name, parts);
            device_.rows(midtrain::op::sum_of_parts<C>::teams(taps * w), midtrain::op::sum_of_parts<C>{parts.view(), (taps + 1) * w, 0, dby.view()});
            keep("sum_of_parts" + name, dby);
            device_.rows(midtrain::op::column_tiles(w), midtrain::op::keep_inputs<T>{matrix(x, w).rows_part(0, 1), matrix(kept, w), true});
            keep("keep_inputs" + name, kept);
        }
        auto const a = random<T>(rows * 3), b = random<T>(rows * 4), joined = random<T>(rows * 7);
        device_.rows(rows, midtrain::op::join_forward<T>{matrix(a, 3), matrix(b, 4), matrix(joined, 7)});
        keep("join_forward", joined);
        device_.rows(rows, midtrain::op::join_backward<T>{matrix(joined, 7), matrix(a, 3), matrix(b, 4)});
        keep("join_backward", a), keep("join_backward second", b);
        auto const once = random<T>(rows * 3), many = random<T>(rows * 15);
        device_.elements(rows * 15, midtrain::op::spread_by_heads<T, T>{matrix(once, 3), matrix(many, 15)});
        keep("spread_by_heads", many);
        device_.rows(rows, midtrain::op::sum_by_heads<T, T>{matrix(many, 15), matrix(once, 3), true});
        keep("sum_by_heads", once);
        for (bool apart : {false, true}) {
            auto const           name = std::string(apart ? " apart" : "");
            scan_case<T, Device> scan(device_, 2, 33, 1 + apart, 35 + apart, 19, {0, 20}, apart);
            scan.run();
            keep("selective_scan_forward" + name, scan.output), keep("selective_scan_backward input" + name, scan.dinput);
            keep("selective_scan_backward step" + name, scan.dstep), keep("selective_scan_backward gate" + name, scan.dgate);
            keep("selective_scan_backward selection" + name, scan.dselection), keep("selective_scan_backward log_rate" + name, scan.dlog_rate);
            keep("selective_scan_backward skip" + name, scan.dskip);
        }
    }
    void optimizers() {
        using precision = std::conditional_t<std::is_same_v<T, double>, midtrain::fp64, std::conditional_t<std::is_same_v<T, float>, midtrain::fp32, midtrain::bf16_mixed>>;
        index_t const n = 3 * 64;
        auto const gradient = random<C>(n), decay = uploaded<C>({C(0.1), C(0), C(0.1)}), partial = random<C>(3), long_row = random<C>(2 * 4096 + 5);
        auto const scalars = uploaded<midtrain::step_scalars>({{.rate = 1e-2, .clip_factor = 0.5, .step = 3, .correction1 = 0.271, .correction2 = 0.142625}});
        auto const apply = [&](auto const& optimizer, std::string const& name) {
            using optimizer_type = std::decay_t<decltype(optimizer)>;
            auto const master = random<C>(n), slots = device_.template make<C>(optimizer_type::slots * n);
            auto const stored = random<T>(n);
            using pass = midtrain::elementwise_step<optimizer_type, precision>;
            device_.rows(pass::teams(n), pass{optimizer, scalars.view().data, master.view(), stored.view(), gradient.view(), slots.view(), decay.view()});
            keep(name, master), keep(name + " slots", slots), keep(name + " stored", stored);
        };
        apply(midtrain::adamw{}, "adamw");
        apply(midtrain::sgd{.momentum = 0.9}, "sgd");
        device_.rows(3, midtrain::squares_of_part<C>{long_row.view(), partial.view()});
        keep("squares_of_part", partial);
    }

    Device&       device_;
    index_t       width_;
    std::uint64_t stream_ = 0;
    results       found_;
};

/// The largest difference of two devices' results, in units of each result's largest value; and whose it is.
inline std::pair<double, std::string> apart(results const& a, results const& b) {
    std::pair<double, std::string> worst{a.size() == b.size() ? 0.0 : 1.0, "the number of results"};
    for (auto const& [name, x] : a) {
        auto const& y    = b.at(name);
        double      size = 0, most = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            size = std::max(size, std::abs(y[i]));
            most = std::max(most, x[i] == y[i] ? 0.0 : std::abs(x[i] - y[i]));
        }
        if (!(most / size <= worst.first)) worst = {most / size, name};
    }
    return worst;
}

}  // namespace test
