#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/op/grouped_gemm.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/op/scaled_product.hpp>
#include <support/devices.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

template <class T>
std::vector<T> random_values(index_t count, std::uint64_t stream) {
    std::vector<T> v(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = T(mt::computed_t<T>(2 * mt::random_stream{4, stream}.uniform(i) - 1));
    return v;
}
/// Of all values the largest difference, in units of sums of so many random products.
struct difference {
    double most = 0;
    void   operator()(double got, double want, index_t terms) {
        double const d = std::abs(got - want);
        most = std::max(most, std::isnan(d) ? 1e9 : d / std::sqrt(double(std::max<index_t>(terms, 1))));
    }
};
double at(auto const& v, index_t i) { return double(v[static_cast<std::size_t>(i)]); }

/// c(r) = a(r) op(b_g), with two rows more than the groups have.
template <class T, class Device>
double product(std::vector<std::int32_t> const& begin, index_t n, index_t k, bool transposed) {
    Device        device;
    index_t const groups = static_cast<index_t>(begin.size()) - 1, rows = begin.back() + 2;
    auto const    a = random_values<T>(rows * k, 1), b = random_values<T>(groups * n * k, 2), c = random_values<T>(rows * n, 3);
    auto const    da = test::uploaded(device, a), db = test::uploaded(device, b), dc = test::uploaded(device, c);
    auto const    dbegin = test::uploaded(device, begin);
    mt::run(device, mt::grouped_gemm_problem<T, T, T>{
                        .a     = mt::as_matrix<T const>(da.view().data, rows, k),
                        .b     = mt::as_matrix<T const>(db.view().data, groups * (transposed ? n : k), transposed ? k : n),
                        .b_is  = transposed ? mt::operand::transposed : mt::operand::plain,
                        .c     = mt::as_matrix(dc.view().data, rows, n),
                        .begin = dbegin.view()});
    auto const got = test::downloaded(device, dc.view());
    difference found;
    for (index_t r = 0; r < rows; ++r)
        for (index_t j = 0; j < n; ++j) {
            index_t const g    = mt::group_of_row({begin.data(), groups + 1}, r);
            double        want = g == groups ? at(c, r * n + j) : 0;
            for (index_t x = 0; x < k && g < groups; ++x)
                want += at(a, r * k + x) * at(b, g * n * k + (transposed ? j * k + x : x * n + j));
            found(at(got, r * n + j), want, k);
        }
    return found.most;
}
template <class T, class Device>
double outer(std::vector<std::int32_t> const& begin, index_t m, index_t n) {
    using C = mt::computed_t<T>;
    Device        device;
    index_t const groups = static_cast<index_t>(begin.size()) - 1, rows = begin.back() + 2;
    auto const    a = random_values<T>(rows * m, 1), b = random_values<T>(rows * n, 2);
    auto const    c = random_values<C>(groups * m * n, 3);
    auto const    da = test::uploaded(device, a), db = test::uploaded(device, b);
    auto const    dc = test::uploaded(device, c);
    auto const    dbegin = test::uploaded(device, begin);
    mt::run(device, mt::grouped_outer_problem<T, T, C>{mt::as_matrix<T const>(da.view().data, rows, m),
                                                       mt::as_matrix<T const>(db.view().data, rows, n),
                                                       mt::as_matrix(dc.view().data, groups * m, n), dbegin.view()});
    auto const got = test::downloaded(device, dc.view());
    difference found;
    for (index_t i = 0; i < groups * m; ++i)
        for (index_t j = 0; j < n; ++j) {
            index_t const first = begin[static_cast<std::size_t>(i / m)], end = begin[static_cast<std::size_t>(i / m + 1)];
            double        want  = at(c, i * n + j);
            for (index_t r = first; r < end; ++r) want += at(a, r * m + i % m) * at(b, r * n + j);
            found(at(got, i * n + j), want, end - first);
        }
    return found.most;
}
/// Both in eight bits of whole tensors: values with a scale, of b and of what b is to outer's result one a group.
template <class T, class Device>
double scaled(std::vector<std::int32_t> const& begin, index_t m, index_t n, index_t k) {
    using C = mt::computed_t<T>;
    Device        device;
    index_t const groups = static_cast<index_t>(begin.size()) - 1, rows = begin.back() + 2;
    auto const    a = random_values<T>(rows * k, 1), b = random_values<T>(groups * n * k, 2), d = random_values<T>(rows * m, 3);
    std::vector<float> a_scale{0.75f}, b_scale;
    for (index_t g = 0; g < groups; ++g) b_scale.push_back(1 + 0.25f * static_cast<float>(g));
    auto const da = test::uploaded(device, a), db = test::uploaded(device, b), dd = test::uploaded(device, d);
    auto const dc  = device.template make<T>(rows * n);
    auto const dw  = device.template make<C>(groups * m * k);
    auto const sa  = test::uploaded(device, a_scale), sb = test::uploaded(device, b_scale);
    auto const at_ = test::uploaded(device, begin);
    auto const work = device.template make<C>(2 * mt::scaled_gemm_rows * std::max(n, k));
    auto const with = [](auto const& values, index_t r, index_t c, auto const& scales) {
        return mt::scaled_matrix<T>{mt::as_matrix(values.view().data, r, c), mt::as_matrix(scales.view().data, scales.size(), index_t{1})};
    };
    mt::run(device, mt::scaled_grouped_gemm_problem<T, T>{.a     = with(da, rows, k, sa),
                                                          .b     = with(db, groups * n, k, sb),
                                                          .b_is  = mt::operand::transposed,
                                                          .c     = mt::as_matrix(dc.view().data, rows, n),
                                                          .begin = at_.view(),
                                                          .work  = mt::as_matrix(work.view().data, 2 * mt::scaled_gemm_rows, n)});
    mt::run(device, mt::scaled_grouped_outer_problem<T, C>{.a = with(dd, rows, m, sa), .b = with(da, rows, k, sa),
                                                           .c = mt::as_matrix(dw.view().data, groups * m, k), .begin = at_.view(),
                                                           .work = mt::as_matrix(work.view().data, 2 * mt::scaled_gemm_rows, k)});
    auto const got   = test::downloaded(device, dc.view());
    auto const outer = test::downloaded(device, dw.view());
    difference found;
    for (index_t r = 0; r < begin.back(); ++r)
        for (index_t j = 0; j < n; ++j) {
            index_t const g    = mt::group_of_row({begin.data(), groups + 1}, r);
            double        want = 0;
            for (index_t x = 0; x < k; ++x) want += at(a, r * k + x) * at(b, (g * n + j) * k + x);
            found(at(got, r * n + j), want * 0.75 * at(b_scale, g), k);
        }
    for (index_t i = 0; i < groups * m; ++i)
        for (index_t j = 0; j < k; ++j) {
            index_t const first = begin[static_cast<std::size_t>(i / m)], end = begin[static_cast<std::size_t>(i / m + 1)];
            double        want  = 0;
            for (index_t r = first; r < end; ++r) want += at(d, r * m + i % m) * at(a, r * k + j);
            found(at(outer, i * k + j), want * 0.75 * 0.75, end - first);
        }
    return found.most;
}
template <class T, class Device>
double worst(index_t m, index_t n, index_t k) {
    double w = 0;
    for (std::vector<std::int32_t> const& begin :
         {std::vector<std::int32_t>{0, 0, 150, 150}, {0, 1, 1, 130, 193, 200}, {0, 300}, {0, 0, 0}})
        w = std::max({w, product<T, Device>(begin, n, k, false), product<T, Device>(begin, n, k, true), outer<T, Device>(begin, m, n),
                      scaled<T, Device>(begin, m, n, k)});
    return w;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(grouped_gemm, *boost::unit_test::precondition(test::has_devices))

// Sums of up to 300 products, added in another order than here. bfloat16: results are rounded by 2^-9 of their size, up to some four units.
BOOST_AUTO_TEST_CASE_TEMPLATE(equal_the_product_in_double, Device, test::devices) {
    BOOST_TEST((worst<double, Device>(66, 70, 22)) < 1e-14);
    BOOST_TEST((worst<float, Device>(68, 72, 36)) < 1e-6);
    BOOST_TEST((worst<mt::bf16, Device>(136, 72, 40)) < 1e-2);
    BOOST_TEST((worst<float, Device>(5, 7, 9)) < 1e-6);  // rows that are no whole 16 bytes
}

BOOST_AUTO_TEST_SUITE_END()
