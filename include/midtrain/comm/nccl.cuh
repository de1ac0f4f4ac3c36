#pragma once
// Ranks that have a GPU each. Empty where the compiler finds no nccl.h.
#if __has_include(<nccl.h>)
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <cuda_runtime.h>
#include <nccl.h>
#include <midtrain/comm/blocking_verbs.hpp>
#include <midtrain/comm/launch.hpp>
#include <midtrain/comm/nccl_parts.cuh>
#include <midtrain/comm/rendezvous.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Ranks that have a GPU each, by NCCL, one process a GPU. Verbs on a GPU's memory go to a stream of their own behind the device's work so
/// far, and its later work waits for them: the host never does. Memory of the host is staged, and then the host waits. Letters begin to
/// move when somebody waits for one, all of them together. One thread uses it.
///
/// What NCCL promises of a sum: all ranks hold the same bits, and another run has them too where ranks, sizes, NCCL's version and its
/// choice of algorithm are the same (NCCL_ALGO and NCCL_PROTO fix that). The order of adding is its own, so sum and reduce_scatter may differ
/// in the last bits, and so may other numbers of ranks. Floor: of n bytes on r GPUs a sum sends 2 n (r - 1) / r over each GPU's links, the other
/// verbs of all half of that; NVLink of an H100 moves 450 GB/s each way.
class nccl : public blocking_verbs<nccl> {
  public:
    class ticket {
      public:
        /// The device's later work waits; the host does not.
        void wait() {
            if (auto* const of = std::exchange(of_, nullptr)) of->done(moment_);
        }

      private:
        friend nccl;
        ticket(nccl* of, std::size_t moment) : of_(of), moment_(moment) {}

        nccl*       of_;
        std::size_t moment_;
    };

    static constexpr bool in_stream = true;  ///< a device that runs ahead need not wait for it

    /// The processes of a launch, which find each other over TCP. The device is made of its GPU: mt::cuda device(me.local_rank).
    template <class Device>
    explicit nccl(Device& device, launch const& me = read_launch(), double seconds = 120)
        : nccl(device.stream(), key_over_tcp(me, seconds), me.rank, me.size) {}
    /// Those of another communicator, such as mt::mpi, which reads the host's memory.
    template <class Device, class Ranks>
        requires requires(Ranks& r, row_view<std::byte> bytes) { r.broadcast(bytes, 0); }
    nccl(Device& device, Ranks& ranks) : nccl(device.stream(), key_over(ranks), ranks.rank(), ranks.size()) {}
    nccl(nccl const&)            = delete;
    nccl& operator=(nccl const&) = delete;

    int rank() const { return rank_; }
    int size() const { return size_; }

    /// Those that name the same colour, in the order of the ranks.
    nccl split(int colour) {
        check(colour >= 0, "split: a colour is not negative");
        return nccl(stream_.device(), group_.split(colour));
    }

    template <class T>
    ticket sum_async(row_view<T> all) {
        return move(bytes_of(all), bytes_of(all), [this, n = count(all)](void const* from, void* to) {
            ok(ncclAllReduce(from, to, n, detail::nccl_type<T>(), ncclSum, group_.get(), stream_.get()), "ncclAllReduce");
        });
    }
    /// `mine` may be this rank's part of `all`.
    template <class T>
    ticket reduce_scatter_async(row_view<T const> all, row_view<T> mine) {
        check_parts("reduce_scatter", all.size(), mine.size());
        return move(bytes_of(all), bytes_of(mine), [this, n = count(mine)](void const* from, void* to) {
            ok(ncclReduceScatter(from, to, n, detail::nccl_type<T>(), ncclSum, group_.get(), stream_.get()), "ncclReduceScatter");
        });
    }
    /// `mine` may be this rank's part of `all`.
    template <class T>
    ticket all_gather_async(row_view<T const> mine, row_view<T> all) {
        check_parts("all_gather", all.size(), mine.size());
        return move(bytes_of(mine), bytes_of(all), [this, n = bytes_of(mine).size](void const* from, void* to) {
            ok(ncclAllGather(from, to, n, ncclChar, group_.get(), stream_.get()), "ncclAllGather");
        });
    }
    template <class T>
    ticket all_to_all_async(row_view<T const> from, row_view<T> to) {
        check(from.size() == to.size(), "all_to_all: what is sent and what is received have one size");
        check_parts("all_to_all", from.size(), from.size() / size_);
        auto const n = bytes_of(from).size / static_cast<std::size_t>(size_);
        return move(bytes_of(from), bytes_of(to), [this, n](void const* out, void* in) {
            ok(ncclGroupStart(), "ncclGroupStart");
            for (int r = 0; r < size_; ++r) {
                auto const at = static_cast<std::size_t>(r) * n;
                ok(ncclSend(static_cast<std::byte const*>(out) + at, n, ncclChar, r, group_.get(), stream_.get()), "ncclSend");
                ok(ncclRecv(static_cast<std::byte*>(in) + at, n, ncclChar, r, group_.get(), stream_.get()), "ncclRecv");
            }
            ok(ncclGroupEnd(), "ncclGroupEnd");
        });
    }
    template <class T>
    ticket broadcast_async(row_view<T> all, int from) {
        check_peer("broadcast", from);
        return move(bytes_of(all), bytes_of(all), [this, n = bytes_of(all).size, from](void const* out, void* in) {
            ok(ncclBroadcast(out, in, n, ncclChar, from, group_.get(), stream_.get()), "ncclBroadcast");
        });
    }
    template <class T>
    ticket send_async(row_view<T const> from, int to) {
        check_peer("send", to);
        letters_.push_back({from.data, nullptr, bytes_of(from).size, to});
        return {this, letter};
    }
    template <class T>
    ticket receive_async(row_view<T> to, int from) {
        check_peer("receive", from);
        letters_.push_back({nullptr, to.data, bytes_of(to).size, from});
        return {this, letter};
    }

  private:
    static constexpr std::size_t letter = static_cast<std::size_t>(-1), nothing = letter - 1;

    struct memory {
        void*       data;
        std::size_t size;  // bytes
    };
    struct envelope {
        void const* from;  // of a letter that is sent
        void*       to;    // of one that is received
        std::size_t size;
        int         peer;
    };

    nccl(cudaStream_t device, ncclUniqueId const& key, int rank, int size)
        : stream_(device), group_(key, rank, size), rank_(rank), size_(size) {}
    nccl(cudaStream_t device, ncclComm_t made) : stream_(device), group_(made), rank_(group_.rank()), size_(group_.size()) {}

    static ncclUniqueId fresh_key(bool leads) {
        ncclUniqueId key{};
        if (leads) detail::nccl_check(ncclGetUniqueId(&key), "ncclGetUniqueId");
        return key;
    }
    static ncclUniqueId key_over_tcp(launch const& me, double seconds) {
        auto       key   = fresh_key(me.rank == 0);
        auto const bytes = rendezvous(me, std::as_bytes(std::span(&key, 1)), seconds);
        check(bytes.size() == sizeof key, "rendezvous: rank 0 sent no key of NCCL's; do all ranks run the same program?");
        std::memcpy(&key, bytes.data(), sizeof key);
        return key;
    }
    template <class Ranks>
    static ncclUniqueId key_over(Ranks& ranks) {
        auto key = fresh_key(ranks.rank() == 0);
        ranks.broadcast(row_view<std::byte>{reinterpret_cast<std::byte*>(&key), static_cast<index_t>(sizeof key)}, 0);
        return key;
    }

    void ok(ncclResult_t status, char const* call) const { detail::nccl_check(status, call, group_.get()); }
    template <class T>
    static std::size_t count(row_view<T> v) {
        return static_cast<std::size_t>(v.size());
    }
    template <class T>
    static memory bytes_of(row_view<T> v) {
        static_assert(std::is_trivially_copyable_v<T>);
        return {const_cast<std::remove_const_t<T>*>(v.data), count(v) * sizeof(T)};
    }
    void check_peer(char const* verb, int r) const {
        check(0 <= r && r < size_,
              [&] { return std::string(verb) + ": there is no rank " + std::to_string(r) + " among " + std::to_string(size_); });
    }
    void check_parts(char const* verb, index_t all, index_t mine) const {
        check(all == mine * size_, [&] {
            return std::string(verb) + ": " + std::to_string(all) + " values are not " + std::to_string(size_) + " parts of " +
                   std::to_string(mine);
        });
    }

    // f(from, to) on the stream of exchanges, with memory that NCCL reaches.
    template <class F>
    ticket move(memory from, memory to, F const& f) {
        if (from.size == 0 && to.size == 0) return {this, nothing};
        stream_.fork();
        if (detail::on_gpu(from.data) && detail::on_gpu(to.data)) {
            f(from.data, to.data);
            return {this, stream_.mark()};
        }
        auto* const out = staging_.room(from.size + to.size);
        auto* const in  = out + from.size;
        copy(out, from.data, from.size);
        f(out, in);
        copy(to.data, in, to.size);
        stream_.wait_for_host_numbers();
        return {this, nothing};
    }
    void copy(void* to, void const* from, std::size_t bytes) {
        detail::nccl_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_.get()), "cudaMemcpyAsync");
    }
    void done(std::size_t moment) {
        if (moment == letter) post_letters();
        else if (moment != nothing) stream_.join(moment);
    }
    // All letters that have been asked for, at once, so that none waits for another.
    void post_letters() {
        if (letters_.empty()) return;
        stream_.fork();
        std::size_t bytes = 0;
        for (auto const& l : letters_) bytes += l.size;
        bool const  here  = !all_on_gpu();  // by way of staging
        auto* const first = here ? staging_.room(bytes) : nullptr;
        each_letter(first, [&](envelope const& l, std::byte* at) {
            if (here && l.from) copy(at, l.from, l.size);
        });
        ok(ncclGroupStart(), "ncclGroupStart");
        each_letter(first, [&](envelope const& l, std::byte* at) {
            if (l.from) ok(ncclSend(here ? at : l.from, l.size, ncclChar, l.peer, group_.get(), stream_.get()), "ncclSend");
            else ok(ncclRecv(here ? at : l.to, l.size, ncclChar, l.peer, group_.get(), stream_.get()), "ncclRecv");
        });
        ok(ncclGroupEnd(), "ncclGroupEnd");
        each_letter(first, [&](envelope const& l, std::byte* at) {
            if (here && l.to) copy(l.to, at, l.size);
        });
        if (here) stream_.wait_for_host_numbers();
        else stream_.join(stream_.mark());
        letters_.clear();
    }
    bool all_on_gpu() const {
        for (auto const& l : letters_)
            if (!detail::on_gpu(l.from ? l.from : l.to)) return false;
        return true;
    }
    template <class F>
    void each_letter(std::byte* at, F const& f) {
        for (auto const& l : letters_) {
            if (l.size > 0) f(l, at);
            if (at) at += l.size;
        }
    }

    detail::nccl_stream   stream_;
    detail::nccl_group    group_;
    detail::nccl_staging  staging_;
    int                   rank_, size_;
    std::vector<envelope> letters_;
};

}  // namespace midtrain::inline MT_ABI
#endif
