#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sys/mman.h>
#include <midtrain/core/error.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/exec/host/packed_product.hpp>
#include <midtrain/exec/host/solo_team.hpp>
#include <midtrain/exec/host/thread_pool.hpp>
#include <midtrain/problem/gemm.hpp>

namespace test {

/// A range of addresses that nobody may touch but while `open` lives.
class far_memory {
  public:
    static constexpr std::size_t size = std::size_t{64} << 20;

    far_memory() : begin_(static_cast<std::byte*>(mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
        midtrain::check(begin_ != MAP_FAILED, "far_memory: no addresses");
    }
    ~far_memory() { munmap(begin_, size); }
    far_memory(far_memory const&)            = delete;
    far_memory& operator=(far_memory const&) = delete;

    std::byte* take(std::size_t bytes) {
        auto const at = used_;
        used_ += (bytes + 255) / 256 * 256;
        midtrain::check(used_ <= size, "far_memory: full");
        return begin_ + at;
    }
    bool holds(std::uint64_t address) const {
        auto const first = reinterpret_cast<std::uint64_t>(begin_);
        return first <= address && address < first + size;
    }

    class open {
      public:
        explicit open(far_memory& m) : memory_(m) { mprotect(m.begin_, size, PROT_READ | PROT_WRITE); }
        ~open() { mprotect(memory_.begin_, size, PROT_NONE); }

      private:
        far_memory& memory_;
    };

  private:
    std::byte*  begin_;
    std::size_t used_ = 0;
};

/// Memory of a far_device; never given back before the device ends.
template <class T>
class far_buffer {
  public:
    far_buffer() = default;
    explicit far_buffer(midtrain::row_view<T> v) : view_(v) {}

    midtrain::row_view<T> view() const { return view_; }
    midtrain::index_t     size() const { return view_.size(); }

  private:
    midtrain::row_view<T> view_;
};

/// A device with memory of its own, on this processor: the host that touches it ends with a segmentation fault, and a functor that
/// holds an address outside of it is refused. What trains on it mixes up no memories on a GPU either.
class far_device {
  public:
    template <class T>
    using buffer = far_buffer<T>;

    static constexpr bool shares_memory = false;

    template <class T>
    far_buffer<T> make(midtrain::index_t n) {
        return far_buffer<T>({reinterpret_cast<T*>(memory_.take(static_cast<std::size_t>(n) * sizeof(T))), n});
    }
    template <class F>
    void elements(midtrain::index_t n, F const& f) {
        look_at(f);
        far_memory::open const open(memory_);
        for (midtrain::index_t i = 0; i < n; ++i) f(i);
    }
    template <class F>
    void rows(midtrain::index_t n, F const& f) {
        look_at(f);
        far_memory::open const open(memory_);
        for (midtrain::index_t r = 0; r < n; ++r) f(midtrain::solo_team{}, r);
    }
    template <class A, class B, class C>
    void gemm(midtrain::gemm_problem<A, B, C> const& p) {
        look_at(p);
        far_memory::open const open(memory_);
        midtrain::detail::packed_product<A, B, C>::run(pool_, p);
    }
    template <class T>
    void upload(T const* from, midtrain::row_view<T> to) {
        midtrain::check(!memory_.holds(reinterpret_cast<std::uint64_t>(from)), "upload from the device itself");
        far_memory::open const open(memory_);
        std::copy_n(from, to.size(), to.data);
    }
    template <class T>
    void download(midtrain::row_view<T const> from, T* to) {
        midtrain::check(!memory_.holds(reinterpret_cast<std::uint64_t>(to)), "download to the device itself");
        far_memory::open const open(memory_);
        std::copy_n(from.data, from.size(), to);
    }
    void wait() {}

    /// Whether it is memory of this device.
    bool holds(void const* data) const { return memory_.holds(reinterpret_cast<std::uint64_t>(data)); }

    std::int64_t functors() const { return functors_; }  ///< that were looked at

  private:
    /// Each word of the functor that looks like an address of this process: 47 bits, and not small.
    template <class F>
    void look_at(F f) {
        ++functors_;
        __builtin_clear_padding(&f);  // what lies between the members may be an old address
        for (std::size_t at = 0; at + sizeof(std::uint64_t) <= sizeof(F); at += sizeof(std::uint64_t)) {
            std::uint64_t word;
            std::memcpy(&word, reinterpret_cast<std::byte const*>(&f) + at, sizeof(word));
            bool const address = word >= std::uint64_t{1} << 40 && word < std::uint64_t{1} << 47;
            midtrain::check(!address || memory_.holds(word), "a functor holds an address of the host");
        }
    }

    far_memory            memory_;
    midtrain::thread_pool pool_{1};
    std::int64_t          functors_ = 0;
};

}  // namespace test
