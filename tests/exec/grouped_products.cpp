#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/cuda/op/grouped_product.hpp>
#include <support/played_warps.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

std::vector<double> random_values(index_t n, std::uint64_t stream) {
    std::vector<double> v(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = 2 * mt::random_stream{7, stream}.uniform(i) - 1;
    return v;
}
template <class T>
std::vector<T> as(std::vector<double> const& v) {
    std::vector<T> to;
    for (double x : v) to.push_back(T(mt::computed_t<T>(x)));
    return to;
}
/// Groups of rows: many kinds, and two rows more that are in none.
std::vector<std::vector<std::int32_t>> kinds_of_groups() {
    std::vector<std::vector<std::int32_t>> all{{0, 0, 0, 0}, {0, 150, 150, 150}, {0, 0, 0, 137},
                                               {0, 1, 2, 3}, {0, 128, 129, 193}, {0, 5, 5, 160, 161}};
    for (std::uint64_t s = 0; s < 3; ++s) {
        std::vector<std::int32_t> begin{0};
        for (std::uint64_t g = 0; g < 9; ++g)
            begin.push_back(begin.back() + static_cast<std::int32_t>(50 * std::max(0.0, mt::random_stream{8, s}.uniform(g) - 0.3)));
        all.push_back(begin);
    }
    return all;
}

/// What a block has: shared memory that begins as garbage, as much as the product asks for.
template <class Block>
void play(Block const& f, int blocks) {
    using T = typename Block::T;
    std::vector<mt::pack<T, 16 / sizeof(T)>> memory(Block::product::shared * sizeof(T) / 16);
    auto* const at = memory.front().values;
    std::fill(at, at + Block::product::shared, T(mt::computed_t<T>(std::numeric_limits<double>::quiet_NaN())));
    test::play_blocks(blocks, 8, [&](test::played_warp const& warp, int b) { f(warp, at, b, blocks); });
}

/// The largest error of c = a op(b_g) relative to the size of sums of k products, and rows behind the last group keep what they had.
template <class Math, class C, bool transposed>
double error_of_gemm(std::vector<std::int32_t> const& begin, index_t columns, index_t k, int blocks, mt::detail::group_scales by = {}) {
    using T = typename Math::value;
    index_t const groups = static_cast<index_t>(begin.size()) - 1, rows = begin.back() + 2, bk = transposed ? columns : k;
    auto const a = as<T>(random_values(rows * k, 1)), b = as<T>(random_values(groups * k * columns, 2));
    auto       c = as<C>(random_values(rows * columns, 3));
    auto const before = c;
    play(mt::detail::grouped_gemm_block<Math, transposed, C>{{.a     = mt::as_matrix(a.data(), rows, k),
                                                              .b     = mt::as_matrix(b.data(), groups * bk, transposed ? k : columns),
                                                              .b_is  = transposed ? mt::operand::transposed : mt::operand::plain,
                                                              .c     = mt::as_matrix(c.data(), rows, columns),
                                                              .begin = {begin.data(), groups + 1}}, by},
         blocks);
    double worst = 0;
    for (index_t r = 0; r < rows; ++r)
        for (index_t j = 0; j < columns; ++j) {
            index_t const g    = mt::group_of_row({begin.data(), groups + 1}, r);
            double        want = g == groups ? double(before[static_cast<std::size_t>(r * columns + j)]) : 0;
            for (index_t x = 0; x < k && g < groups; ++x)
                want +=
                    by.of<double>(g) * double(a[static_cast<std::size_t>(r * k + x)]) *
                    double(b[static_cast<std::size_t>(g * bk * (transposed ? k : columns) + (transposed ? j * k + x : x * columns + j))]);
            double const d = std::abs(double(c[static_cast<std::size_t>(r * columns + j)]) - want);
            worst          = std::max(worst, std::isnan(d) ? 1e9 : d / std::sqrt(double(k)));
        }
    return worst;
}
template <class Math, class C>
double error_of_outer(std::vector<std::int32_t> const& begin, index_t m, index_t n, int blocks, mt::detail::group_scales by = {}) {
    using T = typename Math::value;
    index_t const groups = static_cast<index_t>(begin.size()) - 1, rows = begin.back() + 2;
    auto const a = as<T>(random_values(rows * m, 1)), b = as<T>(random_values(rows * n, 2));
    auto       c = as<C>(random_values(groups * m * n, 3));
    auto const before = c;
    play(mt::detail::grouped_outer_block<Math, C>{{mt::as_matrix(a.data(), rows, m), mt::as_matrix(b.data(), rows, n),
                                                   mt::as_matrix(c.data(), groups * m, n), {begin.data(), groups + 1}}, by}, blocks);
    double worst = 0;
    for (index_t i = 0; i < groups * m; ++i)
        for (index_t j = 0; j < n; ++j) {
            double want = double(before[static_cast<std::size_t>(i * n + j)]);
            for (index_t r = begin[static_cast<std::size_t>(i / m)]; r < begin[static_cast<std::size_t>(i / m + 1)]; ++r)
                want += by.of<double>(i / m) * double(a[static_cast<std::size_t>(r * m + i % m)]) *
                        double(b[static_cast<std::size_t>(r * n + j)]);
            double const d = std::abs(double(c[static_cast<std::size_t>(i * n + j)]) - want);
            worst          = std::max(worst, std::isnan(d) ? 1e9 : d / 12);  // the root of 150 rows
        }
    return worst;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(grouped_products)

BOOST_AUTO_TEST_CASE(tiles_are_every_row_of_a_group_once_by_every_column_tile) {
    for (auto const& begin : kinds_of_groups())
        for (index_t height : {1, 7, 128})
            for (index_t blocks : {1, 3, 1000}) {
                index_t const groups = static_cast<index_t>(begin.size()) - 1, across = 3;
                std::vector<int> seen(static_cast<std::size_t>(begin.back() * across));
                index_t          count = 0;
                for (index_t block = 0; block < blocks; ++block) {
                    mt::detail::grouped_tile_walk walk({begin.data(), groups + 1}, height, across);
                    mt::detail::grouped_tile      at;
                    for (index_t t = block; walk.find(t, at); t += blocks, ++count) {
                        BOOST_REQUIRE((0 < at.rows && at.rows <= height && at.column_tile < across));
                        for (index_t r = at.first; r < at.first + at.rows; ++r) {
                            BOOST_REQUIRE(mt::group_of_row({begin.data(), groups + 1}, r) == at.group);
                            ++seen[static_cast<std::size_t>(r * across + at.column_tile)];
                        }
                    }
                }
                BOOST_TEST((std::count(seen.begin(), seen.end(), 1) == begin.back() * across));
                BOOST_TEST(count <= mt::detail::grouped_tile_walk::most(begin.back(), groups, height, across));
            }
}

// bf16: products are exact in float, sums of up to 160 of them round by a few units of 2^-24; the result's own rounding is 2^-9 of it.
BOOST_AUTO_TEST_CASE(tensor_cores_as_played) {
    using math = mt::detail::tensor_math;
    for (auto const& begin : kinds_of_groups()) {
        BOOST_TEST((error_of_gemm<math, float, true>(begin, 136, 72, 2)) < 1e-6);
        BOOST_TEST((error_of_gemm<math, float, false>(begin, 136, 72, 3)) < 1e-6);
        BOOST_TEST((error_of_gemm<math, mt::bf16, true>(begin, 8, 160, 1)) < 1.5e-2);
        BOOST_TEST((error_of_outer<math, float>(begin, 136, 72, 3)) < 1e-6);
    }
}
BOOST_AUTO_TEST_CASE(scales_of_groups) {
    using math = mt::detail::tensor_math;
    std::vector<std::int32_t> const begin{0, 5, 5, 160, 161};
    float const                     one = 0.75f, each[] = {1, 9, 0.5f, 9, 0.25f, 9, 0.125f, 9};
    BOOST_TEST((error_of_gemm<math, float, true>(begin, 136, 72, 2, {&one, each, 2})) < 1e-6);
    BOOST_TEST((error_of_outer<math, float>(begin, 136, 72, 3, {&one, each, 0})) < 1e-6);
}
BOOST_AUTO_TEST_CASE(without_tensor_cores) {
    using math = mt::detail::lane_math<double>;
    for (auto const& begin : kinds_of_groups()) {
        BOOST_TEST((error_of_gemm<math, double, true>(begin, 70, 22, 2)) < 1e-14);
        BOOST_TEST((error_of_gemm<math, double, false>(begin, 70, 22, 3)) < 1e-14);
        BOOST_TEST((error_of_outer<math, double>(begin, 66, 72, 3)) < 1e-14);
    }
    BOOST_TEST((error_of_gemm<mt::detail::lane_math<float>, float, true>({0, 64, 65}, 68, 36, 1)) < 1e-6);
}

BOOST_AUTO_TEST_SUITE_END()
