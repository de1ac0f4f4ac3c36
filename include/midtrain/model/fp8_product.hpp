#pragma once
#include <cstdint>
#include <type_traits>
#include <midtrain/core/fp8.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/fp8_bytes.hpp>
#include <midtrain/op/fp8_quantise.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/problem/fp8_gemm.hpp>
#include <midtrain/problem/gemm.hpp>

// Products of a linear layer on a device that multiplies eight bits as they are: `bool multiplies_fp8(fp8_scaling) const` says so.
namespace midtrain::inline MT_ABI::model::detail {

template <class Device>
concept maybe_multiplies_fp8 = requires(Device const& d) {
    { d.multiplies_fp8(fp8_scaling::tensor) } -> std::same_as<bool>;
};

/// Bytes of x, turned where its rows are what is summed over. They take less memory than the values in x's own type do.
template <class F, class Pass, class T>
fp8_matrix<F> bytes_of(Pass& p, matrix_view<T const> x, bool is_weight, bool turned) {
    bool const    whole = p.products.scaling == fp8_scaling::tensor, powers = p.products.powers_of_two;
    auto const    each  = whole ? fp8_scale_of::all : is_weight ? fp8_scale_of::square : fp8_scale_of::run;
    index_t const rows = turned ? x.columns : x.rows, k = turned ? x.rows : x.columns;
    fp8_matrix<F> const to{p.template make<F>(rows, k), p.template make_row<float>(fp8_matrix<F>::scale_count(each, rows, k)), each};
    op::fp8_writer<T, F> const w{x, to, turned};
    auto const                 do_rows = [&](auto const& f) { p.device.rows(f.teams(), f); };
    if (whole) {
        auto const most = p.template make_row<std::uint32_t>(x.rows);
        p.device.rows(x.rows, op::largest_of_rows<T>{x, {}, most});
        p.device.rows(1, op::scale_of_whole<F>{most, {to.scales.data, 1, 1, 1}, x.rows, powers});
        do_rows(op::fp8_bytes_of_whole<T, F>{w});
    } else if (is_weight) {
        do_rows(op::fp8_bytes_of_squares<T, F>{w, powers});
    } else if (turned) {
        do_rows(op::fp8_bytes_of_columns<T, F>{w, powers});
    } else {
        do_rows(op::fp8_bytes_of_runs<T, F>{w, powers});
    }
    return to;
}

/// Whole 16 bytes everywhere, also where a byte is a value, as tensor cores want them.
template <class T>
bool suits_fp8(matrix_view<T> x) {
    return x.rows % 16 == 0 && x.columns % 16 == 0 && aligned_for_packs<16>(x.data, x.data + x.stride);
}

/// The product in eight bits by the device's own way; false where it has none, and then nothing is done.
template <class Pass, class T, class C>
bool multiply_fp8(Pass& p, bool left_is_gradient, bool right_is_weight, gemm_problem<T, T, C> const& g) {
    if constexpr (maybe_multiplies_fp8<std::remove_reference_t<decltype(p.device)>> && !std::is_same_v<T, double>) {
        if (!p.device.multiplies_fp8(p.products.scaling) || !suits_fp8(g.a) || !suits_fp8(g.b) || !suits_fp8(g.c)) return false;
        auto const by = [&]<class F>(F) {
            auto const a = bytes_of<F>(p, g.a, false, g.a_is == operand::transposed);
            auto const b = bytes_of<e4m3>(p, g.b, right_is_weight, g.b_is == operand::plain);
            run(p.device, fp8_gemm_problem<F, e4m3, C>{a, b, g.c, g.accumulate});
        };
        if (left_is_gradient && p.products.wide_gradients) by(e5m2{});
        else by(e4m3{});
        return true;
    }
    return false;
}

}  // namespace midtrain::inline MT_ABI::model::detail
