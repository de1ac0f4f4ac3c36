// Ranks that are threads keep the laws of communicators, and so does one rank alone; what goes wrong with one ends all.
#include <boost/test/unit_test.hpp>
#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>
#include <midtrain/comm/self.hpp>
#include <midtrain/comm/threads.hpp>
#include <laws/communicator.hpp>

namespace mt = midtrain;

namespace threads_under_test {

std::string refused(int ranks, void (*f)(mt::threads&)) {
    try {
        mt::on_ranks(ranks, f);
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}

}  // namespace threads_under_test

using namespace threads_under_test;

BOOST_AUTO_TEST_SUITE(threads)

BOOST_AUTO_TEST_CASE(one_alone) {
    mt::self alone;
    BOOST_TEST(laws::communicator(alone) == "");
}

BOOST_AUTO_TEST_CASE(the_laws_hold) {
    for (int ranks : {1, 2, 3, 4, 7}) {
        std::vector<std::string> broken(static_cast<std::size_t>(ranks));
        mt::on_ranks(ranks, [&](mt::threads& me) { broken[static_cast<std::size_t>(me.rank())] = laws::communicator(me); });
        for (auto const& law : broken) BOOST_TEST(law == "");
    }
}

BOOST_AUTO_TEST_CASE(a_sum_has_the_order_of_the_ranks) {
    // In float 1e8 + 1 is 1e8: what is left tells who was added first.
    mt::on_ranks(3, [](mt::threads& me) {
        float x[] = {me.rank() == 0 ? 1e8f : me.rank() == 1 ? 1.0f : -1e8f, me.rank() == 0 ? 1e8f : me.rank() == 1 ? -1e8f : 1.0f};
        me.sum(mt::row_view<float>{x, 2});
        if (x[0] != 0 || x[1] != 1) throw mt::error("another order");
    });
}

BOOST_AUTO_TEST_CASE(nothing_moves_before_it_is_waited_for) {
    mt::on_ranks(2, [](mt::threads& me) {
        int  x[]    = {me.rank() + 1};
        auto ticket = me.sum_async(mt::row_view<int>{x, 1});
        if (x[0] != me.rank() + 1) throw mt::error("too early");
        ticket.wait();
        if (x[0] != 3) throw mt::error("no sum");
    });
}

BOOST_AUTO_TEST_CASE(one_that_fails_ends_all) {
    for (int failing : {0, 2}) {
        std::atomic<int> released{0};
        auto const       run = [&] {
            mt::on_ranks(3, [&](mt::threads& me) {
                auto inner = me.split(0);
                if (me.rank() == failing) throw std::runtime_error("a disk is full");
                double x[] = {1};
                try {
                    if (me.rank() == 1) me.receive(mt::row_view<double>{x, 1}, failing);
                    else inner.sum(mt::row_view<double>{x, 1});
                } catch (mt::error const& e) {
                    released += std::string(e.what()).find("rank " + std::to_string(failing)) != std::string::npos;
                    throw;
                }
            });
        };
        BOOST_CHECK_EXCEPTION(run(), std::runtime_error, [](auto const& e) { return std::string(e.what()) == "a disk is full"; });
        BOOST_TEST(released == 2);
    }
}

BOOST_AUTO_TEST_CASE(sizes_that_do_not_fit) {
    auto const says = [](std::string const& said, char const* what) {
        BOOST_TEST_INFO(said);
        BOOST_TEST(said.find(what) != std::string::npos);
    };
    says(refused(2, [](mt::threads& me) {
        double x[3] = {};
        me.sum(mt::row_view<double>{x, 2 + me.rank()});
    }), "bring as much");
    says(refused(2, [](mt::threads& me) {
        double x[3] = {};
        me.all_gather(mt::row_view<double const>{x, 1}, mt::row_view<double>{x, 3});
    }), "3 values are not 2 parts of 1");
    says(refused(2, [](mt::threads& me) {
        double x[2] = {};
        if (me.rank() == 0) me.send(mt::row_view<double const>{x, 2}, 1);
        else me.receive(mt::row_view<double>{x, 1}, 0);
    }), "rank 0 sent 16 bytes where 8 are expected");
    says(refused(2, [](mt::threads& me) {
        double x[2] = {};
        me.broadcast(mt::row_view<double>{x, 2}, 2);
    }), "no rank 2 among 2");
}

BOOST_AUTO_TEST_SUITE_END()
