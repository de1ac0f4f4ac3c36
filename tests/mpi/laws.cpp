// Ranks that are processes keep the laws of communicators. CTest runs this on one, two, three and four.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <stdexcept>
#include <vector>
#include <midtrain/comm/launch.hpp>
#include <midtrain/comm/mpi.hpp>
#include <laws/communicator.hpp>
#include <mpi/ranks.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(mpi)

BOOST_AUTO_TEST_CASE(the_laws_hold) { BOOST_TEST(laws::communicator(test::ranks()) == ""); }

BOOST_AUTO_TEST_CASE(a_part_of_the_ranks_keeps_the_laws) {
    auto inner = test::ranks().split(test::ranks().rank() == 0);
    BOOST_TEST(laws::communicator(inner) == "");
}

BOOST_AUTO_TEST_CASE(the_launcher_says_the_same) {
    auto const l = mt::read_launch();
    BOOST_TEST(l.rank == test::ranks().rank());
    BOOST_TEST(l.size == test::ranks().size());
    BOOST_TEST(l.local_rank == l.rank);
}

BOOST_AUTO_TEST_CASE(ranks_may_wait_in_different_orders) {
    auto&               ranks = test::ranks();
    mt::index_t const   n = 100'000;
    std::vector<double> a(n, 1.0 + ranks.rank()), b(n, 2.0);
    auto                first  = ranks.sum_async(mt::row_view<double>{a.data(), n});
    auto                second = ranks.sum_async(mt::row_view<double>{b.data(), n});
    if (ranks.rank() % 2) first.wait(), second.wait();
    else second.wait(), first.wait();
    double const size = ranks.size();
    BOOST_TEST((a == std::vector<double>(n, size * (size + 1) / 2) && b == std::vector<double>(n, 2 * size)));
}

BOOST_AUTO_TEST_CASE(a_large_sum_goes_in_pieces) {
    auto&                     ranks = test::ranks();
    mt::index_t const         n = (1 << 22) + 5;
    std::vector<std::int32_t> x(n, ranks.rank() + 1);
    ranks.sum(mt::row_view<std::int32_t>{x.data(), n});
    BOOST_TEST((x == std::vector<std::int32_t>(n, ranks.size() * (ranks.size() + 1) / 2)));
}

BOOST_AUTO_TEST_SUITE_END()
