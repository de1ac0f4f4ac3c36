#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/tiled_attention.hpp>
#include <midtrain/op/tiled_attention_backward.hpp>
#include <midtrain/position/alibi.hpp>
#include <midtrain/position/dual_chunk.hpp>
#include <midtrain/position/logn.hpp>
#include <midtrain/position/self_extend.hpp>
#include <midtrain/position/soft_cap.hpp>
#include <support/devices.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

struct form {
    index_t sequences, length, heads, kv_heads, size;
    index_t values = 0, window = 0;
};

/// Tiles so small that lengths of a few tens have many, of edges that do not divide them.
constexpr mt::op::attention_tiles small{.queries = 16, .keys = 24, .values = 3000, .grain = 8};

/// A batch on a device, in T: values that T holds, so that the same example in double is the same problem.
template <class Device, class T>
struct example {
    Device& device;
    form    f;
    index_t n, out;
    int     forms, key_forms;
    std::vector<double> numbers, slopes;
    std::vector<std::int32_t> begin, place;

    example(Device& d, form const& of, int queries = 1, int keys = 1)
        : device(d), f(of), n(f.sequences * f.length), out(f.heads * (f.values > 0 ? f.values : f.size)), forms(queries), key_forms(keys) {
        mt::random_stream const r{7, 0};
        auto const rounded = [](double x) { return double(float(mt::bf16(float(x)))); };
        for (index_t i = 0; i < n * columns(); ++i) numbers.push_back(rounded(4 * r.uniform(std::uint64_t(i)) - 2));
        for (index_t i = 0; i < n * out; ++i) slopes.push_back(rounded(2 * r.uniform(std::uint64_t(i) + 1'000'000) - 1));
        std::int32_t at = 0;
        for (index_t i = 0; i < n; ++i) {
            auto const t = static_cast<std::int32_t>(i % f.length);
            if (t == 0) at = 0;
            else if (mt::mix_bits(static_cast<std::uint64_t>(i)) % 23 == 0) at = t;
            begin.push_back(at), place.push_back(t - at);
        }
    }
    index_t columns() const { return (forms * f.heads + key_forms * f.kv_heads) * f.size + f.kv_heads * (out / f.heads); }

    struct found {
        std::vector<double> output, log_sum, gradient;
    };
    template <class V>
    static std::vector<T> as(V const& v) {
        std::vector<T> t;
        for (auto x : v) t.push_back(T(x));
        return t;
    }
    template <class V>
    static std::vector<double> in_double(V const& v) {
        return {v.begin(), v.end()};
    }

    /// `go(problem)` does it; what `before` is, memory holds, so that what nobody writes is seen.
    template <class Modifier, class Distance, class Go>
    found forward(Modifier const& m, Distance const& distance, Go const& go, double before = 77) {
        using C = mt::computed_t<T>;
        auto const qkv = test::uploaded(device, as(numbers));
        auto const o = test::uploaded(device, std::vector<T>(n * out, T(before)));
        auto const l = test::uploaded(device, std::vector<C>(f.heads * n, C(before)));
        auto const b = test::uploaded(device, begin), at = test::uploaded(device, place);
        go(mt::attention_problem<T, Modifier, Distance>{
            mt::as_matrix<T const>(qkv.view().data, n, columns()), b.view(), mt::as_matrix(o.view().data, n, out),
            mt::as_matrix(l.view().data, f.heads, n), f.sequences, f.length, f.heads, f.kv_heads, f.size,
            C(1 / std::sqrt(double(f.size))), f.window, at.view(), m, distance, f.values});
        return {in_double(test::downloaded(device, o.view())), in_double(test::downloaded(device, l.view())), {}};
    }
    template <class Modifier, class Forward, class Backward>
    found both(Modifier const& m, Forward const& forward_by, Backward const& backward_by) {
        using C = mt::computed_t<T>;
        found all;
        auto const d = test::uploaded(device, as(slopes)), r = test::uploaded(device, std::vector<T>(n * columns(), T(77.0)));
        auto const dot = device.template make<C>(f.heads * n);
        auto const first = forward(m, mt::as_they_stand{}, [&](auto const& p) {
            forward_by(p);
            backward_by(mt::attention_gradient_problem<T, Modifier>{p, mt::as_matrix<T const>(d.view().data, n, out),
                                                                    mt::as_matrix(r.view().data, n, columns()),
                                                                    mt::as_matrix(dot.view().data, f.heads, n)});
        });
        all = first;
        all.gradient = in_double(test::downloaded(device, r.view()));
        return all;
    }
};

/// Does a problem by tiles in memory that holds no numbers at first.
template <class Device>
auto by_tiles(Device& device, mt::op::attention_tiles const& tiles) {
    return [&device, tiles](auto const& p) {
        auto const bytes = mt::op::tiled_bytes(size_of(p), tiles);
        auto const work  = test::uploaded(device, std::vector<std::byte>(static_cast<std::size_t>(bytes), std::byte{0xff}));
        mt::op::tiled(device, p, work.view(), tiles);
        device.wait();
    };
}
template <class Device>
auto plainly(Device& device) {
    return [&device](auto const& p) {
        mt::plain(device, p);
        device.wait();
    };
}

double worst(std::vector<double> const& a, std::vector<double> const& b) {
    double w = a.size() == b.size() ? 0 : 1e9;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        if (std::isnan(a[i])) return 1e9;
        w = std::max(w, std::abs(a[i] - b[i]));
    }
    return w;
}

template <class Device, class Modifier = mt::unmodified>
void tiles_equal_the_reference(form const& f, Modifier const& m = {}, mt::op::attention_tiles const& tiles = small) {
    Device device;
    example<Device, double> e(device, f);
    auto const t = e.both(m, by_tiles(device, tiles), by_tiles(device, tiles)), p = e.both(m, plainly(device), plainly(device));
    BOOST_TEST(worst(t.output, p.output) < 1e-12);
    BOOST_TEST(worst(t.log_sum, p.log_sum) < 1e-12);
    BOOST_TEST(worst(t.gradient, p.gradient) < 1e-11);
}

template <class Device, class Distance>
void far_tiles_equal_the_reference(form const& f, Distance const& distance) {
    Device device;
    example<Device, double> e(device, f, distance.forms(), distance.key_forms());
    mt::logn const m{.trained = 9};
    auto const     t = e.forward(m, distance, by_tiles(device, small)), p = e.forward(m, distance, plainly(device));
    BOOST_TEST(worst(t.output, p.output) < 1e-12);
    BOOST_TEST(worst(t.log_sum, p.log_sum) < 1e-12);
}

double distance(std::vector<double> const& a, std::vector<double> const& b) {
    double d = 0, s = 0;
    for (std::size_t i = 0; i < a.size(); ++i) d += (a[i] - b[i]) * (a[i] - b[i]), s += b[i] * b[i];
    return std::sqrt(d / s);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tiled_attention, *boost::unit_test::precondition(test::has_devices))

BOOST_AUTO_TEST_CASE_TEMPLATE(lengths_that_tiles_do_not_divide, Device, test::devices) {
    for (index_t t : {1, 7, 8, 17, 50})
        tiles_equal_the_reference<Device>({.sequences = 1, .length = t, .heads = 2, .kv_heads = 1, .size = 8});
}
BOOST_AUTO_TEST_CASE_TEMPLATE(groups_and_several_pairs_at_once, Device, test::devices) {
    tiles_equal_the_reference<Device>({.sequences = 3, .length = 19, .heads = 2, .kv_heads = 2, .size = 4});
    tiles_equal_the_reference<Device>({.sequences = 2, .length = 21, .heads = 6, .kv_heads = 2, .size = 5});
    tiles_equal_the_reference<Device>({.sequences = 1, .length = 30, .heads = 5, .kv_heads = 1, .size = 12});
}
BOOST_AUTO_TEST_CASE_TEMPLATE(values_of_another_size, Device, test::devices) {
    tiles_equal_the_reference<Device>({.sequences = 2, .length = 22, .heads = 2, .kv_heads = 2, .size = 12, .values = 7});
    tiles_equal_the_reference<Device>({.sequences = 1, .length = 33, .heads = 2, .kv_heads = 1, .size = 9, .values = 17, .window = 11});
}
BOOST_AUTO_TEST_CASE_TEMPLATE(windows, Device, test::devices) {
    for (index_t w : {1, 5, 16, 40})
        tiles_equal_the_reference<Device>({.sequences = 1, .length = 42, .heads = 2, .kv_heads = 1, .size = 4, .window = w});
}
BOOST_AUTO_TEST_CASE_TEMPLATE(what_becomes_of_scores, Device, test::devices) {
    form const f{.sequences = 1, .length = 34, .heads = 4, .kv_heads = 2, .size = 6};
    tiles_equal_the_reference<Device>(f, mt::alibi{.heads = 4});
    tiles_equal_the_reference<Device>(f, mt::logn{.trained = 9});
    tiles_equal_the_reference<Device>(f, mt::soft_cap{.cap = 1.5});
}
BOOST_AUTO_TEST_CASE_TEMPLATE(distances, Device, test::devices) {
    form const f{.sequences = 2, .length = 37, .heads = 4, .kv_heads = 2, .size = 6};
    far_tiles_equal_the_reference<Device>(f, mt::dual_chunk{.chunk = 10, .local = 3});
    far_tiles_equal_the_reference<Device>(f, mt::self_extend{.group = 3, .window = 7});
}
/// The sizes of training: one tile of each length below 1024 keys.
BOOST_AUTO_TEST_CASE_TEMPLATE(sizes_as_they_are, Device, test::tuned_devices) {
    tiles_equal_the_reference<Device>({.sequences = 2, .length = 300, .heads = 4, .kv_heads = 2, .size = 16}, mt::unmodified{}, {});
    tiles_equal_the_reference<Device>({.sequences = 1, .length = 1100, .heads = 2, .kv_heads = 1, .size = 8}, mt::unmodified{}, {});
}

/// Products of bfloat16 in float, probabilities and slopes rounded to bfloat16 (a relative error of 2^-9 each) before products that sum
/// them, and the result rounded once: a few times 2^-9 of the whole.
BOOST_AUTO_TEST_CASE_TEMPLATE(bf16_is_as_near_as_its_roundings, Device, test::devices) {
    Device     device;
    form const f{.sequences = 1, .length = 50, .heads = 4, .kv_heads = 2, .size = 16};
    example<Device, mt::bf16> rounded(device, f);
    example<Device, double>   exact(device, f);
    auto const r = rounded.both(mt::unmodified{}, by_tiles(device, small), by_tiles(device, small));
    auto const p = exact.both(mt::unmodified{}, plainly(device), plainly(device));
    BOOST_TEST(distance(r.output, p.output) < 4e-3);
    BOOST_TEST(distance(r.log_sum, p.log_sum) < 1e-6);
    BOOST_TEST(distance(r.gradient, p.gradient) < 6e-3);
}
/// Length enters the workspace once.
BOOST_AUTO_TEST_CASE(memory_is_linear_in_length) {
    auto const bytes = [](index_t length) {
        mt::attention_gradient_problem<mt::bf16> g{};
        auto& p = g.forward;
        p.sequences = 1, p.length = length, p.heads = 14, p.kv_heads = 2, p.head_size = 64;
        return mt::op::tiled_bytes(size_of(g));
    };
    auto const a = bytes(32768), b = bytes(65536), c = bytes(131072);
    BOOST_TEST(b - a == 32768 * 2 * 64 * 2 * (2 + 4));  // keys and values of two heads in bfloat16, their gradients in float
    BOOST_TEST(c - b == 2 * (b - a));
}

BOOST_AUTO_TEST_SUITE_END()
