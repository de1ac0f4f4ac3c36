#pragma once
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI {

/// What a launcher tells each process that it starts: which of how many it is, which on its machine, and where rank 0 listens.
struct launch {
    int         rank = 0, size = 1, local_rank = 0;
    std::string host = "127.0.0.1";  ///< of rank 0; empty: nobody said, and the ranks are on several machines
    int         port = 29500;        ///< where rank 0 may listen
    std::string job{};               ///< the same with all ranks of a job; empty: the launcher has no name for it
    std::string by{};                ///< torchrun, mpirun or Slurm; empty: nobody launched us, and we are alone
};

namespace detail {

/// Variables of an environment, as a function from names to values, null where there is none.
template <class ValueOf>
class launch_reader {
  public:
    explicit launch_reader(ValueOf const& value_of) : value_of_(value_of) {}

    bool        has(char const* name) const { return !text(name).empty(); }
    std::string text(char const* name) const {
        char const* value = value_of_(name);
        return value ? value : "";
    }
    /// The first of some names that has a value; null: none of them.
    template <std::size_t n>
    char const* first(std::array<char const*, n> const& names) const {
        for (auto const* name : names)
            if (has(name)) return name;
        return nullptr;
    }
    int number(char const* name) const {
        auto const value = text(name);
        int        n     = 0;
        auto const end   = value.data() + value.size();
        auto const read  = std::from_chars(value.data(), end, n);
        check(read.ec == std::errc{} && read.ptr == end && n >= 0,
              [&] { return std::string(name) + " is \"" + value + "\" and not a number"; });
        return n;
    }

  private:
    ValueOf const& value_of_;
};

/// The first host of a list as Slurm writes it: node[003-010,012],other is node003.
inline std::string first_host(std::string_view list) {
    std::string host;
    while (!list.empty() && list[0] != ',') {
        if (list[0] != '[') {
            host += list[0];
            list.remove_prefix(1);
            continue;
        }
        auto const close = list.find(']');
        check(close != list.npos, "the list of nodes has a [ without a ]; set MASTER_ADDR to the host of rank 0");
        host += list.substr(1, list.find_first_of(",-]") - 1);
        list.remove_prefix(close + 1);
    }
    return host;
}

/// A port that two jobs on one machine are unlikely to share: 20000 to 29999, by FNV-1a.
inline int port_of(std::string_view job) {
    std::uint32_t h = 2166136261u;
    for (char c : job) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
    return 20000 + static_cast<int>(h % 10000);
}

/// One launcher: the names under which it keeps rank, size and local rank, whichever is set.
struct launcher {
    char const*                by;
    std::array<char const*, 3> rank, size, local;
};

inline constexpr std::array<launcher, 3> launchers{{
    {"torchrun", {"RANK", "RANK", "RANK"}, {"WORLD_SIZE", "WORLD_SIZE", "WORLD_SIZE"}, {"LOCAL_RANK", "LOCAL_RANK", "LOCAL_RANK"}},
    {"mpirun",
     {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"},
     {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_SIZE"},
     {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "PMI_LOCAL_RANK"}},
    {"Slurm", {"SLURM_PROCID", "SLURM_PROCID", "SLURM_PROCID"}, {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS"},
     {"SLURM_LOCALID", "SLURM_LOCALID", "SLURM_LOCALID"}},
}};

/// Where rank 0 may be found, when all else is known.
template <class ValueOf>
void find_meeting(launch& l, launch_reader<ValueOf> const& e) {
    constexpr std::array<char const*, 3> nodes{"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST", "SLURM_NODELIST"};
    if (auto const id = e.text("TORCHELASTIC_RUN_ID"); l.by == "torchrun") l.job = id;
    else if (e.has("PMIX_NAMESPACE")) l.job = e.text("PMIX_NAMESPACE");
    else if (e.has("SLURM_JOB_ID")) l.job = e.text("SLURM_JOB_ID") + "." + e.text("SLURM_STEP_ID");
    if (e.has("MASTER_ADDR")) l.host = e.text("MASTER_ADDR");
    else if (e.first(nodes)) l.host = first_host(e.text(e.first(nodes)));
    else if (e.has("OMPI_COMM_WORLD_LOCAL_SIZE") && e.number("OMPI_COMM_WORLD_LOCAL_SIZE") < l.size) l.host = "";
    if (e.has("MASTER_PORT")) l.port = e.number("MASTER_PORT");
    else if (!l.job.empty()) l.port = port_of(l.job);
    // The agent of torchrun listens on that port itself and says so.
    if (l.by == "torchrun" && e.text("TORCHELASTIC_USE_AGENT_STORE") == "True") ++l.port;
    check(0 < l.port && l.port < 65536, [&] { return "MASTER_PORT: " + std::to_string(l.port) + " is no port; give one from 1 to 65535"; });
}

}  // namespace detail

/// What torchrun (RANK, WORLD_SIZE, LOCAL_RANK), mpirun (OMPI_COMM_WORLD_*, PMI_*, PMIX_*) or Slurm (SLURM_*) says, the first of them that
/// says a size; MASTER_ADDR and MASTER_PORT where rank 0 listens, else the first of Slurm's nodes, else this machine. `value_of(name)` is a
/// variable of the environment or null. Throws midtrain::error, with what to set, where half of it is missing.
template <class ValueOf>
launch read_launch(ValueOf const& value_of) {
    detail::launch_reader const e(value_of);
    launch                      l;
    for (auto const& by : detail::launchers) {
        auto const *rank = e.first(by.rank), *size = e.first(by.size), *local = e.first(by.local);
        if (rank && !size && std::strcmp(rank, "PMIX_RANK") == 0) continue;  // srun sets it too, and says the rest itself
        if (!rank && (!size || std::strcmp(by.by, "Slurm") == 0)) continue;  // in a shell of salloc's one is alone
        check(rank && size, [&] {
            return std::string(rank ? rank : size) + " is set and " + (rank ? by.size[0] : by.rank[0]) +
                   " is not: start all ranks by torchrun, mpirun or srun, or unset it to run alone";
        });
        l.by = by.by, l.rank = e.number(rank), l.size = e.number(size);
        check(l.size > 0 && l.rank < l.size, [&] {
            return std::string(rank) + " is " + e.text(rank) + " and " + size + " is " + e.text(size) + ": ranks go from 0 to size - 1";
        });
        check(local || l.size == 1, [&] {
            return std::string(rank) + " is set and " + by.local[0] +
                   " is not: which GPU is this process's on its machine?  Set it from 0 on";
        });
        l.local_rank = local ? e.number(local) : 0;
        detail::find_meeting(l, e);
        return l;
    }
    check(!e.has("PMIX_RANK"), "PMIX_RANK is set, and nothing says of how many ranks: start them by mpirun or srun");
    return l;
}
/// The same of this process's own environment.
inline launch read_launch() {
    return read_launch([](char const* name) { return std::getenv(name); });
}

}  // namespace midtrain::inline MT_ABI
