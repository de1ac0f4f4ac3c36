// The passes of a step that are no products, on one thread of the host, a line of JSON each: microseconds, and what part of the speed of a
// copy of fp32 they reach, bytes read and written once. 256 rows of WIDTH values.
//   bench_passes [WIDTH]
#include <time.h>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/op/add_then.hpp>
#include <midtrain/op/column_sums.hpp>
#include <midtrain/op/cross_entropy.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/embedding.hpp>
#include <midtrain/op/norm.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/elementwise_step.hpp>
#include <midtrain/precision/precision.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

/// Of the thread's own time, the best of many tries: other programs on the machine count little.
template <class F>
double seconds(F&& f) {
    auto const now = [] {
        timespec t;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
    };
    double best = 1e9;
    for (int k = 0; k < 30; ++k) {
        double const start = now();
        f();
        best = std::min(best, now() - start);
    }
    return best;
}

template <class T>
struct array {
    mt::host_buffer<T> memory;
    index_t            columns;

    array(index_t rows, index_t width, std::uint64_t stream) : memory(rows * width), columns(width) {
        for (index_t i = 0; i < memory.size(); ++i)
            row().data[i] = T(static_cast<mt::computed_t<T>>(2 * mt::random_stream{1, stream}.uniform(static_cast<std::uint64_t>(i)) - 1));
    }
    mt::row_view<T>    row() const { return memory.view(); }
    mt::matrix_view<T> matrix() const { return mt::as_matrix(row().data, memory.size() / columns, columns); }
};

template <class T>
void all(index_t width, char const* type, double copied) {
    using C             = mt::computed_t<T>;
    using precision     = std::conditional_t<std::is_same_v<T, float>, mt::fp32, mt::bf16_mixed>;
    using step          = mt::elementwise_step<mt::adamw, precision>;
    using norm          = mt::op::rmsnorm_forward<T>;
    index_t const rows  = 256, n = rows * width, parts = mt::op::row_parts(rows);
    double const  whole = sizeof(T) * static_cast<double>(n), computed = sizeof(C) * static_cast<double>(n);
    mt::host      device(1);
    auto const    line = [&](char const* name, double bytes, auto f) {
        double const s = seconds(f);
        std::printf("{\"case\": \"%s\", \"type\": \"%s\", \"width\": %lld, \"microseconds\": %.1f, \"of_a_copy\": %.2f}\n", name, type,
                    static_cast<long long>(width), 1e6 * s, bytes / s / copied);
    };
    array<T> x(rows, width, 1), y(rows, width, 2), z(rows, width, 3), gain(1, width, 4), bias(1, width, 5), both(rows, 2 * width, 6),
        dboth(rows, 2 * width, 7);
    array<C> scale(1, rows, 8), mean(1, rows, 9), dgain(1, width, 10), dbias(1, width, 11), work(parts, 2 * width, 12),
        logits(rows, width, 13);
    array<C> master(1, n, 14), gradient(1, n, 15), slots(2, n, 16), decay(1, n / 64, 17),
        carried(mt::op::embedding_windows(rows), width, 18);
    auto const room = [&](index_t columns) { return mt::as_matrix(work.row().data, parts, columns); };
    auto const next = norm{y.matrix(), gain.row(), z.matrix(), scale.row(), C(1e-5)};
    std::vector<std::int32_t> index, order;
    for (index_t r = 0; r < rows; ++r) index.push_back(static_cast<std::int32_t>(r / 3)), order.push_back(static_cast<std::int32_t>(r));
    double const     targets = static_cast<double>(rows);
    mt::step_scalars s{.rate = 1e-3, .clip_factor = 0.5, .step = 3};
    mt::adamw const  f;
    f.prepare(s);
    for (C& v : slots.row()) v = v * v;

    line("rmsnorm_forward", 2 * whole, [&] { device.rows(rows, norm{x.matrix(), gain.row(), y.matrix(), scale.row(), C(1e-5)}); });
    line("rmsnorm_backward", 4 * whole, [&] {
        device.rows(rows, mt::op::rmsnorm_backward<T>{x.matrix(), y.matrix(), gain.row(), scale.row(), z.matrix()});
    });
    line("rmsnorm_gain_sums", 2 * whole, [&] {
        mt::op::add_column_sums(device, mt::op::rmsnorm_gain_sums<T>{x.matrix(), y.matrix(), scale.row()}, room(width), dgain.row());
    });
    line("add_then_rmsnorm", 4 * whole, [&] { device.rows(rows, mt::op::add_then<T, norm>{x.matrix(), y.matrix(), C(0.5), next}); });
    line("layernorm_forward", 2 * whole, [&] {
        device.rows(rows, mt::op::layernorm_forward<T>{x.matrix(), gain.row(), bias.row(), y.matrix(), mean.row(), scale.row(), C(1e-5)});
    });
    line("layernorm_parameters_sums", 2 * whole, [&] {
        mt::op::add_column_sums(device, mt::op::layernorm_parameters_sums<T>{x.matrix(), y.matrix(), mean.row(), scale.row()},
                                room(2 * width), dgain.row(), dbias.row());
    });
    line("bias_sums", whole, [&] { mt::op::add_column_sums(device, mt::op::bias_sums<T>{y.matrix()}, room(width), dbias.row()); });
    line("add", 3 * whole, [&] { device.elements(n, mt::op::add<T>{x.row(), y.row(), z.row()}); });
    line("swiglu_forward", 3 * whole, [&] { device.rows(rows, mt::op::swiglu_forward<T>{both.matrix(), y.matrix()}); });
    line("swiglu_backward", 5 * whole, [&] { device.rows(rows, mt::op::swiglu_backward<T>{both.matrix(), y.matrix(), dboth.matrix()}); });
    line("gelu_forward", 2 * whole, [&] { device.elements(n, mt::op::gelu_forward<T>{x.row(), y.row()}); });
    line("embedding_backward", whole, [&] {
        mt::op::add_embedding_gradient(
            device,
            mt::op::embedding_backward<T>{{order.data(), rows}, {index.data(), rows}, y.matrix(), logits.matrix(), carried.matrix()});
    });
    line("cross_entropy", computed + whole, [&] {
        device.rows(rows, mt::op::cross_entropy<T>{logits.matrix(), {index.data(), rows}, scale.row(), z.matrix(), &targets, 1, C(1e-4)});
    });
    line("adamw", 7 * computed + whole, [&] {
        device.rows(step::teams(n), step{f, &s, master.row(), z.row(), gradient.row(), slots.row(), decay.row(), {}});
    });
}

}  // namespace

int main(int argc, char** argv) {
    index_t const      width = argc > 1 ? std::atol(argv[1]) : 768;
    std::vector<float> from(static_cast<std::size_t>(256 * width), 1.0f), to(from.size());
    double const       copied = 8.0 * static_cast<double>(from.size()) / seconds([&] { std::copy(from.begin(), from.end(), to.begin()); });
    all<float>(width, "fp32", copied);
    all<mt::bf16>(width, "bf16", copied);
}
