#include <algorithm>
#include <array>
#include <cmath>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/problem/gemm.hpp>
#include <cuda/gpu.hpp>

namespace mt = midtrain;

namespace {

template <class T>
std::vector<T> random_values(mt::index_t n, std::uint64_t stream) {
    std::vector<T> v(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = T(static_cast<float>(mt::random_stream{1, stream}.uniform(i) - 0.5));
    return v;
}

template <class T>
mt::cuda_buffer<T> uploaded(mt::cuda& device, std::vector<T> const& v) {
    auto b = device.make<T>(static_cast<mt::index_t>(v.size()));
    device.upload(v.data(), b.view());
    return b;
}

/// ||got - want|| / ||want|| against the naive product in double, for one form of the operands.
template <class A, class C>
double error_of(mt::cuda& device, mt::index_t m, mt::index_t n, mt::index_t k, bool at, bool bt, bool accumulate) {
    auto const a = random_values<A>(m * k, 1), b = random_values<A>(k * n, 2);
    auto const before = random_values<C>(m * n, 3);
    auto const x = uploaded(device, a), y = uploaded(device, b);
    auto const z = uploaded(device, before);
    device.gemm(mt::gemm_problem<A, A, C>{mt::as_matrix<A const>(x.view().data, at ? k : m, at ? m : k), at ? mt::operand::transposed : mt::operand::plain,
                                          mt::as_matrix<A const>(y.view().data, bt ? n : k, bt ? k : n), bt ? mt::operand::transposed : mt::operand::plain,
                                          mt::as_matrix(z.view().data, m, n), accumulate});
    std::vector<C> c(before.size());
    device.download(mt::row_view<C const>(z.view()), c.data());
    double apart = 0, size = 0;
    for (mt::index_t i = 0; i < m; ++i)
        for (mt::index_t j = 0; j < n; ++j) {
            double want = accumulate ? double(before[static_cast<std::size_t>(i * n + j)]) : 0.0;
            for (mt::index_t l = 0; l < k; ++l)
                want += double(a[static_cast<std::size_t>(at ? l * m + i : i * k + l)]) * double(b[static_cast<std::size_t>(bt ? j * k + l : l * n + j)]);
            double const d = double(c[static_cast<std::size_t>(i * n + j)]) - want;
            apart += d * d;
            size += want * want;
        }
    return std::sqrt(apart / size);
}

template <class A, class C>
double worst(mt::index_t m, mt::index_t n, mt::index_t k) {
    mt::cuda device;
    double   w = 0;
    for (int form = 0; form < 8; ++form) w = std::max(w, error_of<A, C>(device, m, n, k, form & 1, form & 2, form & 4));
    return w;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gemm, *boost::unit_test::precondition(test::has_gpu))

// Sums of k <= 304 products: rounding grows like the root of k times the unit of the type of the sum; the result's own rounding adds.
// The odd sizes are not for bf16, whose rows tensor cores want in multiples of 16 bytes.
BOOST_AUTO_TEST_CASE(all_forms_and_edges_equal_the_product_in_double) {
    for (auto [m, n, k] : {std::array<mt::index_t, 3>{1, 1, 1}, {3, 17, 5}, {96, 32, 304}, {130, 259, 64}}) {
        BOOST_TEST((worst<double, double>(m, n, k)) < 1e-14);
        BOOST_TEST((worst<float, float>(m, n, k)) < 1e-6);
    }
    for (auto [m, n, k] : {std::array<mt::index_t, 3>{8, 8, 8}, {96, 32, 304}, {256, 1000, 64}}) {
        BOOST_TEST((worst<mt::bf16, float>(m, n, k)) < 1e-6);
        BOOST_TEST((worst<mt::bf16, mt::bf16>(m, n, k)) < 4e-3);
    }
}

BOOST_AUTO_TEST_SUITE_END()
