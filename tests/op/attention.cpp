#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/run.hpp>

namespace mt = midtrain;

namespace {

/// Queries, keys, values and a gradient at random; documents that begin inside and at the edges of tiles.
struct example {
    mt::index_t               sequences, length, heads, kv_heads, size;
    std::vector<double>       qkv, output, gradient, result, log_sum, dot;
    std::vector<std::int32_t> begin;

    example(mt::index_t s, mt::index_t t, mt::index_t h, mt::index_t kv, mt::index_t d)
        : sequences(s), length(t), heads(h), kv_heads(kv), size(d), qkv(s * t * (h + 2 * kv) * d), output(s * t * h * d),
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
    mt::attention_gradient_problem<double> problem() {
        auto const n = sequences * length, w = (heads + 2 * kv_heads) * size;
        return {{mt::as_matrix<double const>(qkv.data(), n, w), {begin.data(), n}, mt::as_matrix(output.data(), n, heads * size),
                 mt::as_matrix(log_sum.data(), heads, n), sequences, length, heads, kv_heads, size, 1 / std::sqrt(double(size))},
                mt::as_matrix<double const>(gradient.data(), n, heads * size), mt::as_matrix(result.data(), n, w),
                mt::as_matrix(dot.data(), heads, n)};
    }
};

double worst(std::vector<double> const& a, std::vector<double> const& b) {
    double w = 0;
    for (std::size_t i = 0; i < a.size(); ++i) w = std::max(w, std::abs(a[i] - b[i]));
    return w;
}

void tuned_equals_plain(mt::index_t s, mt::index_t t, mt::index_t h, mt::index_t kv, mt::index_t d) {
    mt::host device(2);
    example  tuned(s, t, h, kv, d), plain(s, t, h, kv, d);
    auto     a = tuned.problem(), b = plain.problem();
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

BOOST_AUTO_TEST_SUITE_END()
