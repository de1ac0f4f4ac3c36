#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <support/devices.hpp>
#include <support/naive_scan.hpp>
#include <support/scan_case.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

/// Part of a (tokens, width) row: some tokens, some columns.
std::vector<double> part(std::vector<double> const& all, index_t width, index_t first, index_t tokens, index_t column, index_t columns) {
    std::vector<double> some;
    for (index_t t = first; t < first + tokens; ++t)
        for (index_t c = column; c < column + columns; ++c) some.push_back(all[static_cast<std::size_t>(t * width + c)]);
    return some;
}
double apart(std::vector<double> const& got, std::vector<double> const& want) {
    double most = 0, size = 1e-30;
    for (std::size_t i = 0; i < want.size(); ++i) most = std::max(most, std::abs(got[i] - want[i])), size = std::max(size, std::abs(want[i]));
    return got.size() == want.size() && most == most ? most / size : 1;
}

/// The largest difference from the naive scan of each document and head by itself, in units of each tensor's largest value.
template <class T, class Device>
double from_naive(index_t heads, index_t channels, index_t states, bool no_rank = false) {
    Device                     device;
    std::vector<std::int32_t>  begins{0, 31, 33, 64};
    index_t const              length = 71, sequences = 2, per = channels / heads, wide = (no_rank ? 0 : 2) + 2 * states;
    test::scan_case<T, Device> s(device, sequences, length, heads, channels, states, begins, no_rank);
    s.run();
    auto const input = s.values(s.input), step = s.values(s.step), gate = s.values(s.gate), selection = s.values(s.selection), slope = s.values(s.slope);
    auto const log_rate = s.values(s.log_rate), skip = s.values(s.skip), bias = s.values(s.bias);
    auto const output = s.values(s.output), dinput = s.values(s.dinput), dstep = s.values(s.dstep), dgate = s.values(s.dgate), dselection = s.values(s.dselection);
    std::vector<double> rates(log_rate.size()), skips(skip.size());
    double              worst = 0;
    begins.push_back(static_cast<std::int32_t>(length));
    for (index_t q = 0; q < sequences; ++q)
        for (std::size_t d = 0; d + 1 < begins.size(); ++d)
            for (index_t h = 0; h < heads; ++h) {
                index_t const t = q * length + begins[d], n = begins[d + 1] - begins[d], c = h * per;
                index_t const b = no_rank ? h * states : h * wide + 2, read = b + (no_rank ? heads : 1) * states;
                auto const    of = [&](std::vector<double> const& all) { return part(all, channels, t, n, c, per); };
                auto const    selected = [&](std::vector<double> const& all, index_t at) { return part(all, heads * wide, t, n, at, states); };
                test::naive_scan const naive{static_cast<std::size_t>(n), static_cast<std::size_t>(per), static_cast<std::size_t>(states), of(input), of(step),
                                             of(gate), selected(selection, b), selected(selection, read), part(log_rate, states, c, per, 0, states),
                                             part(skip, 1, c, per, 0, 1), part(bias, 1, c, per, 0, 1)};
                auto const g = naive.gradient(of(slope));
                worst = std::max({worst, apart(of(output), naive.output()), apart(of(dinput), g.input), apart(of(dstep), g.step), apart(of(dgate), g.gate),
                                  apart(selected(dselection, b), g.written), apart(selected(dselection, read), g.read)});
                for (std::size_t i = 0; i < g.log_rate.size(); ++i) rates[static_cast<std::size_t>(c * states) + i] += g.log_rate[i];
                for (std::size_t i = 0; i < g.skip.size(); ++i) skips[static_cast<std::size_t>(c) + i] += g.skip[i];
            }
    return std::max({worst, apart(s.values(s.dlog_rate), rates), apart(s.values(s.dskip), skips)});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(selective_scan, *boost::unit_test::precondition(test::has_devices))

// Documents of 31, 2, 31 and 7 tokens, so that chunks of 32 begin within and between them; two tiles of channels; states that fill one block,
// and such that fill one and a part. Double: sums of 71 terms. Float: 71 roundings of 6e-8, and exponentials within 2 ulp.
BOOST_AUTO_TEST_CASE_TEMPLATE(equals_the_naive_scan_of_each_document, Device, test::devices) {
    BOOST_TEST((from_naive<double, Device>(1, 35, 16)) < 1e-13);
    BOOST_TEST((from_naive<double, Device>(1, 35, 19)) < 1e-13);
    BOOST_TEST((from_naive<double, Device>(2, 70, 5)) < 1e-13);
    BOOST_TEST((from_naive<double, Device>(3, 21, 19, true)) < 1e-13);  // as Mamba-2 lays them down
    BOOST_TEST((from_naive<float, Device>(1, 35, 16)) < 1e-5);
    BOOST_TEST((from_naive<float, Device>(2, 70, 19)) < 1e-5);
}

// Each channel is one thread's work in any team, so every device gives the host's bits; a GPU contracts products and sums.
BOOST_AUTO_TEST_CASE_TEMPLATE(has_the_bits_of_the_host, Device, test::devices) {
    auto const all = [](auto&& s) {
        s.run();
        std::vector<double> found;
        for (auto* b : {&s.output, &s.dinput, &s.dstep, &s.dgate, &s.dselection})
            for (double x : s.values(*b)) found.push_back(x);
        for (auto* b : {&s.dlog_rate, &s.dskip})
            for (double x : s.values(*b)) found.push_back(x);
        return found;
    };
    mt::host   host(2);
    Device     device;
    auto const ours = all(test::scan_case<double, Device>(device, 2, 41, 1, 35, 16, {0, 20}));
    auto const want = all(test::scan_case<double, mt::host>(host, 2, 41, 1, 35, 16, {0, 20}));
    BOOST_TEST((ours == all(test::scan_case<double, Device>(device, 2, 41, 1, 35, 16, {0, 20}))));
    BOOST_TEST(apart(ours, want) <= (test::same_arithmetic ? 0.0 : 1e-13));
}

// A sequence in two calls, the second from the states that the first kept.
BOOST_AUTO_TEST_CASE_TEMPLATE(goes_on_from_kept_states, Device, test::devices) {
    Device                          device;
    test::scan_case<double, Device> whole(device, 1, 50, 1, 35, 16, {0}), parts(device, 1, 50, 1, 35, 16, {0});
    auto const                      all = whole.problem(1);
    mt::plain(device, all);
    auto       first = parts.problem(1);
    auto const cut   = [&](mt::selective_scan_problem<double> p, index_t begin, index_t n) {
        p.input = p.input.rows_part(begin, n), p.step = p.step.rows_part(begin, n), p.selection = p.selection.rows_part(begin, n);
        p.gate = p.gate.rows_part(begin, n), p.output = p.output.rows_part(begin, n), p.length = n, p.goes_on = begin > 0;
        return p;
    };
    mt::plain(device, cut(first, 0, 37));
    mt::plain(device, cut(first, 37, 1));
    mt::plain(device, cut(first, 38, 12));
    BOOST_TEST(whole.values(whole.output) == parts.values(parts.output));
    BOOST_TEST(whole.values(whole.kept) == parts.values(parts.kept));
}

BOOST_AUTO_TEST_SUITE_END()
