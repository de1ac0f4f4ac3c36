#pragma once
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <midtrain/core/error.hpp>
#include <midtrain/core/seconds_now.hpp>

namespace midtrain::inline MT_ABI::detail {

/// A TCP socket that closes itself. Every wait ends at a moment, in seconds_now(); what fails is false or empty, with the reason in errno.
class tcp_socket {
  public:
    tcp_socket() = default;
    explicit tcp_socket(int number) : number_(number) {}
    tcp_socket(tcp_socket&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    tcp_socket& operator=(tcp_socket&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~tcp_socket() {
        if (number_ >= 0) ::close(number_);
    }

    explicit operator bool() const { return number_ >= 0; }

    bool send_all(void const* data, std::size_t bytes, double until) {
        return move_all(static_cast<std::byte const*>(data), bytes, until, POLLOUT,
                        [&](std::byte const* at, std::size_t n) { return ::send(number_, at, n, MSG_NOSIGNAL | MSG_DONTWAIT); });
    }
    bool receive_all(void* data, std::size_t bytes, double until) {
        return move_all(static_cast<std::byte*>(data), bytes, until, POLLIN,
                        [&](std::byte* at, std::size_t n) { return ::recv(number_, at, n, MSG_DONTWAIT); });
    }
    /// Who comes next to a listening socket.
    tcp_socket accept_one(double until) {
        if (!ready(POLLIN, until)) return {};
        return tcp_socket(::accept4(number_, nullptr, nullptr, SOCK_CLOEXEC));
    }

    /// A socket that others reach at a port of this machine; `only_here`: and only from this machine.
    static tcp_socket listening(int port, bool only_here, int most) {
        tcp_socket s;
        for_addresses(only_here ? "127.0.0.1" : nullptr, port, AI_PASSIVE | AI_NUMERICSERV, AF_INET, [&](addrinfo const& a) {
            tcp_socket made(::socket(a.ai_family, a.ai_socktype | SOCK_CLOEXEC, a.ai_protocol));
            int const  yes = 1;
            if (!made) return false;
            ::setsockopt(made.number_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
            if (::bind(made.number_, a.ai_addr, a.ai_addrlen) != 0 || ::listen(made.number_, most) != 0) return false;
            s = std::move(made);
            return true;
        });
        return s;
    }
    /// One attempt.
    static tcp_socket connected(std::string const& host, int port, double until) {
        tcp_socket s;
        for_addresses(host.c_str(), port, AI_NUMERICSERV, AF_UNSPEC, [&](addrinfo const& a) {
            tcp_socket made(::socket(a.ai_family, a.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a.ai_protocol));
            if (!made) return false;
            if (::connect(made.number_, a.ai_addr, a.ai_addrlen) != 0 && (errno != EINPROGRESS || !made.connects(until))) return false;
            s = std::move(made);
            return true;
        });
        return s;
    }

  private:
    bool ready(short what, double until) {
        for (;;) {
            double const left = until - seconds_now();
            pollfd       one{number_, what, 0};
            int const    n = ::poll(&one, 1, left > 0 ? static_cast<int>(std::min(left, 60.0) * 1000) + 1 : 0);
            if (n > 0) return true;
            if (n < 0 && errno != EINTR) return false;
            if (seconds_now() >= until) return errno = ETIMEDOUT, false;
        }
    }
    bool connects(double until) {
        int       wrong  = 0;
        socklen_t length = sizeof wrong;
        if (!ready(POLLOUT, until) || ::getsockopt(number_, SOL_SOCKET, SO_ERROR, &wrong, &length) != 0) return false;
        errno = wrong;
        return wrong == 0;
    }
    template <class Byte, class Move>
    bool move_all(Byte* data, std::size_t bytes, double until, short what, Move const& move) {
        while (bytes > 0) {
            if (!ready(what, until)) return false;
            auto const n = move(data, bytes);
            if (n == 0) return errno = ECONNRESET, false;
            if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
            if (n > 0) data += n, bytes -= static_cast<std::size_t>(n);
        }
        return true;
    }
    // f(address) until one is true.
    template <class F>
    static void for_addresses(char const* host, int port, int flags, int family, F const& f) {
        addrinfo wanted{}, *found = nullptr;
        wanted.ai_family   = family;
        wanted.ai_socktype = SOCK_STREAM;
        wanted.ai_flags    = flags;
        if (::getaddrinfo(host, std::to_string(port).c_str(), &wanted, &found) != 0) {
            errno = EHOSTUNREACH;
            return;
        }
        std::unique_ptr<addrinfo, void (*)(addrinfo*)> const all(found, ::freeaddrinfo);
        for (auto const* a = found; a; a = a->ai_next)
            if (f(*a)) return;
    }

    int number_ = -1;
};

}  // namespace midtrain::inline MT_ABI::detail
