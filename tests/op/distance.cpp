#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>
#include <midtrain/concepts/distance_policy.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/op/turn_apart.hpp>
#include <midtrain/position/any_distance.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/rotary_table.hpp>
#include <midtrain/position/soft_cap.hpp>
#include <support/devices.hpp>
#include <support/far_attention.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

static_assert(mt::DistancePolicy<mt::as_they_stand> && mt::DistancePolicy<mt::dual_chunk> && mt::DistancePolicy<mt::self_extend>);
static_assert(mt::DistancePolicy<mt::any_distance> && !mt::DistancePolicy<mt::rope>);

/// Queries of four heads and keys and values of two at random, turned and attended to under a distance.
struct example {
    index_t                   length, heads = 4, kv_heads = 2, size = 8;
    std::vector<double>       qkv, cosine, sine;
    std::vector<std::int32_t> begin, place;

    explicit example(index_t n) : length(n), qkv(n * 8 * 8), cosine(n * 4 + 400), sine(cosine.size()), begin(n, 0), place(n) {
        mt::random_stream const r{11, 0};
        for (std::size_t i = 0; i < qkv.size(); ++i) qkv[i] = 4 * r.uniform(i) - 2;
        for (index_t t = 0; t < n; ++t) place[t] = static_cast<std::int32_t>(t);
        mt::fill_rotary(mt::rope{.base = 1e4, .length = n + 100}, n + 100, size, cosine.data(), sine.data());
    }
    /// The reference functor where `plainly`, else what the device has.
    template <class Device, class Distance, class Modifier = mt::unmodified>
    std::vector<double> attend(Device& device, Distance const& distance, bool plainly, index_t window = 0, Modifier const& modifier = {}) const {
        index_t const columns = (distance.forms() * heads + (distance.key_forms() + 1) * kv_heads) * size;
        auto const    wide = device.template make<double>(length * columns), output = device.template make<double>(length * heads * size);
        auto const    log_sum = device.template make<double>(length * heads);
        auto const    from = test::uploaded(device, qkv), cosines = test::uploaded(device, cosine), sines = test::uploaded(device, sine);
        auto const    begins = test::uploaded(device, begin), places = test::uploaded(device, place);
        auto const    to = mt::as_matrix(wide.view().data, length, columns);
        auto const    c = mt::as_matrix<double const>(cosines.view().data, length + 100, size / 2);
        auto const    s = mt::as_matrix<double const>(sines.view().data, length + 100, size / 2);
        mt::row_view<std::int32_t const> const at = places.view();
        device.rows(length, mt::op::turn_apart<double, Distance>{mt::as_matrix<double const>(from.view().data, length, 8 * size), to, at, c, s, heads, kv_heads, size,
                                                                 distance});
        mt::attention_problem<double, Modifier, Distance> const p{
            .qkv = to, .document_begin = begins.view(), .output = mt::as_matrix(output.view().data, length, heads * size),
            .log_sum = mt::as_matrix(log_sum.view().data, heads, length), .sequences = 1, .length = length, .heads = heads, .kv_heads = kv_heads, .head_size = size,
            .scale = 1 / std::sqrt(8.0), .window = window, .position = at, .modifier = modifier, .distance = distance};
        plainly ? mt::plain(device, p) : mt::run(device, p);
        return test::downloaded(device, output.view());
    }
    /// From the papers.
    template <class F>
    std::vector<double> wanted(F const& distance) const {
        std::vector<double> all(length * heads * size);
        for (index_t h = 0; h < heads; ++h) {
            auto const head = [&](index_t first) {
                std::vector<double> x(length * size);
                for (index_t t = 0; t < length; ++t) std::copy_n(qkv.begin() + t * 8 * size + first * size, size, x.begin() + t * size);
                return x;
            };
            auto const one = test::far_attention(head(h), head(heads + h / 2), head(heads + kv_heads + h / 2), size, 1e4, distance);
            for (index_t t = 0; t < length; ++t) std::copy_n(one.begin() + t * size, size, all.begin() + (t * heads + h) * size);
        }
        return all;
    }
};

double worst(std::vector<double> const& a, std::vector<double> const& b) {
    double w = a.size() == b.size() ? 0 : 1e9;
    for (std::size_t i = 0; i < a.size(); ++i) w = std::max(w, std::abs(a[i] - b[i]));
    return w;
}

template <class Distance>
void obeys_the_law(Distance const& d, index_t length) {
    for (index_t query = 0; query < length; ++query)
        for (index_t key = 0; key <= query; ++key) {
            index_t const apart = mt::distance_of(d, query, key);
            BOOST_REQUIRE((apart >= 0 && apart < d.spans(length)));
            int const form = mt::form_of(d, query, key);
            BOOST_REQUIRE((d.query_position(form, query) < d.reach(length) && d.key_position(d.key_form(form), key) < d.reach(length)));
        }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(distance, *boost::unit_test::precondition(test::has_devices))

BOOST_AUTO_TEST_CASE(distances_are_those_of_the_papers) {
    mt::dual_chunk const  dual{.chunk = 10, .local = 4};
    mt::self_extend const self{.group = 3, .window = 7};
    for (index_t i = 0; i < 60; ++i)
        for (index_t j = 0; j <= i; ++j) {
            BOOST_REQUIRE(mt::distance_of(dual, i, j) == test::dual_chunk_distance(10, 4, i, j));
            BOOST_REQUIRE(mt::distance_of(self, i, j) == test::self_extend_distance(3, 7, i, j));
            BOOST_REQUIRE(mt::distance_of(mt::any_distance(dual), i, j) == mt::distance_of(dual, i, j));
            BOOST_REQUIRE(mt::distance_of(mt::any_distance(self), i, j) == mt::distance_of(self, i, j));
            BOOST_REQUIRE(mt::distance_of(mt::any_distance(), i, j) == i - j);
            if (i - j <= 4) BOOST_REQUIRE(mt::distance_of(dual, i, j) == i - j);  // the local tokens as they stand
        }
    // Jin et al. 2024, figure 2: window 4, group 2, ten tokens.
    BOOST_TEST(mt::distance_of(mt::self_extend{.group = 2, .window = 4}, 9, 0) == 6);
    obeys_the_law(dual, 60), obeys_the_law(self, 60), obeys_the_law(mt::as_they_stand{}, 60);
    obeys_the_law(mt::self_extend{.group = 1, .window = 5}, 40), obeys_the_law(mt::dual_chunk{.chunk = 8, .local = 0}, 40);
    mt::random_stream const random{6, 1};
    for (std::uint64_t n = 0; n < 200; n += 5) {
        auto const    below = [&](std::uint64_t k, index_t most) { return static_cast<index_t>(random.bits(n + k) % static_cast<std::uint64_t>(most)); };
        index_t const chunk = 1 + below(0, 40), group = 1 + below(2, 9), length = 1 + below(4, 150);
        mt::dual_chunk const  d{.chunk = chunk, .local = below(1, chunk)};
        mt::self_extend const s{.group = group, .window = group + below(3, 40)};
        BOOST_REQUIRE((d.fits() && s.fits()));
        obeys_the_law(d, length), obeys_the_law(s, length), obeys_the_law(mt::any_distance(d), length), obeys_the_law(mt::any_distance(s), length);
    }
    static_assert(!mt::dual_chunk{.chunk = 4, .local = 4}.fits() && !mt::self_extend{.group = 8, .window = 4}.fits());
}
BOOST_AUTO_TEST_CASE_TEMPLATE(attention_is_that_of_the_papers, Device, test::devices) {
    Device        device;
    example const e(40);
    for (bool plainly : {true, false}) {
        BOOST_TEST(worst(e.attend(device, mt::dual_chunk{.chunk = 10, .local = 4}, plainly), e.wanted([](index_t i, index_t j) { return test::dual_chunk_distance(10, 4, i, j); })) < 1e-12);
        BOOST_TEST(worst(e.attend(device, mt::self_extend{.group = 3, .window = 7}, plainly), e.wanted([](index_t i, index_t j) { return test::self_extend_distance(3, 7, i, j); })) < 1e-12);
    }
}
BOOST_AUTO_TEST_CASE_TEMPLATE(tuned_equals_plain_at_the_edges_of_tiles, Device, test::tuned_devices) {
    Device device;
    for (index_t n : {1, 63, 64, 65, 200}) {
        example e(n);
        for (index_t t = n / 2; t < n; ++t) e.begin[t] = static_cast<std::int32_t>(n / 2), e.place[t] = static_cast<std::int32_t>(t - n / 2);
        auto const same = [&](auto const& d) {
            BOOST_TEST(worst(e.attend(device, d, true), e.attend(device, d, false)) < 1e-12);
            BOOST_TEST(worst(e.attend(device, d, true, 50, mt::soft_cap{.cap = 2}), e.attend(device, d, false, 50, mt::soft_cap{.cap = 2})) < 1e-12);
        };
        same(mt::dual_chunk{.chunk = 40, .local = 8}), same(mt::dual_chunk{.chunk = 3, .local = 1}), same(mt::dual_chunk{.chunk = 64, .local = 0});
        same(mt::self_extend{.group = 4, .window = 16}), same(mt::self_extend{.group = 2, .window = 64}), same(mt::any_distance(mt::self_extend{.group = 2, .window = 20}));
    }
}
BOOST_AUTO_TEST_CASE_TEMPLATE(a_text_within_the_first_chunk_or_the_window_is_seen_as_it_stands, Device, test::devices) {
    Device        device;
    example const e(100);
    auto const    plain = e.attend(device, mt::as_they_stand{}, false);
    BOOST_TEST(worst(plain, e.wanted([](index_t i, index_t j) { return i - j; })) < 1e-12);
    BOOST_TEST((e.attend(device, mt::dual_chunk{.chunk = 120, .local = 20}, false) == plain));
    BOOST_TEST((e.attend(device, mt::self_extend{.group = 4, .window = 100}, false) == plain));
    BOOST_TEST((e.attend(device, mt::self_extend{.group = 4, .window = 50}, false) != plain));
}

BOOST_AUTO_TEST_SUITE_END()
