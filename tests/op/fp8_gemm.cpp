// Products of bytes and how bytes are made, on every device.
#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/op/fp8_bytes.hpp>
#include <midtrain/op/run.hpp>
#include <support/devices.hpp>

namespace mt = midtrain;
using mt::fp8_scale_of;
using mt::index_t;

namespace {

std::vector<mt::bf16> random_values(index_t count, std::uint64_t stream) {
    std::vector<mt::bf16> v(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < v.size(); ++i)
        v[i] = mt::bf16(static_cast<float>(std::ldexp(2 * mt::random_stream{6, stream}.uniform(i) - 1, static_cast<int>(i % 7) - 3)));
    return v;
}
/// Bytes of x on the device, by tiles of a kind; turned: x holds (k, rows).
template <class F, class Device>
struct bytes {
    typename Device::template buffer<mt::bf16> x;
    typename Device::template buffer<F>        values;
    typename Device::template buffer<float>    scales;
    mt::fp8_matrix<F>                          made;

    bytes(Device& device, std::vector<mt::bf16> const& from, index_t rows, index_t k, fp8_scale_of each, bool turned)
        : x(test::uploaded(device, from)), values(device.template make<F>(rows * k)),
          scales(device.template make<float>(mt::fp8_matrix<F>::scale_count(each, rows, k))),
          made{mt::as_matrix(values.view().data, rows, k), scales.view(), each} {
        auto const in =
            turned ? mt::as_matrix<mt::bf16 const>(x.view().data, k, rows) : mt::as_matrix<mt::bf16 const>(x.view().data, rows, k);
        mt::op::fp8_writer<mt::bf16, F> const w{in, made, turned};
        auto const by = [&](auto const& f) { device.rows(f.teams(), f); };
        if (each == fp8_scale_of::all) {
            std::vector<float> const one{0.37f};
            device.upload(one.data(), scales.view());
            by(mt::op::fp8_bytes_of_whole<mt::bf16, F>{w});
        } else if (each == fp8_scale_of::square) {
            by(mt::op::fp8_bytes_of_squares<mt::bf16, F>{w, false});
        } else if (turned) {
            by(mt::op::fp8_bytes_of_columns<mt::bf16, F>{w, false});
        } else {
            by(mt::op::fp8_bytes_of_runs<mt::bf16, F>{w, false});
        }
    }
};
/// What the device's bytes are, read on the host.
template <class F>
struct read_back {
    std::vector<F>     values;
    std::vector<float> scales;
    mt::fp8_matrix<F>  view;

    template <class Device>
    read_back(Device& device, bytes<F, Device> const& b)
        : values(test::downloaded(device, b.values.view())),
          scales(test::downloaded(device, b.scales.view())),
          view{mt::as_matrix(values.data(), b.made.values.rows, b.made.values.columns),
               {scales.data(), static_cast<index_t>(scales.size())},
               b.made.each} {}
};

constexpr index_t m = 144, n = 272, k = 208;

/// Each value is the byte next to x / scale, and the largest of a scale's tile the largest that there is.
template <class F, class Device>
void makes_bytes(fp8_scale_of each, bool turned) {
    Device     device;
    auto const x = random_values(m * k, 1);
    bytes<F, Device> const there(device, x, m, k, each, turned);
    read_back<F> const     b(device, there);
    double                 largest = 0;
    for (index_t i = 0; i < m; ++i)
        for (index_t j = 0; j < k; ++j) {
            float const want = float(x[static_cast<std::size_t>(turned ? j * m + i : i * k + j)]) / b.view.scale(i, j),
                        got  = float(b.view.values(i, j));
            BOOST_REQUIRE(got == float(F(want)));
            largest = std::max(largest, std::abs(double(got)));
        }
    if (each != fp8_scale_of::all) BOOST_TEST(largest == F::largest());
}
template <class A, class C, class Device>
double product(fp8_scale_of a_by, fp8_scale_of b_by, bool accumulate) {
    Device                     device;
    auto const                 x = random_values(m * k, 1), y = random_values(n * k, 2);
    bytes<A, Device> const     a(device, x, m, k, a_by, false);
    bytes<mt::e4m3, Device> const b(device, y, n, k, b_by, true);
    std::vector<C> before(m * n);
    for (std::size_t i = 0; i < before.size(); ++i) before[i] = C(static_cast<float>(i % 5));
    auto const c = test::uploaded(device, before);
    mt::run(device, mt::fp8_gemm_problem<A, mt::e4m3, C>{a.made, b.made, mt::as_matrix(c.view().data, m, n), accumulate});
    auto const got = test::downloaded(device, c.view());
    read_back<A> const        left(device, a);
    read_back<mt::e4m3> const right(device, b);
    double most = 0, size = 0;
    for (index_t i = 0; i < m; ++i)
        for (index_t j = 0; j < n; ++j) {
            double want = accumulate ? double(before[static_cast<std::size_t>(i * n + j)]) : 0;
            for (index_t l = 0; l < k; ++l)
                want += double(left.view.values(i, l)) * left.view.scale(i, l) * double(right.view.values(j, l)) * right.view.scale(j, l);
            double const d = std::abs(double(got[static_cast<std::size_t>(i * n + j)]) - want);
            most = std::max(most, std::isnan(d) ? 1e9 : d), size = std::max(size, std::abs(want));
        }
    return most / size;
}
template <class Device>
bool does(mt::fp8_scaling scaling) {
    if constexpr (requires(Device const& d) { d.multiplies_fp8(scaling); }) return Device().multiplies_fp8(scaling);
    else return true;  // by the reference
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fp8_gemm, *boost::unit_test::precondition(test::has_devices))

BOOST_AUTO_TEST_CASE_TEMPLATE(bytes_are_the_nearest_to_value_by_scale, Device, test::devices) {
    for (auto each : {fp8_scale_of::all, fp8_scale_of::run, fp8_scale_of::square})
        for (bool turned : {false, true}) {
            makes_bytes<mt::e4m3, Device>(each, turned);
            makes_bytes<mt::e5m2, Device>(each, turned);
        }
}
// Sums of 208 products in float, on tensor cores maybe with some bits fewer than float has (13 below the largest product, promoted every
// 128).
BOOST_AUTO_TEST_CASE_TEMPLATE(products_equal_those_in_double, Device, test::devices) {
    double const fine = test::same_arithmetic ? 1e-6 : 5e-4;
    for (bool accumulate : {false, true}) {
        if (does<Device>(mt::fp8_scaling::tensor)) {
            BOOST_TEST((product<mt::e4m3, float, Device>(fp8_scale_of::all, fp8_scale_of::all, accumulate)) < fine);
            BOOST_TEST((product<mt::e5m2, float, Device>(fp8_scale_of::all, fp8_scale_of::all, accumulate)) < fine);
            BOOST_TEST((product<mt::e4m3, mt::bf16, Device>(fp8_scale_of::all, fp8_scale_of::all, accumulate)) < 4e-3);
        }
        if (does<Device>(mt::fp8_scaling::block)) {
            BOOST_TEST((product<mt::e4m3, mt::bf16, Device>(fp8_scale_of::run, fp8_scale_of::square, accumulate)) < 4e-3);
            BOOST_TEST((product<mt::e4m3, float, Device>(fp8_scale_of::run, fp8_scale_of::run, accumulate)) < fine);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
