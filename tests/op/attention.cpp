#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/cached_attention.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/position/alibi.hpp>
#include <midtrain/position/logn.hpp>
#include <midtrain/position/query_temperature.hpp>
#include <midtrain/position/soft_cap.hpp>

namespace mt = midtrain;

namespace {

/// Queries, keys, values and a gradient at random; documents that begin inside and at the edges of tiles.
struct example {
    mt::index_t               sequences, length, heads, kv_heads, size, values;
    std::vector<double>       qkv, output, gradient, result, log_sum, dot;
    std::vector<std::int32_t> begin;

    example(mt::index_t s, mt::index_t t, mt::index_t h, mt::index_t kv, mt::index_t d, mt::index_t v = 0)
        : sequences(s), length(t), heads(h), kv_heads(kv), size(d), values(v > 0 ? v : d), qkv(s * t * ((h + kv) * d + kv * values)), output(s * t * h * values),
          gradient(output.size()), result(qkv.size()), log_sum(h * s * t), dot(h * s * t), begin(s * t) {
        mt::random_stream const r{7, 0};
        for (std::size_t i = 0; i < qkv.size(); ++i) qkv[i] = 4 * r.uniform(i) - 2;
        for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = 2 * r.uniform(i + 1'000'000) - 1;
        std::int32_t at = 0;
        for (mt::index_t i = 0; i < s * t; ++i) {
            if (i % t == 0) at = 0;
            else if (i % t == 64 || mt::mix_bits(static_cast<std::uint64_t>(i)) % 41 == 0) at = static_cast<std::int32_t>(i % t);
            begin[i] = at;
        }
    }
    template <class Modifier = mt::unmodified>
    mt::attention_gradient_problem<double, Modifier> problem(mt::index_t window = 0, Modifier const& modifier = {}) {
        auto const n = sequences * length, w = (heads + kv_heads) * size + kv_heads * values;
        return {{mt::as_matrix<double const>(qkv.data(), n, w), {begin.data(), n}, mt::as_matrix(output.data(), n, heads * values),
                 mt::as_matrix(log_sum.data(), heads, n), sequences, length, heads, kv_heads, size, 1 / std::sqrt(double(size)), window, {}, modifier, {},
                 values == size ? 0 : values},
                mt::as_matrix<double const>(gradient.data(), n, heads * values), mt::as_matrix(result.data(), n, w),
                mt::as_matrix(dot.data(), heads, n)};
    }
};

/// A user's own, of the two functions alone: it curves, and depends on all it is told.
struct by_hand {
    template <class C>
    MT_HOST_DEVICE C score(C s, mt::index_t query, mt::index_t key, mt::index_t head) const {
        return s + C(0.01) * s * s - C(0.02) * C(query - key) + C(0.1) * C(head);
    }
    template <class C>
    MT_HOST_DEVICE C slope(C s, mt::index_t, mt::index_t, mt::index_t) const {
        return C(1) + C(0.02) * s;
    }
};

double worst(std::vector<double> const& a, std::vector<double> const& b) {
    double w = 0;
    for (std::size_t i = 0; i < a.size(); ++i) w = std::max(w, std::abs(a[i] - b[i]));
    return w;
}

template <class Modifier = mt::unmodified>
void tuned_equals_plain(mt::index_t s, mt::index_t t, mt::index_t h, mt::index_t kv, mt::index_t d, mt::index_t window = 0,
                        Modifier const& modifier = {}, mt::index_t v = 0) {
    mt::host device(2);
    example  tuned(s, t, h, kv, d, v), plain(s, t, h, kv, d, v);
    auto     a = tuned.problem(window, modifier), b = plain.problem(window, modifier);
    mt::run(device, a.forward);
    mt::plain(device, b.forward);
    BOOST_TEST(worst(tuned.output, plain.output) < 1e-12);
    BOOST_TEST(worst(tuned.log_sum, plain.log_sum) < 1e-12);
    mt::run(device, a);
    mt::plain(device, b);
    BOOST_TEST(worst(tuned.result, plain.result) < 1e-11);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(attention)

BOOST_AUTO_TEST_CASE(tuned_equals_plain_at_every_edge_of_a_tile) {
    for (mt::index_t t : {1, 2, 63, 64, 65, 130}) tuned_equals_plain(1, t, 2, 1, 16);
}
BOOST_AUTO_TEST_CASE(tuned_equals_plain_for_all_groupings) {
    tuned_equals_plain(2, 70, 4, 4, 8);
    tuned_equals_plain(2, 70, 4, 2, 12);
    tuned_equals_plain(2, 70, 6, 1, 20);
}
BOOST_AUTO_TEST_CASE(tuned_equals_plain_with_values_of_another_size) {
    tuned_equals_plain(2, 70, 4, 2, 12, 0, mt::unmodified{}, 7);
    tuned_equals_plain(1, 130, 3, 3, 9, 40, mt::unmodified{}, 21);
    tuned_equals_plain(1, 65, 2, 1, 8, 0, mt::soft_cap{.cap = 1.5}, 5);
}
/// Values of another size are those that stand in the first columns of padded ones.
BOOST_AUTO_TEST_CASE(narrow_values_are_padded_ones_cut) {
    mt::host device(1);
    example  narrow(2, 70, 4, 2, 12, 7), wide(2, 70, 4, 2, 12);
    for (mt::index_t t = 0; t < 140; ++t)
        for (mt::index_t i = 0; i < 96; ++i) {
            bool const value = i >= 72;
            auto const head = (i - 72) / 12, at = (i - 72) % 12;
            wide.qkv[t * 96 + i] = !value ? narrow.qkv[t * 86 + i] : at < 7 ? narrow.qkv[t * 86 + 72 + head * 7 + at] : 0;
        }
    mt::plain(device, narrow.problem().forward);
    mt::run(device, wide.problem().forward);
    double apart = 0;
    for (mt::index_t t = 0; t < 140; ++t)
        for (mt::index_t i = 0; i < 28; ++i) apart = std::max(apart, std::abs(narrow.output[t * 28 + i] - wide.output[t * 48 + i / 7 * 12 + i % 7]));
    BOOST_TEST(apart < 1e-13);
}
BOOST_AUTO_TEST_CASE(tuned_equals_plain_within_windows) {
    for (mt::index_t window : {1, 7, 64, 100}) tuned_equals_plain(2, 130, 2, 1, 8, window);
}
BOOST_AUTO_TEST_CASE(tuned_equals_plain_whatever_becomes_of_scores) {
    tuned_equals_plain(1, 130, 6, 2, 8, 0, mt::alibi{.heads = 6});
    tuned_equals_plain(1, 130, 2, 1, 8, 40, mt::logn{.trained = 20});
    tuned_equals_plain(1, 130, 2, 1, 8, 0, mt::query_temperature{.scale = 0.3, .floor_length = 16});
    tuned_equals_plain(1, 130, 2, 1, 8, 40, mt::soft_cap{.cap = 1.5});
    tuned_equals_plain(1, 130, 2, 1, 8, 0, by_hand{});
}
/// A document's positions begin anew, so a packed sequence sees what each document alone sees.
BOOST_AUTO_TEST_CASE(modifiers_see_positions_in_the_document) {
    mt::host                  device(1);
    mt::logn const            modifier{.trained = 5};
    example                   packed(1, 80, 2, 1, 8), alone(1, 40, 2, 1, 8);
    std::vector<std::int32_t> place(80);
    for (std::int32_t i = 0; i < 80; ++i) place[i] = i % 40, packed.begin[i] = i / 40 * 40, alone.begin[i % 40] = 0;
    std::copy_n(packed.qkv.begin() + 40 * 32, 40 * 32, alone.qkv.begin());
    auto a     = packed.problem(0, modifier).forward;
    a.position = {place.data(), 80};
    mt::run(device, a);
    mt::run(device, alone.problem(0, modifier).forward);
    double apart = 0;
    for (std::size_t i = 0; i < alone.output.size(); ++i) apart = std::max(apart, std::abs(alone.output[i] - packed.output[40 * 16 + i]));
    BOOST_TEST(apart < 1e-13);
}
BOOST_AUTO_TEST_CASE(what_changes_nothing_changes_no_bit) {
    mt::host device(2);
    example  plain(2, 130, 2, 1, 16), same(2, 130, 2, 1, 16);
    auto     a = plain.problem();
    auto     b = same.problem(0, mt::query_temperature{.scale = 0, .floor_length = 16});
    mt::run(device, a.forward), mt::run(device, b.forward);
    mt::run(device, a), mt::run(device, b);
    BOOST_TEST((plain.output == same.output));
    static_assert(sizeof(mt::attention_problem<float>) < sizeof(mt::attention_problem<float, mt::logn>));
    static_assert(sizeof(mt::op::cached_attention<float>) < sizeof(mt::op::cached_attention<float, mt::logn>));
}

BOOST_AUTO_TEST_SUITE_END()
