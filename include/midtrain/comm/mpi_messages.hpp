#pragma once
// What comm/mpi.hpp is made of. Empty unless MIDTRAIN_WITH_MPI is defined, as the target midtrain::mpi does.
#ifdef MIDTRAIN_WITH_MPI
#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#include <mpi.h>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::detail {

inline void mpi_check(int code, char const* what) {
    if (code == MPI_SUCCESS) return;
    std::array<char, MPI_MAX_ERROR_STRING> text{};
    int                                    length = 0;
    MPI_Error_string(code, text.data(), &length);
    throw error(std::string(what) + ": " + std::string(text.data(), static_cast<std::size_t>(length)));
}

/// MPI from here on; whoever has begun it ends it. When an error has thrown us out, the others may wait for ever: to leave without
/// MPI_Finalize makes mpirun end them.
class mpi_session {
  public:
    mpi_session() {
        int already = 0, level = 0;
        MPI_Initialized(&already);
        if (!already) mpi_check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level), "MPI_Init_thread");
        ends_ = !already;
    }
    ~mpi_session() {
        if (ends_ && !in_flight()) MPI_Finalize();
    }
    mpi_session(mpi_session const&)            = delete;
    mpi_session& operator=(mpi_session const&) = delete;

    bool in_flight() const { return std::uncaught_exceptions() > thrown_; }

  private:
    int  thrown_ = std::uncaught_exceptions();
    bool ends_   = false;
};

/// One verb under way: messages that have been asked for, and what is to be done when they have all come.
struct mpi_work {
    using step = void (*)(mpi_work&);

    MPI_Comm                 comm = MPI_COMM_NULL;
    int                      rank = 0, ranks = 1, tag = 0;
    bool                     used = false;
    step                     then = nullptr;
    void*                    to = nullptr;
    void const*              from  = nullptr;
    index_t                  count = 0;
    std::vector<MPI_Request> open;
    std::vector<std::byte>   parts;  // of other ranks

    static constexpr index_t most = index_t{1} << 30;  // bytes of a message; MPI counts in int

    void send(void const* data, index_t bytes, int to_rank) {
        for (index_t done = 0; done < bytes; done += most)
            mpi_check(MPI_Isend(static_cast<std::byte const*>(data) + done, static_cast<int>(std::min(most, bytes - done)), MPI_BYTE, to_rank,
                                tag, comm, &open.emplace_back()), "MPI_Isend");
    }
    void receive(void* data, index_t bytes, int from_rank) {
        for (index_t done = 0; done < bytes; done += most)
            mpi_check(MPI_Irecv(static_cast<std::byte*>(data) + done, static_cast<int>(std::min(most, bytes - done)), MPI_BYTE, from_rank, tag,
                                comm, &open.emplace_back()), "MPI_Irecv");
    }
    /// Goes on as far as it can without waiting.
    bool progressed() {
        for (;;) {
            int done = 1;
            if (!open.empty())
                mpi_check(MPI_Testall(static_cast<int>(open.size()), open.data(), &done, MPI_STATUSES_IGNORE), "MPI_Testall");
            if (!done) return false;
            open.clear();
            if (!then) return true;
            auto const next = then;
            then            = nullptr;
            next(*this);
        }
    }
};

/// All verbs under way of a communicator. Whoever waits for one moves all of them on, so that ranks may wait in different orders.
class mpi_progress {
  public:
    explicit mpi_progress(MPI_Comm comm) : comm_(comm) {
        mpi_check(MPI_Comm_rank(comm, &rank_), "MPI_Comm_rank");
        mpi_check(MPI_Comm_size(comm, &size_), "MPI_Comm_size");
    }

    int rank() const { return rank_; }
    int size() const { return size_; }

    /// A verb of all: its number, the same with all ranks, keeps its messages apart from those of others.
    mpi_work& begin() { return take(2 + static_cast<int>(number_++ % 16'000)); }
    /// A letter from one to one: letters of a pair arrive in order.
    mpi_work& begin_letter() { return take(1); }

    void finish(mpi_work& w) {
        while (w.used) {
            for (auto& other : all_)
                if (other->used && other->progressed()) other->used = false;
            if (w.used) std::this_thread::yield();
        }
    }

  private:
    mpi_work& take(int tag) {
        auto const free = std::find_if(all_.begin(), all_.end(), [](auto const& w) { return !w->used; });
        auto&      w    = free == all_.end() ? *all_.emplace_back(std::make_unique<mpi_work>()) : **free;
        w.comm = comm_, w.rank = rank_, w.ranks = size_, w.tag = tag, w.used = true, w.then = nullptr;
        return w;
    }

    MPI_Comm                               comm_;
    int                                    rank_ = 0, size_ = 1;
    std::size_t                            number_ = 0;
    std::vector<std::unique_ptr<mpi_work>> all_;
};

}  // namespace midtrain::inline MT_ABI::detail
#endif
