#include <boost/test/unit_test.hpp>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/host.hpp>
#include <support/devices.hpp>
#include <support/functors.hpp>

namespace mt = midtrain;

namespace {

template <class T, class Device>
void equal_the_host(mt::index_t width, double tolerance) {
    Device     device;
    mt::host   host(1);
    auto const apart = test::apart(test::functors<T, Device>::all(device, width), test::functors<T, mt::host>::all(host, width));
    BOOST_TEST(apart.first < tolerance, apart.second << " is " << apart.first << " apart");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(functors, *boost::unit_test::precondition(test::has_devices))

// Sums of up to 4096 values in another order, and other roundings of exp and log: 6e-8 times a few hundred at most. bf16: a value that
// falls on the other side of a rounding to 8 bits differs by one of them. Under the thread sanitizer this is what finds a missing barrier;
// wider crowds, and double, are in tests/laws.
BOOST_AUTO_TEST_CASE_TEMPLATE(all_equal_the_host, Device, test::devices) {
    for (mt::index_t width : {75, 600}) {
        equal_the_host<float, Device>(width, 2e-5);
        equal_the_host<mt::bf16, Device>(width, 8e-3);
    }
}
BOOST_AUTO_TEST_CASE_TEMPLATE(twice_the_same_bits, Device, test::devices) {
    Device device;
    BOOST_TEST((test::functors<float, Device>::all(device, 600) == test::functors<float, Device>::all(device, 600)));
}

BOOST_AUTO_TEST_SUITE_END()
