#include <boost/test/unit_test.hpp>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <support/functors.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(functors)

// Double: sums of up to 4096 values in another order. bf16: a sum that falls on the other side of a rounding differs by one of them.
// Under the thread sanitizer this is what finds a missing barrier; wider crowds are in tests/laws.
BOOST_AUTO_TEST_CASE(all_by_a_crowd_equal_the_host) {
    mt::host   host(1);
    mt::crowd  crowd(8);
    auto const fine = test::apart(test::functors<double, mt::crowd>::all(crowd, 75), test::functors<double, mt::host>::all(host, 75));
    BOOST_TEST(fine.first < 1e-13, fine.second << " is " << fine.first << " apart");
    auto const coarse = test::apart(test::functors<mt::bf16, mt::crowd>::all(crowd, 75), test::functors<mt::bf16, mt::host>::all(host, 75));
    BOOST_TEST(coarse.first < 8e-3, coarse.second << " is " << coarse.first << " apart");
}

BOOST_AUTO_TEST_SUITE_END()
