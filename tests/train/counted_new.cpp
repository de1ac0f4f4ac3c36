// Counts the allocations of the test program. In a unit of its own: g++ takes the inlined pair for a mismatch.
#include <train/counted_new.hpp>
#include <cstdlib>
#include <new>

std::atomic<std::int64_t> allocations{0};

void* operator new(std::size_t n) {
    ++allocations;
    if (void* p = std::malloc(n ? n : 1)) return p;
    throw std::bad_alloc();
}
void* operator new(std::size_t n, std::align_val_t unit) {
    ++allocations;
    auto const u = static_cast<std::size_t>(unit);
    if (void* p = std::aligned_alloc(u, (n + u - 1) / u * u)) return p;
    throw std::bad_alloc();
}
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
