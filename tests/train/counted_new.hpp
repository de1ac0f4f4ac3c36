#pragma once
#include <atomic>
#include <cstdint>

/// How often this program has taken memory: counted_new.cpp.
extern std::atomic<std::int64_t> allocations;
