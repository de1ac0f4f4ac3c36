#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>
#include <boost/test/unit_test.hpp>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/op/add_then.hpp>
#include <midtrain/op/cap_logits.hpp>
#include <midtrain/op/column_sums.hpp>
#include <midtrain/op/cross_entropy.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/embedding.hpp>
#include <midtrain/op/head_norm.hpp>
#include <midtrain/op/norm.hpp>
#include <midtrain/op/rope.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/elementwise_step.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/played_block.hpp>

namespace mt = midtrain;

// Every pass that is no product against its formula in double, by each kind of team: on rows whose packs are whole, of widths that no pack
// divides, and in memory that no pack fits.
namespace {

using mt::index_t;
using numbers = std::vector<double>;

/// An array in a device's memory, `begin` values behind where packs begin, and what it holds in double.
template <class T>
struct array {
    mt::host_buffer<T> memory;
    index_t            begin, columns;

    array(index_t rows, index_t width, index_t at, std::uint64_t stream, double low = -1)
        : memory(rows * width + at), begin(at), columns(width) {
        for (index_t i = 0; i < rows * width; ++i)
            data()[i] =
                T(static_cast<mt::computed_t<T>>(low + (1 - low) * mt::random_stream{7, stream}.uniform(static_cast<std::uint64_t>(i))));
    }
    T*                 data() const { return memory.view().data + begin; }
    index_t            size() const { return memory.size() - begin; }
    mt::row_view<T>    row() const { return {data(), size()}; }
    mt::matrix_view<T> matrix() const { return mt::as_matrix(data(), size() / columns, columns); }
    numbers            values() const { return {data(), data() + size()}; }
};

/// One device, stored type and form of memory.
template <class T, class Device>
struct passes {
    using C = mt::computed_t<T>;

    Device& device;
    index_t rows, width, at;
    double  tolerance;  // of values of about one

    index_t size(index_t n) const { return rows * n; }
    static double at_of(numbers const& v, index_t i) { return v[static_cast<std::size_t>(i)]; }

    void equal(std::string const& what, numbers const& found, numbers const& wanted) const {
        double worst = 0, most = 1;
        for (double w : wanted) most = std::max(most, std::abs(w));
        for (std::size_t i = 0; i < wanted.size(); ++i)
            worst = std::max(worst, std::isfinite(found[i]) ? std::abs(found[i] - wanted[i]) : 1e9);
        BOOST_TEST(worst <= tolerance * most, what << " of width " << width << " at " << at << " is " << worst / most << " off");
    }

    void all() {
        rmsnorm(), layernorm(), sum_and_norm(), head_norm(), activations(), sums_of_neighbours(), rope(), loss(), embedding(), optimizer();
    }

    void rmsnorm() {
        array<T> x(rows, width, at, 1), dy(rows, width, at, 2), gain(1, width, at, 3), y(rows, width, at, 4), dx(rows, width, at, 5);
        array<C> scale(1, rows, 0, 6), dgain(1, width, at, 7), parts(mt::op::row_parts(rows), width, 0, 8);
        auto const u = x.values(), v = dy.values(), g = gain.values();
        auto       wy = y.values(), wdx = dx.values(), wg = dgain.values();
        device.rows(rows, mt::op::rmsnorm_forward<T>{x.matrix(), gain.row(), y.matrix(), scale.row(), C(1e-5), C(1)});
        device.rows(rows, mt::op::rmsnorm_backward<T>{x.matrix(), dy.matrix(), gain.row(), scale.row(), dx.matrix(), C(1)});
        mt::op::add_column_sums(device, mt::op::rmsnorm_gain_sums<T>{x.matrix(), dy.matrix(), scale.row()}, parts.matrix(), dgain.row());
        for (index_t r = 0; r < rows; ++r) {
            double squares = 0, along = 0;
            for (index_t i = 0; i < width; ++i) squares += at_of(u, r * width + i) * at_of(u, r * width + i);
            double const s = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-5);
            for (index_t i = 0; i < width; ++i) along += at_of(v, r * width + i) * (at_of(g, i) + 1) * at_of(u, r * width + i) * s;
            for (index_t i = 0; i < width; ++i) {
                double const hat = at_of(u, r * width + i) * s, d = at_of(v, r * width + i);
                auto const   k = static_cast<std::size_t>(r * width + i), c = static_cast<std::size_t>(i);
                wy[k]          = hat * (g[c] + 1);
                wdx[k] += s * (d * (g[c] + 1) - hat * along / static_cast<double>(width));
                wg[c] += d * hat;
            }
        }
        equal("rmsnorm_forward", y.values(), wy), equal("rmsnorm_backward", dx.values(), wdx),
            equal("rmsnorm_gain_sums", dgain.values(), wg);
    }
    void layernorm() {
        array<T> x(rows, width, at, 1), dy(rows, width, at, 2), gain(1, width, at, 3), bias(1, width, at, 4), y(rows, width, at, 5),
            dx(rows, width, at, 6);
        array<C> mean(1, rows, 0, 7), scale(1, rows, 0, 8), dgain(1, width, at, 9), dbias(1, width, at, 10),
            parts(mt::op::row_parts(rows), 2 * width, 0, 11);
        auto const u = x.values(), v = dy.values(), g = gain.values(), b = bias.values();
        auto       wy = y.values(), wdx = dx.values(), wg = dgain.values(), wb = dbias.values();
        device.rows(rows, mt::op::layernorm_forward<T>{x.matrix(), gain.row(), bias.row(), y.matrix(), mean.row(), scale.row(), C(1e-5)});
        device.rows(rows, mt::op::layernorm_backward<T>{x.matrix(), dy.matrix(), gain.row(), mean.row(), scale.row(), dx.matrix()});
        mt::op::add_column_sums(device, mt::op::layernorm_parameters_sums<T>{x.matrix(), dy.matrix(), mean.row(), scale.row()},
                                parts.matrix(), dgain.row(), dbias.row());
        double const n = static_cast<double>(width);
        for (index_t r = 0; r < rows; ++r) {
            double m = 0, variance = 0, first = 0, second = 0;
            for (index_t i = 0; i < width; ++i) m += at_of(u, r * width + i) / n;
            for (index_t i = 0; i < width; ++i) variance += (at_of(u, r * width + i) - m) * (at_of(u, r * width + i) - m) / n;
            double const s = 1 / std::sqrt(variance + 1e-5);
            for (index_t i = 0; i < width; ++i) {
                double const d = at_of(v, r * width + i) * at_of(g, i);
                first += d / n, second += d * (at_of(u, r * width + i) - m) * s / n;
            }
            for (index_t i = 0; i < width; ++i) {
                auto const   k = static_cast<std::size_t>(r * width + i), c = static_cast<std::size_t>(i);
                double const hat = (u[k] - m) * s;
                wy[k]            = hat * g[c] + b[c];
                wdx[k] += s * (v[k] * g[c] - first - hat * second);
                wg[c] += v[k] * hat, wb[c] += v[k];
            }
        }
        equal("layernorm_forward", y.values(), wy), equal("layernorm_backward", dx.values(), wdx);
        equal("layernorm_parameters_sums gain", dgain.values(), wg), equal("layernorm_parameters_sums bias", dbias.values(), wb);
    }
    /// The same bits as the sum and then the norm.
    void sum_and_norm() {
        using norm = mt::op::rmsnorm_forward<T>;
        array<T> x(rows, width, at, 1), y(rows, width, at, 2), z(rows, width, at, 2);
        array<T> gain(1, width, at, 3), n(rows, width, at, 4), m(rows, width, at, 5);
        array<C> scale(1, rows, 0, 6);
        device.elements(x.size(), mt::op::add_scaled<T>{x.row(), y.row(), y.row(), C(0.25)});
        device.rows(rows, norm{y.matrix(), gain.row(), n.matrix(), scale.row(), C(1e-5)});
        norm const next{z.matrix(), gain.row(), m.matrix(), scale.row(), C(1e-5)};
        device.rows(rows, mt::op::add_then<T, norm>{x.matrix(), z.matrix(), C(0.25), next});
        BOOST_TEST((y.values() == z.values() && n.values() == m.values()));
    }
    void head_norm() {
        mt::op::head_rows const of{2, 1, width};
        index_t const           count = 3;
        array<T>                x(rows, 4 * width, at, 1), raw(rows, count * width, at, 2), q(1, width, at, 3), k(1, width, at, 4),
            d(rows, 4 * width, at, 5);
        array<C> scale(rows, count, 0, 6), dq(1, width, at, 7), parts(mt::op::row_parts(2 * rows), width, 0, 8);
        auto const u = x.values(), v = d.values(), gq = q.values(), gk = k.values();
        auto       wx = u, wd = v, wq = dq.values();
        device.rows(scale.size(), mt::op::head_norm_forward<T>{x.matrix(), raw.matrix(), q.row(), k.row(), scale.matrix(), of, C(1e-5)});
        mt::op::add_column_sums(device, mt::op::head_norm_gain_sums<T>{d.matrix(), raw.matrix(), scale.matrix(), of, 0, 2}, parts.matrix(),
                                dq.row());
        device.rows(scale.size(), mt::op::head_norm_backward<T>{d.matrix(), raw.matrix(), q.row(), k.row(), scale.matrix(), of});
        for (index_t r = 0; r < rows; ++r)
            for (index_t h = 0; h < count; ++h) {
                auto const  first = static_cast<std::size_t>((r * 4 + h) * width);
                auto const& g     = h < 2 ? gq : gk;
                double      squares = 0, along = 0;
                for (std::size_t i = 0; i < g.size(); ++i) squares += u[first + i] * u[first + i];
                double const s = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-5);
                for (std::size_t i = 0; i < g.size(); ++i) along += v[first + i] * g[i] * u[first + i] * s / static_cast<double>(width);
                for (std::size_t i = 0; i < g.size(); ++i) {
                    wx[first + i] = u[first + i] * s * g[i];
                    wd[first + i] = s * (v[first + i] * g[i] - u[first + i] * s * along);
                    if (h < 2) wq[i] += v[first + i] * u[first + i] * s;
                }
            }
        equal("head_norm_forward", x.values(), wx), equal("head_norm_backward", d.values(), wd),
            equal("head_norm_gain_sums", dq.values(), wq);
    }
    void activations() {
        index_t const n = rows * width;
        array<T> x(rows, 2 * width, at, 1), d(rows, width, at, 2), y(rows, width, at, 3), dx(rows, 2 * width, at, 4), z(rows, width, at, 5),
            dz(rows, width, at, 6);
        auto const u = x.values(), v = d.values();
        numbers    wy(v.size()), wdx(u.size()), wz(v.size()), wdz(v.size());
        auto const a = x.row().part(0, n);
        device.rows(rows, mt::op::swiglu_forward<T>{x.matrix(), y.matrix()});
        device.rows(rows, mt::op::swiglu_backward<T>{x.matrix(), d.matrix(), dx.matrix()});
        device.elements(n, mt::op::gelu_forward<T>{a, z.row()});
        device.elements(n, mt::op::gelu_backward<T>{a, d.row(), dz.row()});
        for (index_t r = 0; r < rows; ++r)
            for (index_t i = 0; i < width; ++i) {
                auto const k = static_cast<std::size_t>(r * width + i), g = static_cast<std::size_t>(r * 2 * width + i),
                           up  = g + static_cast<std::size_t>(width);
                double const s = 1 / (1 + std::exp(-u[g]));
                wy[k]          = u[g] * s * u[up];
                wdx[g]         = v[k] * u[up] * s * (1 + u[g] * (1 - s));
                wdx[up]        = v[k] * u[g] * s;
                double const b = std::sqrt(2 / 3.14159265358979323846), t = std::tanh(b * (u[k] + 0.044715 * u[k] * u[k] * u[k]));
                wz[k]          = 0.5 * u[k] * (1 + t);
                wdz[k]         = v[k] * (0.5 * (1 + t) + 0.5 * u[k] * (1 - t * t) * b * (1 + 3 * 0.044715 * u[k] * u[k]));
            }
        equal("swiglu_forward", y.values(), wy), equal("swiglu_backward", dx.values(), wdx);
        equal("gelu_forward", z.values(), wz), equal("gelu_backward", dz.values(), wdz);
    }
    void sums_of_neighbours() {
        array<T> a(rows, width, at, 1), b(rows, width, at, 2), bias(1, width, at, 3), y(rows, width, at, 4), z(rows, width, at, 5);
        array<C> sums(1, width, at, 6), parts(mt::op::row_parts(rows), width, 0, 7), master(rows, width, at, 8);
        auto const u = a.values(), v = b.values(), c = bias.values(), m = master.values();
        auto       wy = u, wz = u, ws = sums.values(), wm = m;
        device.elements(a.size(), mt::op::add<T>{a.row(), b.row(), y.row()});
        device.rows(rows, mt::op::add_bias<T>{y.matrix(), bias.row()});
        device.elements(a.size(), mt::op::add_scaled<T>{a.row(), b.row(), z.row(), C(0.25)});
        mt::op::add_column_sums(device, mt::op::bias_sums<T>{b.matrix()}, parts.matrix(), sums.row());
        for (std::size_t i = 0; i < u.size(); ++i) {
            wy[i] = u[i] + v[i] + c[i % c.size()], wz[i] = u[i] + 0.25 * v[i];
            ws[i % c.size()] += v[i];
        }
        equal("add and add_bias", y.values(), wy), equal("add_scaled", z.values(), wz), equal("bias_sums", sums.values(), ws);
        device.elements(a.size(), mt::op::convert<C, T>{master.row(), y.row()});
        equal("convert", y.values(), m);
        device.elements(a.size(), mt::op::scaled<T>{a.row(), y.row(), C(0.5)});
        for (std::size_t i = 0; i < u.size(); ++i) wy[i] = 0.5 * u[i];
        equal("scaled", y.values(), wy);
        array<C> slope(rows, width, at, 9);
        device.elements(a.size(), mt::op::cap_logits<C>{master.row(), slope.row(), C(0.5)});
        device.elements(a.size(), mt::op::cap_logits_backward<T>{slope.row(), b.row()});
        for (std::size_t i = 0; i < u.size(); ++i) {
            double const t = std::tanh(m[i] / 0.5);
            wm[i] = 0.5 * t, wy[i] = v[i] * (1 - t * t);
        }
        equal("cap_logits", master.values(), wm), equal("cap_logits_backward", b.values(), wy);
    }
    void rope() {
        index_t const half = width / 2, heads = 3;
        array<T>      x(rows, heads * width, at, 1);
        array<C>      cosine(4, half, at, 2), sine(4, half, at, 3);
        std::vector<std::int32_t> place;
        for (index_t r = 0; r < rows; ++r) place.push_back(static_cast<std::int32_t>(r * 3 % 4));
        auto const u = x.values(), c = cosine.values(), s = sine.values();
        auto       w = u;
        device.rows(rows,
                    mt::op::rope<T>{x.matrix(), {place.data(), rows}, cosine.matrix(), sine.matrix(), 2, width, mt::op::turn::backward});
        for (index_t r = 0; r < rows; ++r)
            for (index_t h = 0; h < 2; ++h)
                for (index_t i = 0; i < half; ++i) {
                    auto const a = static_cast<std::size_t>((r * heads + h) * width + i), b = a + static_cast<std::size_t>(half),
                               t = static_cast<std::size_t>(place[static_cast<std::size_t>(r)] * half + i);
                    w[a] = u[a] * c[t] + u[b] * s[t], w[b] = u[b] * c[t] - u[a] * s[t];
                }
        equal("rope", x.values(), w);
    }
    void loss() {
        array<C> logits(rows, width, at, 1, -9), losses(1, rows, 0, 2);
        array<T> gradient(rows, width, at, 3);
        std::vector<std::int32_t> target;
        for (index_t r = 0; r < rows; ++r) target.push_back(r == 1 ? -1 : static_cast<std::int32_t>(r * 5 % width));
        double const targets = 4;
        auto const   x       = logits.values();
        auto         wl = losses.values(), wg = gradient.values();
        device.rows(rows, mt::op::cross_entropy<T>{
                              logits.matrix(), {target.data(), rows}, losses.row(), gradient.matrix(), &targets, 2.0, C(0.01)});
        for (index_t r = 0; r < rows; ++r) {
            double     total = 0;
            auto const goal  = target[static_cast<std::size_t>(r)];
            for (index_t i = 0; i < width; ++i) total += std::exp(at_of(x, r * width + i));
            double const log_z = std::log(total);
            wl[static_cast<std::size_t>(r)] = goal < 0 ? 0 : log_z - at_of(x, r * width + goal);
            for (index_t i = 0; i < width; ++i)
                wg[static_cast<std::size_t>(r * width + i)] =
                    goal < 0 ? 0 : 2.0 / targets * (std::exp(at_of(x, r * width + i)) / total * (1 + 2 * 0.01 * log_z) - (i == goal));
        }
        equal("cross_entropy", losses.values(), wl), equal("cross_entropy gradient", gradient.values(), wg);
    }
    void embedding() {
        index_t const tokens = 3 * mt::op::embedding_window + rows, entries = 5;
        std::vector<std::int32_t> index, order;
        for (index_t t = 0; t < tokens; ++t)
            index.push_back(t % 9 == 0 ? 1 : t % 11 == 0 ? 4 : t % 13 == 0 ? 0 : 3);  // one that fills windows, one that is not there
        for (std::int32_t e = 0; e < entries; ++e)
            for (std::int32_t t = 0; t < tokens; ++t)
                if (index[static_cast<std::size_t>(t)] == e) order.push_back(t);
        array<T> table(entries, width, at, 1), y(tokens, width, at, 2), dy(tokens, width, at, 3);
        array<C> gradient(entries, width, at, 4), carried(mt::op::embedding_windows(tokens), width, at, 5);
        auto const u = table.values(), v = dy.values();
        auto       wy = y.values(), wg = gradient.values();
        device.rows(tokens, mt::op::embedding_forward<T>{table.matrix(), {index.data(), tokens}, y.matrix()});
        mt::op::add_embedding_gradient(
            device, mt::op::embedding_backward<T>{
                        {order.data(), tokens}, {index.data(), tokens}, dy.matrix(), gradient.matrix(), carried.matrix()});
        for (index_t t = 0; t < tokens; ++t)
            for (index_t i = 0; i < width; ++i) {
                auto const from = static_cast<std::size_t>(index[static_cast<std::size_t>(t)] * width + i),
                           k    = static_cast<std::size_t>(t * width + i);
                wy[k] = u[from], wg[from] += v[k];
            }
        equal("embedding_forward", y.values(), wy), equal("embedding_backward", gradient.values(), wg);
    }
    void optimizer() {
        using precision =
            std::conditional_t<std::is_same_v<T, double>, mt::fp64, std::conditional_t<std::is_same_v<T, float>, mt::fp32, mt::bf16_mixed>>;
        using pass      = mt::elementwise_step<mt::adamw, precision>;
        index_t const    n = 5 * 64;
        array<C>         master(1, n, at, 1), gradient(1, n, at, 2), slots(2, n, at, 3, 0), decay(1, n / 64, 0, 4, 0), partial(1, 2, 0, 5),
            many(1, 4096 + width, at, 6);
        array<T>         stored(1, n, at, 7);
        array<double>    rates(1, n / 64, 0, 8, 0.5);
        mt::adamw const  f{.beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8, .decay = 0.1};
        mt::step_scalars s{.rate = 1e-2, .clip_factor = 0.5, .step = 3};
        f.prepare(s);
        auto const g = gradient.values(), d = decay.values(), rate = rates.values(), x = many.values();
        auto       w = master.values(), m = slots.values();
        device.rows(pass::teams(n), pass{f, &s, master.row(), stored.row(), gradient.row(), slots.row(), decay.row(), rates.row()});
        for (std::size_t i = 0; i < w.size(); ++i) {
            double &     first = m[i], &second = m[w.size() + i];
            double const now   = 1e-2 * rate[i / 64], k = g[i] * 0.5;
            first  = 0.9 * first + 0.1 * k;
            second = 0.95 * second + 0.05 * k * k;
            w[i]   = w[i] * (1 - now * d[i / 64]) -
                   now * (first / (1 - 0.9 * 0.9 * 0.9)) / (std::sqrt(second / (1 - 0.95 * 0.95 * 0.95)) + 1e-8);
        }
        equal("adamw", master.values(), w), equal("adamw stored", stored.values(), w), equal("adamw slots", slots.values(), m);
        device.rows(2, mt::squares_of_part<C>{many.row(), partial.row()});
        numbers squares(2);
        for (std::size_t i = 0; i < x.size(); ++i) squares[i / 4096] += x[i] * x[i];
        equal("squares_of_part", partial.values(), squares);
    }
};

struct form {
    index_t width, at;
};

/// Packs are whole at 64 values of any type; rows of 75 begin anywhere; and then all is one or two values off.
template <class... T, class Device>
void all_on(Device&& device, index_t rows, std::vector<form> const& forms = {{64, 0}, {75, 0}, {64, 1}, {266, 2}}) {
    for (auto const& [width, at] : forms)  // bf16: half of the last of 8 bits, and once more where read again
        (passes<T, std::decay_t<Device>>{device, rows, width, at, sizeof(T) == 8 ? 1e-13 : sizeof(T) == 4 ? 2e-6 : 5e-3}.all(), ...);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(passes_that_are_no_products)

BOOST_AUTO_TEST_CASE(of_the_host_are_their_formulas) { all_on<double, float, mt::bf16>(mt::host(2), 70); }
BOOST_AUTO_TEST_CASE(of_a_crowd_of_8_are_their_formulas) { all_on<double, float, mt::bf16>(mt::crowd(8), 35); }
BOOST_AUTO_TEST_CASE(of_a_crowd_of_128_are_their_formulas) { all_on<float, mt::bf16>(mt::crowd(128), 3, {{64, 0}, {75, 0}}); }
BOOST_AUTO_TEST_CASE(of_warps_are_their_formulas) { all_on<float, mt::bf16>(test::played_warps(), 5, {{64, 0}, {75, 0}, {64, 1}}); }
BOOST_AUTO_TEST_CASE(of_blocks_are_their_formulas) { all_on<float, mt::bf16>(test::played_blocks<64>(), 3, {{64, 0}, {75, 0}}); }

BOOST_AUTO_TEST_SUITE_END()
