#pragma once
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>
#include <midtrain/comm/launch.hpp>
#include <midtrain/comm/tcp_socket.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/seconds_now.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

/// What a rank says when it comes to rank 0, and what rank 0 answers; both in the byte order of the machine, as a job runs on one kind.
struct rendezvous_hello {
    std::array<char, 8> who{'m', 'i', 'd', 't', 'r', 'a', 'i', 'n'};
    std::uint64_t       job = 0;
    std::int32_t        rank = 0, size = 1;
};
struct rendezvous_answer {
    enum verdict : std::int64_t { welcome, other_job, other_size, rank_taken };

    std::int64_t  is    = welcome;
    std::uint64_t bytes = 0;
};

constexpr std::uint64_t hash_of_job(std::string_view job) {  // FNV-1a
    std::uint64_t h = 14695981039346656037ull;
    for (char c : job) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    return h;
}

inline rendezvous_answer judge_hello(rendezvous_hello const& h, launch const& me, std::vector<char> const& come) {
    if (h.job != hash_of_job(me.job)) return {rendezvous_answer::other_job};
    if (h.size != me.size || h.rank <= 0 || h.rank >= me.size) return {rendezvous_answer::other_size};
    if (come[static_cast<std::size_t>(h.rank)]) return {rendezvous_answer::rank_taken};
    return {rendezvous_answer::welcome};
}

/// Rank 0 gives its bytes to everyone who comes.
inline void give_to_all(launch const& me, std::span<std::byte const> bytes, double seconds) {
    double const until     = seconds_now() + seconds;
    bool const   only_here = me.host == "127.0.0.1" || me.host == "localhost";
    auto const   at        = "rendezvous at " + me.host + ":" + std::to_string(me.port);
    auto         door      = tcp_socket::listening(me.port, only_here, me.size);
    check(static_cast<bool>(door),
          [&] { return at + ": rank 0 cannot listen there: " + std::strerror(errno) + "; give another MASTER_PORT"; });
    std::vector<char> come(static_cast<std::size_t>(me.size), 0);
    for (int missing = me.size - 1; missing > 0;) {
        auto one = door.accept_one(until);
        check(one || seconds_now() < until, [&] {
            std::string who;
            for (int r = 1; r < me.size; ++r)
                if (!come[static_cast<std::size_t>(r)]) who += (who.empty() ? "" : ", ") + std::to_string(r);
            return at + ": of " + std::to_string(me.size) + " ranks these have not come: " + who +
                   "; have they ended, or can they not reach this host?";
        });
        double const     soon = std::min(until, seconds_now() + 5);  // who connects and says nothing does not keep the others
        rendezvous_hello h;
        if (!one || !one.receive_all(&h, sizeof h, soon) || h.who != rendezvous_hello{}.who) continue;
        auto answer  = judge_hello(h, me, come);
        answer.bytes = bytes.size();
        if (!one.send_all(&answer, sizeof answer, soon) || answer.is != rendezvous_answer::welcome) continue;
        if (!one.send_all(bytes.data(), bytes.size(), soon)) continue;
        come[static_cast<std::size_t>(h.rank)] = 1;
        --missing;
    }
}

/// Another rank asks rank 0, again and again until it listens.
inline std::vector<std::byte> take_from_first(launch const& me, double seconds) {
    double const until = seconds_now() + seconds;
    auto const   who   = "rank " + std::to_string(me.rank) + ", rendezvous at " + me.host + ":" + std::to_string(me.port);
    for (int why = ETIMEDOUT;;) {
        auto one = tcp_socket::connected(me.host, me.port, until);
        if (one) {
            rendezvous_hello const h{.job = hash_of_job(me.job), .rank = me.rank, .size = me.size};
            rendezvous_answer      answer;
            if (one.send_all(&h, sizeof h, until) && one.receive_all(&answer, sizeof answer, until)) {
                check(answer.is != rendezvous_answer::other_job,
                      [&] { return who + ": another job listens there; give another MASTER_PORT"; });
                check(answer.is != rendezvous_answer::other_size, [&] {
                    return who + ": rank 0 was not started with " + std::to_string(me.size) + " ranks; start all of them by one launcher";
                });
                check(answer.is != rendezvous_answer::rank_taken, [&] { return who + ": another process says that it is this rank"; });
                std::vector<std::byte> bytes(answer.bytes);
                if (one.receive_all(bytes.data(), bytes.size(), until)) return bytes;
            }
        }
        why = errno != 0 ? errno : why;
        check(seconds_now() < until, [&] {
            return who + ": nobody answered in " + std::to_string(static_cast<int>(seconds)) + " s (" + std::strerror(why) +
                   "); does rank 0 run there, and may this host reach that port?  MASTER_ADDR and MASTER_PORT say where";
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

}  // namespace detail

/// The bytes of rank 0, given to all ranks of a launch over TCP: rank 0 listens at its host and port, the others come and ask. That is how
/// processes find each other before they can talk otherwise, whoever launched them. Throws midtrain::error, naming who is missing, when not
/// all have met within so many seconds.
inline std::vector<std::byte> rendezvous(launch const& me, std::span<std::byte const> of_rank_0, double seconds = 120) {
    if (me.size > 1) {
        check(!me.host.empty(), "the ranks are on several machines, and nobody said where rank 0 is: set MASTER_ADDR for all of them, such as "
                                "by mpirun -x MASTER_ADDR=$(hostname)");
        if (me.rank > 0) return detail::take_from_first(me, seconds);
        detail::give_to_all(me, of_rank_0, seconds);
    }
    return {of_rank_0.begin(), of_rank_0.end()};
}

}  // namespace midtrain::inline MT_ABI
