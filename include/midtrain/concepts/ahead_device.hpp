#pragma once
#include <cstdint>
#include <span>
#include <midtrain/concepts/device.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

struct any_work {
    void operator()() const {}
};

}  // namespace detail

/// A Device that takes work and does it later, in the order of the calls, while the host goes on. Besides what every Device has:
///   make_host<T>(n)            memory of the host for copies that nobody waits for; .view()
///   send(from, to)             upload that does not wait; `from` is of make_host and stays as it is until a later mark is reached
///   fetch(from, to)            download that does not wait; `to` is of make_host and holds it once a later mark is reached
///   mark(), reach(mark)        a place in the order of the work; until all before it is done
///   repeat(form, numbers, f)   f(), or once more what f asked for when it was called with the same form and numbers: its functors with their
///                              views and numbers of then. What changes from step to step lies where functors read it.
/// Law: the bits of a Device that does everything at once. midtrain/exec/cuda/cuda.cuh is one.
template <class D>
concept AheadDevice = Device<D> && !D::shares_memory &&
                      requires(D& device, index_t n, float* here, row_view<float> to, row_view<float const> source,
                               std::span<std::uint64_t const> form, std::span<double const> numbers) {
                          { device.template make_host<float>(n).view() } -> std::same_as<row_view<float>>;
                          device.send(here, to);
                          device.fetch(source, here);
                          device.reach(device.mark());
                          device.repeat(form, numbers, detail::any_work{});
                      };

}  // namespace midtrain::inline MT_ABI
