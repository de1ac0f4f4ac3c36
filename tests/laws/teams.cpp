#include <boost/test/unit_test.hpp>
#include <cmath>
#include <mutex>
#include <set>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/exec/host/solo_team.hpp>
#include <support/functors.hpp>
#include <support/played_block.hpp>

namespace mt = midtrain;

namespace {

/// Reduces n random values, and gathers what each lane was told.
struct sum_of_values {
    mt::index_t       n;
    std::set<double>* seen;
    std::mutex*       guard;

    template <class Team>
    void operator()(Team const& team, mt::index_t) const {
        double const s = team.reduce(n, mt::sum{}, [](mt::index_t i) { return mt::random_stream{3, 0}.uniform(static_cast<std::uint64_t>(i)) - 0.5; });
        std::lock_guard const lock(*guard);
        seen->insert(s);
    }
};

template <class Device>
std::set<double> sums(Device& device, mt::index_t n) {
    std::set<double> seen;
    std::mutex       guard;
    device.rows(4, sum_of_values{n, &seen, &guard});
    return seen;
}

double solo_sum(mt::index_t n) {
    return mt::solo_team{}.reduce(n, mt::sum{}, [](mt::index_t i) { return mt::random_stream{3, 0}.uniform(static_cast<std::uint64_t>(i)) - 0.5; });
}

/// Sums of up to 8197 values in [-1, 1], in another order: in double a few hundred units of 1.1e-16 at most; in bf16 the results are
/// rounded to 8 bits, and a sum that falls on the other side of a rounding differs by one of them.
template <class Device>
void equals_the_host(Device& device, mt::index_t width) {
    mt::host   host(1);
    auto const fine = test::apart(test::functors<double, Device>::all(device, width), test::functors<double, mt::host>::all(host, width));
    BOOST_TEST(fine.first < 1e-13, fine.second << " is " << fine.first << " apart");
    auto const coarse = test::apart(test::functors<mt::bf16, Device>::all(device, width), test::functors<mt::bf16, mt::host>::all(host, width));
    BOOST_TEST(coarse.first < 8e-3, coarse.second << " is " << coarse.first << " apart");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(teams)

BOOST_AUTO_TEST_CASE(a_warp_adds_in_the_order_of_the_team_of_one) {
    test::played_warps device;
    for (mt::index_t n : {0, 1, 31, 32, 33, 1000}) BOOST_TEST((sums(device, n) == std::set<double>{solo_sum(n)}), n);
}
BOOST_AUTO_TEST_CASE(a_block_gives_all_its_lanes_the_same_bits) {
    test::played_blocks<128> device;
    for (mt::index_t n : {0, 1, 31, 129, 1000}) {
        auto const found = sums(device, n);
        BOOST_TEST(found.size() == 1, n);
        BOOST_TEST(std::abs(*found.begin() - solo_sum(n)) < 1e-13, n);
    }
}
BOOST_AUTO_TEST_CASE(a_block_of_one_warp_is_a_warp) {
    test::played_blocks<32> device;
    BOOST_TEST((sums(device, 777) == std::set<double>{solo_sum(777)}));
}
BOOST_AUTO_TEST_CASE(every_functor_by_warps_equals_the_host) {
    test::played_warps device;
    equals_the_host(device, 75);
}
BOOST_AUTO_TEST_CASE(every_functor_by_a_block_equals_the_host) {
    test::played_blocks<64> device;
    equals_the_host(device, 75);
    equals_the_host(device, 33);
}
BOOST_AUTO_TEST_CASE(every_functor_by_a_crowd_of_a_warp_equals_the_host) {
    mt::crowd device(32);
    equals_the_host(device, 75);
}
BOOST_AUTO_TEST_CASE(every_functor_by_a_crowd_of_a_block_equals_the_host) {
    mt::crowd device(256);
    equals_the_host(device, 300);
}

BOOST_AUTO_TEST_SUITE_END()
