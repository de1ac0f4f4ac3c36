#pragma once
#include <unistd.h>
#include <cstdint>
#include <cstdio>
#include <string>
#include <midtrain/core/error.hpp>
#include <midtrain/train/plan.hpp>
#include <midtrain/train/written.hpp>

namespace midtrain::inline MT_ABI {

/// Bytes of memory that this process may use: the machine's, or less where a control group says so. 0: unknown.
inline std::int64_t usable_memory() {
    std::int64_t const pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
    std::int64_t       all   = pages > 0 && size > 0 ? pages * size : 0;
    for (char const* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
        long long limit = 0;
        if (std::FILE* const f = std::fopen(path, "r")) {
            if (std::fscanf(f, "%lld", &limit) == 1 && limit > 0 && (all == 0 || limit < all)) all = limit;
            std::fclose(f);
        }
    }
    return all;
}

/// Refuses a plan that needs more memory than there is; 0 bytes of it: unknown, and nothing is refused.
inline void fits_memory(run_plan const& p, std::int64_t usable) {
    check(usable <= 0 || p.memory() <= usable, [&] {
        return "the run needs " + written_bytes(static_cast<double>(p.memory())) + " of memory where " +
               written_bytes(static_cast<double>(usable)) + " can be used; " + written_memory(p) +
               "; lower batch.micro or batch.length, or recompute activations";
    });
}

}  // namespace midtrain::inline MT_ABI
