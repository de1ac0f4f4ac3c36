#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <vector>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/stale_gradients.hpp>
#include <support/model_laws.hpp>

namespace mt = midtrain;

namespace {

/// A vector, a matrix that pads, a vector, a matrix that does not, and another.
struct tensors {
    mt::parameter_layout layout;
    mt::parameter        gain, odd, bias, even, last;
    tensors() {
        auto const add = [&](char const* name, mt::index_t rows, mt::index_t columns, mt::index_t bucket) {
            mt::parameter_info info;
            info.name = name, info.rows = rows, info.columns = columns;
            return layout.add(info, bucket);
        };
        gain = add("gain", 1, 70, 0), odd = add("odd", 3, 30, 0), bias = add("bias", 1, 5, 1), even = add("even", 8, 16, 1), last = add("last", 2, 32, 2);
        layout.close();
    }
};
/// What of a memory of ones is zeroed.
struct memory {
    std::vector<int> values;
    explicit memory(mt::parameter_layout const& l) : values(static_cast<std::size_t>(l.size()), 1) {}
    auto zero() {
        return [this](mt::index_t first, mt::index_t n) { std::fill_n(values.begin() + first, n, 0); };
    }
    long ones(mt::parameter_layout const& l, mt::parameter p) const { return std::count(values.begin() + l[p].offset, values.begin() + l[p].offset + l[p].size(), 1); }
    long ones() const { return std::count(values.begin(), values.end(), 1); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(stale_gradients)

BOOST_AUTO_TEST_CASE(all_but_matrices_is_zero_at_once_and_of_them_what_nobody_writes) {
    tensors const       t;
    memory              m(t.layout);
    mt::stale_gradients stale;
    BOOST_TEST(!stale.take(t.odd));
    stale.begin(t.layout, m.zero());
    BOOST_TEST(m.ones() == 90 + 128 + 64);
    for (auto p : {t.odd, t.even, t.last}) BOOST_TEST(m.ones(t.layout, p) == t.layout[p].size());
    BOOST_TEST(stale.take(t.even));
    BOOST_TEST(!stale.take(t.even));
    BOOST_TEST(!stale.take(t.bias));
    stale.end(t.layout, 1, m.zero());
    BOOST_TEST(m.ones(t.layout, t.last) == 0);
    BOOST_TEST(m.ones() == 90 + 128);  // written, and of an earlier bucket
    stale.end(t.layout, 0, m.zero());
    BOOST_TEST(m.ones() == 128);
    BOOST_TEST(!stale.take(t.odd));
}

BOOST_AUTO_TEST_CASE(who_looks_at_a_gradient_that_no_pass_has_made_sees_zeros) {
    mt::host                                                               device(1);
    mt::trainable<mt::host, mt::model::gpt2, test::small_shape, mt::fp32> m(device, {});
    m.initialise(1);
    auto const memory = m.gradient();
    test::spoil(memory);
    m.zero_gradient();
    BOOST_TEST(std::isnan(memory[m.parameters().size() / 2]));
    BOOST_TEST(m.gradient_norm() == 0);
    test::spoil(memory);
    m.zero_gradient();
    BOOST_TEST(std::count(m.gradient().begin(), m.gradient().end(), 0.0f) == m.parameters().size());
}

/// The second of two passes adds to the first.
BOOST_AUTO_TEST_CASE(passes_add_up) {
    mt::host                                                               device(1);
    mt::trainable<mt::host, mt::model::gpt2, test::small_shape, mt::fp64> m(device, {});
    m.initialise(1);
    auto const          owned = test::owned_batch::random(2, 16, 96, 7);
    std::vector<double> by_token(32);
    auto const          pass = [&] { m.accumulate(owned.view(), {by_token.data(), 32}); };
    test::spoil(m.gradient());
    m.zero_gradient();
    pass();
    std::vector<double> const once(m.gradient().begin(), m.gradient().end());
    pass();
    double worst = 0;
    for (mt::index_t i = 0; i < m.parameters().size(); ++i) worst = std::max(worst, std::abs(m.gradient()[i] - 2 * once[static_cast<std::size_t>(i)]));
    BOOST_TEST(worst < 1e-15);  // some roundings of double of values far below one
}

BOOST_AUTO_TEST_SUITE_END()
