#pragma once
#include <concepts>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

struct any_element {
    MT_HOST_DEVICE void operator()(index_t) const {}
};
struct any_row {
    template <class Team>
    MT_HOST_DEVICE void operator()(Team const&, index_t) const {}
};

}  // namespace detail

/// What carries out work: memory of its own (`make`, zeroed), f(i) for each element, f(team, r) for each row, copies from and to the host,
/// and `shares_memory` where the host may touch what it makes. It also has `gemm(gemm_problem)`, and `run(problem)` for each problem
/// that it has a tuned way for. A functor may say `much_arithmetic`: that it is worth compiling again for a processor's longest registers. Law: it agrees with a double-precision reference, and twice the same input gives twice the same bits. The
/// plainest one is midtrain/exec/crowd/crowd.hpp.
template <class D>
concept Device = requires(D& device, index_t n, float* here, float const* from, row_view<float> to, row_view<float const> source) {
    { D::shares_memory } -> std::convertible_to<bool>;
    { device.template make<float>(n).view() } -> std::same_as<row_view<float>>;
    device.elements(n, detail::any_element{});
    device.rows(n, detail::any_row{});
    device.upload(from, to);
    device.download(source, here);
    device.wait();
};

}  // namespace midtrain::inline MT_ABI
