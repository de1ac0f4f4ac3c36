#pragma once
// Ranks that are processes started by mpirun or srun. Empty unless MIDTRAIN_WITH_MPI is defined, as the target midtrain::mpi does.
#ifdef MIDTRAIN_WITH_MPI
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <mpi.h>
#include <midtrain/comm/blocking_verbs.hpp>
#include <midtrain/comm/mpi_messages.hpp>
#include <midtrain/comm/ordered_sum.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Ranks that are processes, by MPI, with memory that the host reads. MPI promises no order of sums, so values travel as bytes and are
/// added here, in the order of the ranks: of n values each rank adds n / ranks and sends the sums to all. What is under way moves on whenever
/// somebody waits. One thread uses it. Throws midtrain::error with MPI's own words.
class mpi : public blocking_verbs<mpi> {
    using work = detail::mpi_work;

  public:
    /// Waits when it goes, if nobody has.
    class ticket {
      public:
        ticket(ticket&& other) noexcept : of_(other.of_), what_(std::exchange(other.what_, nullptr)) {}
        ticket& operator=(ticket&&) = delete;
        ~ticket() {
            if (what_ && std::uncaught_exceptions() == 0) wait();
        }
        void wait() {
            if (auto* const w = std::exchange(what_, nullptr)) of_->finish(*w);
        }

      private:
        friend mpi;
        ticket(detail::mpi_progress& of, work& what) : of_(&of), what_(&what) {}

        detail::mpi_progress* of_;
        work*                 what_;
    };

    static constexpr bool sums_in_order = true;
    static constexpr bool of_host_memory = true;  ///< no memory that the host does not read

    /// All processes that were started together; alone where nobody started them. MPI is begun and ended here unless the program has begun
    /// it.
    mpi() : mpi(MPI_COMM_WORLD) {}
    /// Those of a communicator that the program made, by a copy of it.
    explicit mpi(MPI_Comm of) : comm_(copied(of)), all_(comm_) {}
    ~mpi() {
        if (!session_.in_flight()) MPI_Comm_free(&comm_);
    }
    mpi(mpi const&)            = delete;
    mpi& operator=(mpi const&) = delete;

    int rank() const { return all_.rank(); }
    int size() const { return all_.size(); }

    /// Those that name the same colour, in the order of the ranks.
    mpi split(int colour) {
        check(colour >= 0, "split: a colour is not negative");
        MPI_Comm inner = MPI_COMM_NULL;
        detail::mpi_check(MPI_Comm_split(comm_, colour, rank(), &inner), "MPI_Comm_split");
        MPI_Comm_set_errhandler(inner, MPI_ERRORS_RETURN);
        return mpi(made{inner});
    }

    template <class T>
    void sum(row_view<T> all) {
        constexpr index_t most = index_t{1} << 22;  // values under way, which need as much memory beside
        for (index_t done = 0; done < all.size(); done += most) sum_async(all.part(done, std::min(most, all.size() - done))).wait();
    }

    /// Needs memory for as many values once more while it is under way.
    template <class T>
    ticket sum_async(row_view<T> all) {
        auto&      w     = all_.begin();
        auto const begin = [&](int r) { return detail::part_begin(all.size(), r, size()); };
        w.to = all.data, w.count = all.size();
        w.then = [](work& done) { spread_sums<T>(done); };
        exchange<T>(w, all.data, begin, begin(rank() + 1) - begin(rank()));
        return {all_, w};
    }
    /// `mine` may be this rank's part of `all`.
    template <class T>
    ticket reduce_scatter_async(row_view<T const> all, row_view<T> mine) {
        check_parts("reduce_scatter", all.size(), mine.size());
        auto& w = all_.begin();
        w.from = all.data, w.to = mine.data, w.count = mine.size();
        w.then = [](work& done) {
            add_parts<T>(done, static_cast<T const*>(done.from) + done.rank * done.count, done.count, static_cast<T*>(done.to));
        };
        exchange<T>(w, all.data, [n = mine.size()](int r) { return r * n; }, mine.size());
        return {all_, w};
    }
    /// `mine` may be this rank's part of `all`.
    template <class T>
    ticket all_gather_async(row_view<T const> mine, row_view<T> all) {
        check_parts("all_gather", all.size(), mine.size());
        auto& w = all_.begin();
        for_others([&](int r) { w.receive(all.data + r * mine.size(), bytes<T>(mine.size()), r); });
        for_others([&](int r) { w.send(mine.data, bytes<T>(mine.size()), r); });
        copy(mine.data, mine.size(), all.data + rank() * mine.size());
        return {all_, w};
    }
    template <class T>
    ticket all_to_all_async(row_view<T const> from, row_view<T> to) {
        check(from.size() == to.size(), "all_to_all: what is sent and what is received have one size");
        index_t const n = from.size() / size();
        check_parts("all_to_all", from.size(), n);
        auto& w = all_.begin();
        for_others([&](int r) { w.receive(to.data + r * n, bytes<T>(n), r); });
        for_others([&](int r) { w.send(from.data + r * n, bytes<T>(n), r); });
        copy(from.data + rank() * n, n, to.data + rank() * n);
        return {all_, w};
    }
    template <class T>
    ticket broadcast_async(row_view<T> all, int from) {
        check_peer("broadcast", from);
        auto& w = all_.begin();
        if (rank() == from) for_others([&](int r) { w.send(all.data, bytes<T>(all.size()), r); });
        else w.receive(all.data, bytes<T>(all.size()), from);
        return {all_, w};
    }
    template <class T>
    ticket send_async(row_view<T const> from, int to) {
        check_peer("send", to);
        auto& w = all_.begin_letter();
        w.send(from.data, bytes<T>(from.size()), to);
        return {all_, w};
    }
    template <class T>
    ticket receive_async(row_view<T> to, int from) {
        check_peer("receive", from);
        auto& w = all_.begin_letter();
        w.receive(to.data, bytes<T>(to.size()), from);
        return {all_, w};
    }

  private:
    struct made {
        MPI_Comm comm;
    };
    explicit mpi(made own) : comm_(own.comm), all_(comm_) {}

    static MPI_Comm copied(MPI_Comm of) {
        MPI_Comm own = of;
        detail::mpi_check(MPI_Comm_dup(of, &own), "MPI_Comm_dup");
        MPI_Comm_set_errhandler(own, MPI_ERRORS_RETURN);
        return own;
    }
    void check_peer(char const* verb, int r) const {
        check(0 <= r && r < size(),
              [&] { return std::string(verb) + ": there is no rank " + std::to_string(r) + " among " + std::to_string(size()); });
    }
    void check_parts(char const* verb, index_t all, index_t mine) const {
        check(all == mine * size(), [&] {
            return std::string(verb) + ": " + std::to_string(all) + " values are not " + std::to_string(size()) + " parts of " +
                   std::to_string(mine);
        });
    }
    template <class F>
    void for_others(F const& f) const {
        for (int k = 1; k < size(); ++k) f((rank() + k) % size());
    }
    template <class T>
    static index_t bytes(index_t n) {
        static_assert(std::is_trivially_copyable_v<T>);
        return n * static_cast<index_t>(sizeof(T));
    }
    template <class T>
    static void copy(T const* from, index_t n, T* to) {
        if (from != to && n > 0) std::memcpy(to, from, static_cast<std::size_t>(bytes<T>(n)));
    }
    // Part r, from begin(r) on, goes to rank r, and everyone's values of this rank's part come here.
    template <class T, class Begin>
    void exchange(work& w, T const* all, Begin const& begin, index_t own) {
        w.parts.resize(static_cast<std::size_t>(bytes<T>(own) * size()));
        for_others([&](int r) { w.receive(w.parts.data() + bytes<T>(own) * r, bytes<T>(own), r); });
        for_others([&](int r) { w.send(all + begin(r), bytes<T>(begin(r + 1) - begin(r)), r); });
    }
    template <class T>
    static void add_parts(work& w, T const* own, index_t n, T* to) {
        std::vector<T const*> parts(static_cast<std::size_t>(w.ranks));
        for (int r = 0; r < w.ranks; ++r)
            parts[static_cast<std::size_t>(r)] = r == w.rank ? own : reinterpret_cast<T const*>(w.parts.data() + bytes<T>(n) * r);
        detail::add_in_order<T>(parts, n, to);
    }
    template <class T>
    static void spread_sums(work& w) {
        auto* const   all   = static_cast<T*>(w.to);
        auto const    begin = [&](int r) { return detail::part_begin(w.count, r, w.ranks); };
        index_t const own   = begin(w.rank + 1) - begin(w.rank);
        add_parts<T>(w, all + begin(w.rank), own, all + begin(w.rank));
        for (int k = 1; k < w.ranks; ++k) {
            int const r = (w.rank + k) % w.ranks;
            w.receive(all + begin(r), bytes<T>(begin(r + 1) - begin(r)), r);
            w.send(all + begin(w.rank), bytes<T>(own), r);
        }
    }

    detail::mpi_session  session_;
    MPI_Comm             comm_;
    detail::mpi_progress all_;
};

}  // namespace midtrain::inline MT_ABI
#endif
