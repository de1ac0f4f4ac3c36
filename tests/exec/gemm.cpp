#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <support/software_units.hpp>

namespace mt = midtrain;

namespace {

template <class T>
std::vector<T> random_values(mt::index_t n, std::uint64_t stream) {
    std::vector<T> v(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = T(static_cast<float>(mt::random_stream{1, stream}.uniform(i) - 0.5));
    return v;
}

/// ||got - want|| / ||want|| against the naive product in double, for one form of the operands.
template <class A, class C, class Device>
double error_of(Device& device, mt::index_t m, mt::index_t n, mt::index_t k, bool at, bool bt, bool accumulate) {
    auto const a = random_values<A>(m * k, 1), b = random_values<A>(k * n, 2);
    auto       c = random_values<C>(m * n, 3);
    auto const before = c;
    device.gemm(mt::gemm_problem<A, A, C>{mt::as_matrix<A const>(a.data(), at ? k : m, at ? m : k), at ? mt::operand::transposed : mt::operand::plain,
                                          mt::as_matrix<A const>(b.data(), bt ? n : k, bt ? k : n), bt ? mt::operand::transposed : mt::operand::plain,
                                          mt::as_matrix(c.data(), m, n), accumulate});
    double apart = 0, size = 0;
    for (mt::index_t i = 0; i < m; ++i)
        for (mt::index_t j = 0; j < n; ++j) {
            double want = accumulate ? double(before[static_cast<std::size_t>(i * n + j)]) : 0.0;
            for (mt::index_t x = 0; x < k; ++x)
                want += double(a[static_cast<std::size_t>(at ? x * m + i : i * k + x)]) * double(b[static_cast<std::size_t>(bt ? j * k + x : x * n + j)]);
            double const d = double(c[static_cast<std::size_t>(i * n + j)]) - want;
            apart += d * d;
            size += want * want;
        }
    return std::sqrt(apart / size);
}

/// What multiplies with registers of `bytes`: three shares, one after the other.
template <int bytes>
struct packed_device {
    template <class A, class B, class C>
    void gemm(mt::gemm_problem<A, B, C> const& p) {
        for (int t = 0; t < 3; ++t) mt::detail::packed_gemm<mt::detail::vector_tiles<A, B, C, bytes>, A, B, C>::run(t, 3, p);
    }
};
/// What multiplies by tiles of matrix units, or of what stands in for them.
template <class Units>
struct matrix_device {
    template <class C>
    void gemm(mt::gemm_problem<mt::bf16, mt::bf16, C> const& p) {
        for (int t = 0; t < 3; ++t)
            Units::call([&](int thread) { mt::detail::packed_gemm<mt::detail::matrix_tiles<C, Units>, mt::bf16, mt::bf16, C>::run(thread, 3, p); }, t);
    }
};
/// Shapes of which some have edges, several blocks, and several parts of their sums.
template <class Units>
void check_matrix_tiles() {
    matrix_device<Units> device;
    for (auto [m, n, k] : {std::array<mt::index_t, 3>{1, 1, 1}, {96, 64, 64}, {97, 33, 300}, {20, 40, 333}, {64, 32, 1100}, {61, 45, 2600}, {8, 1700, 1100}})
        for (int form = 0; form < 8; ++form) {
            BOOST_TEST((error_of<mt::bf16, float>(device, m, n, k, form & 1, form & 2, form & 4)) < 1e-6);
            BOOST_TEST((error_of<mt::bf16, mt::bf16>(device, m, n, k, form & 1, form & 2, form & 4)) < 4e-3);
        }
}

/// The product of columns of wider matrices, with values that are none beside them, has the bits of that of matrices alone.
template <class A, class Device>
void check_parts_of_wider_matrices(Device device) {
    auto const widened = [](std::vector<A> const& x, mt::index_t rows, mt::index_t columns) {
        std::vector<A> wide(static_cast<std::size_t>(rows * (columns + 8)), A(std::nanf("")));
        for (mt::index_t i = 0; i < rows; ++i) std::copy_n(x.data() + i * columns, columns, wide.data() + i * (columns + 8));
        return wide;
    };
    for (mt::index_t k : {64, 300, 320, 352})
        for (bool at : {false, true}) {
            mt::index_t const m = 97, n = 40, rows = at ? k : m, columns = at ? m : k;
            auto const        a = random_values<A>(m * k, 1), b = random_values<A>(n * k, 2), wide_a = widened(a, rows, columns), wide_b = widened(b, n, k);
            std::vector<float> alone(static_cast<std::size_t>(m * n)), part(alone.size());
            auto const         product = [&](auto const& x, auto const& y, std::vector<float>& c) {
                device.gemm(mt::gemm_problem<A, A, float>{.a = x, .a_is = at ? mt::operand::transposed : mt::operand::plain, .b = y, .b_is = mt::operand::transposed,
                                                          .c = mt::as_matrix(c.data(), m, n)});
            };
            product(mt::as_matrix<A const>(a.data(), rows, columns), mt::as_matrix<A const>(b.data(), n, k), alone);
            product(mt::as_matrix<A const>(wide_a.data(), rows, columns + 8).columns_part(0, columns),
                    mt::as_matrix<A const>(wide_b.data(), n, k + 8).columns_part(0, k), part);
            BOOST_TEST((part == alone), k << " terms, a is " << (at ? "transposed" : "plain"));
        }
}

/// Much that begins on lines of the cache goes past them: the bits of what does not.
template <class Units>
void check_past_the_caches() {
    mt::index_t const          m = 1024, n = 1040, k = 40;
    matrix_device<Units>       device;
    mt::host                   memory(1);
    auto const                 a = random_values<mt::bf16>(m * k, 1), b = random_values<mt::bf16>(n * k, 2);
    auto const                 lines = memory.make<float>(m * n);
    std::vector<float>         other(static_cast<std::size_t>(m * (n + 1)));
    for (auto c : {mt::as_matrix(lines.view().data, m, n), mt::as_matrix(other.data(), m, n + 1).columns_part(0, n)})
        device.gemm(mt::gemm_problem<mt::bf16, mt::bf16, float>{.a = mt::as_matrix<mt::bf16 const>(a.data(), k, m), .a_is = mt::operand::transposed,
                                                                .b = mt::as_matrix<mt::bf16 const>(b.data(), k, n), .c = c});
    for (mt::index_t i = 0; i < m; ++i)
        BOOST_TEST_REQUIRE(std::equal(lines.view().data + i * n, lines.view().data + (i + 1) * n, other.data() + i * (n + 1)), "row " << i);
}

template <class A, class C>
double worst(mt::index_t m, mt::index_t n, mt::index_t k) {
    mt::host device(2);
    double   w = 0;
    for (int form = 0; form < 8; ++form) w = std::max(w, error_of<A, C>(device, m, n, k, form & 1, form & 2, form & 4));
    return w;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gemm)

// Sums of k <= 700 products: rounding grows like the root of k times the unit of the type of the sum; the result's own rounding adds.
BOOST_AUTO_TEST_CASE(all_forms_and_edges_equal_the_product_in_double) {
    for (auto [m, n, k] : {std::array<mt::index_t, 3>{1, 1, 1}, {3, 17, 5}, {97, 33, 700}, {130, 259, 64}, {15, 1700, 20}}) {
        BOOST_TEST((worst<double, double>(m, n, k)) < 1e-14);
        BOOST_TEST((worst<float, float>(m, n, k)) < 1e-6);
        BOOST_TEST((worst<mt::bf16, float>(m, n, k)) < 1e-6);
        BOOST_TEST((worst<mt::bf16, mt::bf16>(m, n, k)) < 4e-3);
    }
}
/// Registers of every length, whichever this processor would take; a vector longer than its own is several.
BOOST_AUTO_TEST_CASE(packed_tiles_of_any_register_equal_the_product_in_double) {
    packed_device<16> shorter;
    packed_device<32> middle;
    packed_device<MT_VECTOR_BYTES> own;
    for (int form = 0; form < 8; ++form) {
        auto const worst_of = [&]<class A, class C>(A, C) {
            return std::max({error_of<A, C>(shorter, 61, 45, 700, form & 1, form & 2, form & 4), error_of<A, C>(middle, 61, 45, 700, form & 1, form & 2, form & 4),
                             error_of<A, C>(own, 61, 45, 700, form & 1, form & 2, form & 4)});
        };
        BOOST_TEST(worst_of(double{}, double{}) < 1e-14);
        BOOST_TEST(worst_of(float{}, float{}) < 1e-6);
        BOOST_TEST(worst_of(mt::bf16{}, float{}) < 1e-6);
        BOOST_TEST(worst_of(mt::bf16{}, mt::bf16{}) < 4e-3);
    }
}
BOOST_AUTO_TEST_CASE(packed_tiles_read_what_is_theirs) {
    check_parts_of_wider_matrices<float>(packed_device<16>{});
    check_parts_of_wider_matrices<float>(packed_device<32>{});
    check_parts_of_wider_matrices<float>(packed_device<64>{});
    check_parts_of_wider_matrices<mt::bf16>(packed_device<64>{});
}
/// On any processor: each instruction in plain C++.
BOOST_AUTO_TEST_CASE(tiles_of_matrix_units_equal_the_product_in_double) { check_matrix_tiles<test::software_units>(); }
BOOST_AUTO_TEST_CASE(tiles_of_matrix_units_read_what_is_theirs) { check_parts_of_wider_matrices<mt::bf16>(matrix_device<test::software_units>{}); }

BOOST_AUTO_TEST_CASE(tiles_of_matrix_units_write_much_past_the_caches) {
    int const before = test::software_units::times_streamed;
    check_past_the_caches<test::software_units>();
    BOOST_TEST(test::software_units::times_streamed == before + 3);  // the shares of one product of two
}

#if MT_AMX_IS_KNOWN
boost::test_tools::assertion_result has_matrix_units(boost::unit_test::test_unit_id) { return mt::detail::amx::available(); }
BOOST_AUTO_TEST_CASE(and_with_matrix_units, *boost::unit_test::precondition(has_matrix_units)) {
    check_matrix_tiles<mt::detail::amx>();
    check_parts_of_wider_matrices<mt::bf16>(matrix_device<mt::detail::amx>{});
    check_past_the_caches<mt::detail::amx>();
}
#endif

BOOST_AUTO_TEST_CASE(a_crowd_too) {
    mt::crowd device(4);
    BOOST_TEST((error_of<float, float>(device, 5, 7, 9, true, false, true)) < 1e-6);
}

BOOST_AUTO_TEST_SUITE_END()
