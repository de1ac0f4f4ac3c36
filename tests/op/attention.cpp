#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/cached_attention.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/position/alibi.hpp>
#include <midtrain/position/logn.hpp>
#include <midtrain/position/query_temperature.hpp>
#include <midtrain/position/soft_cap.hpp>
#include <support/devices.hpp>

namespace mt = midtrain;

/// A user's own, of the two functions alone: it curves, and depends on all it is told. Kernels want a name that other units could see.
struct score_by_hand {
    template <class C>
    MT_HOST_DEVICE C score(C s, mt::index_t query, mt::index_t key, mt::index_t head) const {
        return s + C(0.01) * s * s - C(0.02) * C(query - key) + C(0.1) * C(head);
    }
    template <class C>
    MT_HOST_DEVICE C slope(C s, mt::index_t, mt::index_t, mt::index_t) const {
        return C(1) + C(0.02) * s;
    }
};

namespace {

/// Queries, keys, values and a gradient at random; documents that begin inside and at the edges of tiles. Positions begin anew in each.
struct example {
    mt::index_t               sequences, length, heads, kv_heads, size, values;
    std::vector<double>       qkv, gradient;
    std::vector<std::int32_t> begin, place;

    example(mt::index_t s, mt::index_t t, mt::index_t h, mt::index_t kv, mt::index_t d, mt::index_t v = 0)
        : sequences(s), length(t), heads(h), kv_heads(kv), size(d), values(v > 0 ? v : d), qkv(s * t * ((h + kv) * d + kv * values)), gradient(s * t * h * values),
          begin(s * t), place(s * t) {
        mt::random_stream const r{7, 0};
        for (std::size_t i = 0; i < qkv.size(); ++i) qkv[i] = 4 * r.uniform(i) - 2;
        for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = 2 * r.uniform(i + 1'000'000) - 1;
        std::int32_t at = 0;
        for (mt::index_t i = 0; i < s * t; ++i) {
            if (i % t == 0) at = 0;
            else if (i % t == 64 || mt::mix_bits(static_cast<std::uint64_t>(i)) % 41 == 0) at = static_cast<std::int32_t>(i % t);
            begin[i] = at, place[i] = static_cast<std::int32_t>(i % t) - at;
        }
    }
};

struct found {
    std::vector<double> output, log_sum, result;
};

/// Attention and its gradient: the reference functors where `plainly`, else what the device has.
template <class Device, class Modifier = mt::unmodified>
found attend(Device& device, example const& e, bool plainly, mt::index_t window = 0, Modifier const& modifier = {}) {
    auto const qkv = test::uploaded(device, e.qkv), gradient = test::uploaded(device, e.gradient);
    auto const begin = test::uploaded(device, e.begin), place = test::uploaded(device, e.place);
    auto const n = e.sequences * e.length, w = (e.heads + e.kv_heads) * e.size + e.kv_heads * e.values;
    auto const make = [&](mt::index_t count) { return device.template make<double>(count); };
    auto const output = make(n * e.heads * e.values), log_sum = make(e.heads * n), result = make(n * w), dot = make(e.heads * n);
    mt::attention_gradient_problem<double, Modifier> const p{
        {mt::as_matrix<double const>(qkv.view().data, n, w), begin.view(), mt::as_matrix(output.view().data, n, e.heads * e.values),
         mt::as_matrix(log_sum.view().data, e.heads, n), e.sequences, e.length, e.heads, e.kv_heads, e.size, 1 / std::sqrt(double(e.size)), window, place.view(),
         modifier, {}, e.values == e.size ? 0 : e.values},
        mt::as_matrix<double const>(gradient.view().data, n, e.heads * e.values), mt::as_matrix(result.view().data, n, w),
        mt::as_matrix(dot.view().data, e.heads, n)};
    if (plainly) mt::plain(device, p.forward), mt::plain(device, p);
    else mt::run(device, p.forward), mt::run(device, p);
    return {test::downloaded(device, output.view()), test::downloaded(device, log_sum.view()), test::downloaded(device, result.view())};
}

double worst(std::vector<double> const& a, std::vector<double> const& b) {
    double w = 0;
    for (std::size_t i = 0; i < a.size(); ++i) w = std::max(w, std::abs(a[i] - b[i]));
    return w;
}

template <class Device, class Modifier = mt::unmodified>
void tuned_equals_plain(mt::index_t s, mt::index_t t, mt::index_t h, mt::index_t kv, mt::index_t d, mt::index_t window = 0,
                        Modifier const& modifier = {}, mt::index_t v = 0) {
    Device        device;
    example const e(s, t, h, kv, d, v);
    auto const    tuned = attend(device, e, false, window, modifier), plain = attend(device, e, true, window, modifier);
    BOOST_TEST(worst(tuned.output, plain.output) < 1e-12);
    BOOST_TEST(worst(tuned.log_sum, plain.log_sum) < 1e-12);
    BOOST_TEST(worst(tuned.result, plain.result) < 1e-11);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(attention, *boost::unit_test::precondition(test::has_devices))

BOOST_AUTO_TEST_CASE_TEMPLATE(tuned_equals_plain_at_every_edge_of_a_tile, Device, test::tuned_devices) {
    for (mt::index_t t : {1, 2, 63, 64, 65, 130}) tuned_equals_plain<Device>(1, t, 2, 1, 16);
}
/// So few heads that the host takes backward in ranges of keys; heads whose columns fill no long register.
BOOST_AUTO_TEST_CASE_TEMPLATE(tuned_equals_plain_where_heads_are_few_and_long, Device, test::tuned_devices) {
    tuned_equals_plain<Device>(1, 520, 2, 1, 8);
    tuned_equals_plain<Device>(1, 770, 3, 1, 12);
    tuned_equals_plain<Device>(1, 770, 2, 2, 24, 300);
}
BOOST_AUTO_TEST_CASE_TEMPLATE(tuned_equals_plain_for_all_groupings, Device, test::tuned_devices) {
    tuned_equals_plain<Device>(2, 70, 4, 4, 8);
    tuned_equals_plain<Device>(2, 70, 4, 2, 12);
    tuned_equals_plain<Device>(2, 70, 6, 1, 20);
}
BOOST_AUTO_TEST_CASE_TEMPLATE(tuned_equals_plain_with_values_of_another_size, Device, test::tuned_devices) {
    tuned_equals_plain<Device>(2, 70, 4, 2, 12, 0, mt::unmodified{}, 7);
    tuned_equals_plain<Device>(1, 130, 3, 3, 9, 40, mt::unmodified{}, 21);
    tuned_equals_plain<Device>(1, 65, 2, 1, 8, 0, mt::soft_cap{.cap = 1.5}, 5);
}
/// Values of another size are those that stand in the first columns of padded ones.
BOOST_AUTO_TEST_CASE_TEMPLATE(narrow_values_are_padded_ones_cut, Device, test::tuned_devices) {
    Device  device;
    example narrow(2, 70, 4, 2, 12, 7), wide(2, 70, 4, 2, 12);
    for (mt::index_t t = 0; t < 140; ++t)
        for (mt::index_t i = 0; i < 96; ++i) {
            bool const value = i >= 72;
            auto const head = (i - 72) / 12, at = (i - 72) % 12;
            wide.qkv[t * 96 + i] = !value ? narrow.qkv[t * 86 + i] : at < 7 ? narrow.qkv[t * 86 + 72 + head * 7 + at] : 0;
        }
    auto const a = attend(device, narrow, true).output, b = attend(device, wide, false).output;
    double     apart = 0;
    for (mt::index_t t = 0; t < 140; ++t)
        for (mt::index_t i = 0; i < 28; ++i) apart = std::max(apart, std::abs(a[t * 28 + i] - b[t * 48 + i / 7 * 12 + i % 7]));
    BOOST_TEST(apart < 1e-13);
}
BOOST_AUTO_TEST_CASE_TEMPLATE(tuned_equals_plain_within_windows, Device, test::tuned_devices) {
    for (mt::index_t window : {1, 7, 64, 100}) tuned_equals_plain<Device>(2, 130, 2, 1, 8, window);
}
BOOST_AUTO_TEST_CASE_TEMPLATE(tuned_equals_plain_whatever_becomes_of_scores, Device, test::tuned_devices) {
    tuned_equals_plain<Device>(1, 130, 6, 2, 8, 0, mt::alibi{.heads = 6});
    tuned_equals_plain<Device>(1, 130, 2, 1, 8, 40, mt::logn{.trained = 20});
    tuned_equals_plain<Device>(1, 130, 2, 1, 8, 0, mt::query_temperature{.scale = 0.3, .floor_length = 16});
    tuned_equals_plain<Device>(1, 130, 2, 1, 8, 40, mt::soft_cap{.cap = 1.5});
    tuned_equals_plain<Device>(1, 130, 2, 1, 8, 0, score_by_hand{});
}
/// A document's positions begin anew, so a packed sequence sees what each document alone sees.
BOOST_AUTO_TEST_CASE_TEMPLATE(modifiers_see_positions_in_the_document, Device, test::devices) {
    Device         device;
    mt::logn const modifier{.trained = 5};
    example        packed(1, 80, 2, 1, 8), alone(1, 40, 2, 1, 8);
    for (std::int32_t i = 0; i < 80; ++i) packed.place[i] = alone.place[i % 40] = i % 40, packed.begin[i] = i / 40 * 40, alone.begin[i % 40] = 0;
    std::copy_n(packed.qkv.begin() + 40 * 32, 40 * 32, alone.qkv.begin());
    auto const a = attend(device, packed, false, 0, modifier).output, b = attend(device, alone, false, 0, modifier).output;
    double     apart = 0;
    for (std::size_t i = 0; i < b.size(); ++i) apart = std::max(apart, std::abs(b[i] - a[40 * 16 + i]));
    BOOST_TEST(apart < 1e-13);
}
BOOST_AUTO_TEST_CASE_TEMPLATE(what_changes_nothing_changes_no_bit, Device, test::devices) {
    Device        device;
    example const e(2, 130, 2, 1, 16);
    BOOST_TEST((attend(device, e, false).output == attend(device, e, false, 0, mt::query_temperature{.scale = 0, .floor_length = 16}).output));
    static_assert(sizeof(mt::attention_problem<float>) < sizeof(mt::attention_problem<float, mt::logn>));
    static_assert(sizeof(mt::op::cached_attention<float>) < sizeof(mt::op::cached_attention<float, mt::logn>));
}

BOOST_AUTO_TEST_SUITE_END()
