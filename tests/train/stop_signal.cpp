// A signal asks all that live to stop, and when the last has gone signals mean what they meant before.
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <optional>
#include <utility>
#include <midtrain/train/stop_signal.hpp>

namespace mt = midtrain;

namespace stop_signal_under_test {

bool is_default(int signal) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    return now.sa_handler == SIG_DFL;
}

}  // namespace stop_signal_under_test

BOOST_AUTO_TEST_SUITE(stop_signal)

BOOST_AUTO_TEST_CASE(of_several_the_last_puts_things_back) {
    struct sigaction plain {}, before {};
    plain.sa_handler = SIG_DFL;
    sigaction(SIGTERM, &plain, &before);
    {
        std::optional<mt::stop_signal> first(std::in_place), second(std::in_place);
        BOOST_TEST((!first->came() && !second->came()));
        first.reset();
        std::raise(SIGTERM);
        BOOST_TEST(second->came());
        mt::stop_signal const late;
        BOOST_TEST(late.came());
    }
    BOOST_TEST(stop_signal_under_test::is_default(SIGTERM));
    mt::stop_signal const next;
    BOOST_TEST(!next.came());
    sigaction(SIGTERM, &before, nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
