// Ranks meet over TCP: as threads, as processes, in any order, past strangers; and who does not come is named.
#include <boost/test/unit_test.hpp>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <sys/wait.h>
#include <unistd.h>
#include <midtrain/comm/rendezvous.hpp>
#include <midtrain/comm/tcp_socket.hpp>

namespace mt = midtrain;

namespace rendezvous_under_test {

constexpr std::array<std::byte, 128> key = [] {
    std::array<std::byte, 128> k{};
    for (std::size_t i = 0; i < k.size(); ++i) k[i] = static_cast<std::byte>(i * 7 + 1);
    return k;
}();

/// A port that nobody has, from 21000 on.
int free_port() {
    static int next = 21000 + static_cast<int>(::getpid() % 4000);
    while (!mt::detail::tcp_socket::listening(++next, true, 1)) {}
    return next;
}

mt::launch rank(int r, int size, int port) { return {.rank = r, .size = size, .port = port, .job = "test"}; }

bool meets(mt::launch const& me, double seconds = 20) {
    auto const got = mt::rendezvous(me, me.rank == 0 ? std::span<std::byte const>(key) : std::span<std::byte const>{}, seconds);
    return got.size() == key.size() && std::memcmp(got.data(), key.data(), key.size()) == 0;
}
std::string refused(mt::launch const& me, double seconds) {
    try {
        meets(me, seconds);
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}
void says(std::string const& said, char const* what) {
    BOOST_TEST_INFO(said);
    BOOST_TEST(said.find(what) != std::string::npos);
}

}  // namespace rendezvous_under_test

using namespace rendezvous_under_test;

BOOST_AUTO_TEST_SUITE(rendezvous)

BOOST_AUTO_TEST_CASE(alone) { BOOST_TEST(meets(rank(0, 1, 1))); }

BOOST_AUTO_TEST_CASE(threads_of_any_order) {
    for (int late : {0, 1, 3}) {
        int const                port = free_port();
        std::array<char, 4>      met{};
        std::vector<std::thread> all;
        for (int r = 0; r < 4; ++r)
            all.emplace_back([&, r] {
                if (r == late) std::this_thread::sleep_for(std::chrono::milliseconds(150));
                met[static_cast<std::size_t>(r)] = meets(rank(r, 4, port));
            });
        for (auto& t : all) t.join();
        for (char m : met) BOOST_TEST(static_cast<bool>(m));
    }
}

BOOST_AUTO_TEST_CASE(processes) {
    int const          port = free_port();
    std::vector<pid_t> children;
    for (int r = 1; r < 4; ++r) {
        pid_t const child = ::fork();
        if (child == 0) {
            int code = 1;
            try {
                code = meets(rank(r, 4, port)) ? 0 : 1;
            } catch (...) {}
            ::_exit(code);
        }
        children.push_back(child);
    }
    BOOST_TEST(meets(rank(0, 4, port)));
    for (pid_t child : children) {
        int status = -1;
        ::waitpid(child, &status, 0);
        BOOST_TEST(status == 0);
    }
}

BOOST_AUTO_TEST_CASE(strangers_are_passed_over) {
    int const   port = free_port();
    bool        first = false;
    std::thread host([&] { first = meets(rank(0, 2, port)); });
    double const until = mt::seconds_now() + 10;
    mt::detail::tcp_socket stranger;
    while (!stranger && mt::seconds_now() < until) stranger = mt::detail::tcp_socket::connected("127.0.0.1", port, until);
    char const http[32] = "GET / HTTP/1.0\r\n\r\n";
    BOOST_TEST(stranger.send_all(http, sizeof http, until));
    auto other = rank(1, 2, port);
    other.job  = "another";
    says(refused(other, 10), "another job listens there");
    says(refused(rank(1, 3, port), 10), "was not started with 3 ranks");
    BOOST_TEST(meets(rank(1, 2, port)));
    host.join();
    BOOST_TEST(first);
}

BOOST_AUTO_TEST_CASE(the_same_rank_twice) {
    int const   port = free_port();
    bool        first = false, third = false;
    std::thread host([&] { first = meets(rank(0, 3, port)); });
    BOOST_TEST(meets(rank(1, 3, port)));
    says(refused(rank(1, 3, port), 10), "another process says that it is this rank");
    third = meets(rank(2, 3, port));
    host.join();
    BOOST_TEST((first && third));
}

BOOST_AUTO_TEST_CASE(who_does_not_come_is_named) {
    int const   port = free_port();
    std::string said;
    std::thread host([&] { said = refused(rank(0, 4, port), 0.6); });
    BOOST_TEST(meets(rank(2, 4, port)));
    host.join();
    says(said, "these have not come: 1, 3");
    says(refused(rank(1, 2, free_port()), 0.3), "nobody answered in 0 s (Connection refused)");
    auto nowhere = rank(1, 2, port);
    nowhere.host = "";
    says(refused(nowhere, 0.3), "set MASTER_ADDR");
    nowhere.host = "no.such.host.invalid";
    says(refused(nowhere, 0.3), "No route to host");
    auto const taken = mt::detail::tcp_socket::listening(port, true, 1);
    BOOST_TEST(static_cast<bool>(taken));
    says(refused(rank(0, 2, port), 0.3), "cannot listen there");
}

BOOST_AUTO_TEST_SUITE_END()
