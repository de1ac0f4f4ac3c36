#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/exec/host/op/matrix_attention.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/run.hpp>
#include <support/software_units.hpp>

namespace mt = midtrain;

namespace {

/// Sizes of a case; a value size of 0 is the heads' own, and no scale the usual one.
struct sizes {
    mt::index_t           sequences, length, heads, kv_heads, size, values = 0, window = 0;
    std::optional<double> scale{};
    bool                  documents = true;  ///< or each sequence is one
};

/// Values that bfloat16 holds exactly, and what a gradient problem points to, in T.
template <class T>
struct example {
    mt::index_t                      n, width, out;
    std::vector<T>                   qkv, gradient, output, result;
    std::vector<mt::computed_t<T>>   log_sum, dot;
    std::vector<std::int32_t>        begin;
    mt::attention_gradient_problem<T> problem;

    explicit example(sizes const& z)
        : n(z.sequences * z.length), width((z.heads + z.kv_heads) * z.size + z.kv_heads * (z.values > 0 ? z.values : z.size)),
          out(z.heads * (z.values > 0 ? z.values : z.size)), qkv(n * width), gradient(n * out), output(n * out), result(n * width), log_sum(z.heads * n), dot(z.heads * n), begin(n) {
        mt::random_stream const r{7, 0};
        auto const              exact = [&](std::size_t i, double range) { return T(float(mt::bf16(static_cast<float>(range * (2 * r.uniform(i) - 1))))); };
        for (std::size_t i = 0; i < qkv.size(); ++i) qkv[i] = exact(i, 2);
        for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = exact(i + 1'000'000, 1);
        std::int32_t at = 0;
        for (mt::index_t i = 0; i < n; ++i) {
            if (i % z.length == 0) at = 0;
            else if (z.documents && (i % z.length == 64 || mt::mix_bits(static_cast<std::uint64_t>(i)) % 91 == 0)) at = static_cast<std::int32_t>(i % z.length);
            begin[i] = at;
        }
        using C = mt::computed_t<T>;
        problem = {{mt::as_matrix<T const>(qkv.data(), n, width), {begin.data(), n}, mt::as_matrix(output.data(), n, out), mt::as_matrix(log_sum.data(), z.heads, n),
                    z.sequences, z.length, z.heads, z.kv_heads, z.size, C(z.scale.value_or(1 / std::sqrt(double(z.size)))), z.window, {}, {}, {}, z.values},
                   mt::as_matrix<T const>(gradient.data(), n, out), mt::as_matrix(result.data(), n, width), mt::as_matrix(dot.data(), z.heads, n)};
    }
};

template <class A, class B>
double apart(A const& a, B const& b) {
    double d = 0, size = 1e-30;
    for (std::size_t i = 0; i < a.size(); ++i) {
        d += (double(a[i]) - double(b[i])) * (double(a[i]) - double(b[i]));
        size += double(b[i]) * double(b[i]);
    }
    return std::sqrt(d / size);
}

/// Against the reference functors in double: what is left is the rounding to bfloat16, whose root mean square is 2^-8 / sqrt(3) over the mean square of
/// what is rounded, some 1.6e-3: of probabilities and results in forward (2.3e-3 together), of slopes too in backward (2.8e-3).
template <class Units>
void check() {
    for (sizes const& z : {sizes{1, 1, 1, 1, 16}, {2, 70, 4, 2, 12}, {1, 130, 2, 1, 64}, {1, 520, 2, 1, 48}, {2, 150, 6, 2, 20, 7, 40}, {1, 128, 3, 3, 32, 96}, {1, 400, 1, 1, 32, 0, 40}, {1, 600, 2, 1, 16, 0, 70},
                           {1, 200, 2, 1, 40, 70}, {1, 200, 2, 1, 96, 16}, {1, 330, 2, 1, 24, 0, 0, {}, false}, {1, 330, 1, 1, 32, 0, 200, {}, false},
                           {1, 330, 2, 1, 16, 0, 0, -0.5, false}, {1, 200, 1, 1, 16, 0, 0, 0.0, false}}) {
        example<mt::bf16> own(z);
        example<double>   wanted(z);
        mt::thread_pool   pool(3);
        mt::detail::matrix_attention<Units> attention(pool);
        attention.forward(own.problem.forward), attention.backward(own.problem);
        mt::host plainly(1);
        mt::plain(plainly, wanted.problem.forward), mt::plain(plainly, wanted.problem);
        BOOST_TEST(apart(own.log_sum, wanted.log_sum) < 1e-6);
        BOOST_TEST(apart(own.output, wanted.output) < 3e-3);
        BOOST_TEST(apart(own.result, wanted.result) < 4e-3);
    }
}

/// A query whose values are none spoils what it sees, and nothing of the document behind it in the same tile.
template <class Units>
void check_documents_apart() {
    sizes const       z{1, 128, 1, 1, 16};
    example<mt::bf16> whole(z), spoilt(z);
    for (mt::index_t c = 0; c < z.size; ++c) spoilt.qkv[static_cast<std::size_t>(3 * spoilt.width + c)] = mt::bf16(std::numeric_limits<float>::quiet_NaN());
    mt::thread_pool pool(1);
    for (auto* e : {&whole, &spoilt}) {
        mt::detail::matrix_attention<Units> attention(pool);
        attention.forward(e->problem.forward), attention.backward(e->problem);
    }
    BOOST_TEST(std::isnan(float(spoilt.output[static_cast<std::size_t>(3 * spoilt.out)])));
    for (mt::index_t t = 4; t < z.length; ++t)
        for (mt::index_t c = 0; c < z.size; ++c) {
            auto const value = static_cast<std::size_t>(t * whole.width + 2 * z.size + c);
            BOOST_TEST_REQUIRE(spoilt.result[value].bits == whole.result[value].bits);
        }
}

/// Powers of two of both ends, and within what is claimed of them between.
template <class Units>
void check_powers() {
    float const infinite = std::numeric_limits<float>::infinity();
    std::vector<float> in{0, 1, -1, 10, -126, -140, -1000, -1e30f, -infinite, infinite, 200, std::nanf(""), 0.5f, -0.5f, 127, -149}, out;
    for (int k = 0; k < 64000; ++k) in.push_back(-20.0f + 40.0f * static_cast<float>(k) / 64000);
    out.resize(in.size());
    Units::call([from = in.data(), to = out.data(), n = in.size()](int) {
        for (std::size_t i = 0; i < n; i += 16) {
            mt::detail::lanes_t<float, 16> v;
            mt::detail::load_lanes<16>(from + i, v);
            mt::detail::power_of_two<Units>(v, v);
            mt::detail::store_lanes<16, float>(v, to + i);
        }
    }, 0);
    double worst = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
        double const want = std::exp2(double(in[i]));
        if (std::isnan(in[i])) BOOST_TEST(std::isnan(out[i]));
        else if (want > 3.5e38) BOOST_TEST(std::isinf(out[i]));
        else if (in[i] < -126) BOOST_TEST(std::fabs(out[i] - want) < 1e-38);  // what is below the least normal number may be zero
        else worst = std::max(worst, std::fabs(out[i] / want - 1));
    }
    BOOST_TEST(worst < 2.4e-7);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(matrix_attention)

/// On any processor: each instruction in plain C++.
BOOST_AUTO_TEST_CASE(equals_the_reference) { check<test::software_units>(); }
BOOST_AUTO_TEST_CASE(documents_do_not_meet) { check_documents_apart<test::software_units>(); }
BOOST_AUTO_TEST_CASE(powers_of_two) { check_powers<test::software_units>(); }

#if MT_AMX_IS_KNOWN
boost::test_tools::assertion_result has_matrix_units(boost::unit_test::test_unit_id) { return mt::detail::amx::available(); }
BOOST_AUTO_TEST_CASE(and_with_matrix_units, *boost::unit_test::precondition(has_matrix_units)) {
    check<mt::detail::amx>();
    check_documents_apart<mt::detail::amx>();
    check_powers<mt::detail::amx>();
}

/// However many threads there are, and again.
BOOST_AUTO_TEST_CASE(gives_the_same_bits_on_any_number_of_threads, *boost::unit_test::precondition(has_matrix_units)) {
    sizes const z{1, 770, 3, 1, 48};
    std::vector<std::uint16_t> first;
    for (int threads : {1, 2, 5}) {
        example<mt::bf16>                own(z);
        mt::thread_pool                  pool(threads);
        mt::detail::matrix_attention<>   attention(pool);
        attention.forward(own.problem.forward), attention.backward(own.problem);
        std::vector<std::uint16_t> bits;
        for (auto const* v : {&own.output, &own.result})
            for (auto x : *v) bits.push_back(x.bits);
        if (first.empty()) first = bits;
        BOOST_TEST((bits == first));
    }
}
#endif

BOOST_AUTO_TEST_SUITE_END()
