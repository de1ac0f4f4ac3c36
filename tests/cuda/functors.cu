#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/exec/host/host.hpp>
#include <support/functors.hpp>
#include <cuda/gpu.hpp>

namespace mt = midtrain;

namespace {

template <class T>
void equal_the_host(double tolerance) {
    mt::cuda device;
    mt::host host(1);
    for (mt::index_t width : {75, 600}) {
        auto const apart = test::apart(test::functors<T, mt::cuda>::all(device, width), test::functors<T, mt::host>::all(host, width));
        BOOST_TEST(apart.first < tolerance, apart.second << " is " << apart.first << " apart");
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(functors, *boost::unit_test::precondition(test::has_gpu))

// Sums of up to 4096 values in another order, and other roundings of exp and log: 6e-8 times a few hundred at most. bf16: a value that
// falls on the other side of a rounding to 8 bits differs by one of them.
BOOST_AUTO_TEST_CASE(all_in_float_equal_the_host) { equal_the_host<float>(2e-5); }
BOOST_AUTO_TEST_CASE(all_in_bf16_equal_the_host) { equal_the_host<mt::bf16>(8e-3); }

BOOST_AUTO_TEST_CASE(twice_the_same_bits) {
    mt::cuda device;
    BOOST_TEST((test::functors<float, mt::cuda>::all(device, 600) == test::functors<float, mt::cuda>::all(device, 600)));
}

BOOST_AUTO_TEST_SUITE_END()
