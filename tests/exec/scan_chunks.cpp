// The scan with all chunks at once, by warps that the host plays, against the scan one after the other.
#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <barrier>
#include <cmath>
#include <vector>
#include <midtrain/exec/cuda/op/scan_chunks_backward.hpp>
#include <midtrain/exec/host/host.hpp>
#include <support/played_warps.hpp>
#include <support/scan_case.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

void warps(index_t n, auto const& f) {
    std::barrier<> alone(1);
    for (index_t i = n - 1; i >= 0; --i) f(test::played_warp(alone, 0), i);  // in another order than a GPU would, likely
}
template <class T>
std::vector<std::vector<double>> results(index_t sequences, index_t length, index_t heads, index_t channels, index_t states,
                                         std::vector<std::int32_t> const& begins, bool apart, bool chunks) {
    mt::host                     device(1);
    test::scan_case<T, mt::host> s(device, sequences, length, heads, channels, states, begins, apart);
    if (chunks)
        s.run_by([&](auto const& p) { mt::detail::scan_by_chunks(device, [](index_t n, auto const& f) { warps(n, f); }, p); });
    else
        s.run();
    std::vector<std::vector<double>> all;
    for (auto* b : {&s.output, &s.dinput, &s.dstep, &s.dgate, &s.dselection}) all.push_back(s.values(*b));
    for (auto* b : {&s.kept, &s.dlog_rate, &s.dskip}) all.push_back(s.values(*b));
    return all;
}
/// The largest difference, in units of each tensor's largest value.
template <class T, class... Sizes>
double apart(Sizes... sizes) {
    auto const got = results<T>(sizes..., true), want = results<T>(sizes..., false);
    double     worst = 0;
    for (std::size_t b = 0; b < want.size(); ++b) {
        double most = 0, size = 1e-30;
        for (std::size_t i = 0; i < want[b].size(); ++i) {
            double const d = std::abs(got[b][i] - want[b][i]);
            most = std::max(most, std::isnan(d) ? 1e9 : d), size = std::max(size, std::abs(want[b][i]));
        }
        worst = std::max(worst, most / size);
    }
    return worst;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scan_chunks)

// Chunks of 32 that begin within documents, between them and right where one starts; the last of one token; channels that fill no tile.
// Double: sums in another order; float: the decay of a chunk is one exponential instead of the product of 32.
BOOST_AUTO_TEST_CASE(all_at_once_equal_one_after_the_other) {
    std::vector<std::int32_t> const one{0}, some{0, 31, 33, 64, 96};
    BOOST_TEST((apart<double>(1, 97, 1, 35, 16, one, false)) < 1e-13);
    BOOST_TEST((apart<double>(2, 97, 1, 35, 16, some, false)) < 1e-13);
    BOOST_TEST((apart<double>(2, 161, 2, 66, 5, some, false)) < 1e-13);
    BOOST_TEST((apart<double>(1, 64, 3, 21, 7, some, true)) < 1e-13);
    BOOST_TEST((apart<double>(1, 65, 1, 33, 19, some, false)) < 1e-13);  // more than one block of states
    BOOST_TEST((apart<double>(2, 97, 2, 40, 64, some, true)) < 1e-13);
    BOOST_TEST((apart<float>(2, 161, 1, 64, 16, some, false)) < 2e-5);
}
BOOST_AUTO_TEST_CASE(what_cannot_go_by_chunks_says_so) {
    mt::host                        device(1);
    test::scan_case<float, mt::host> few(device, 1, 32, 1, 8, 16, {0}), more(device, 1, 33, 1, 8, 16, {0});
    BOOST_TEST(!few.problem(1).may_go_by_chunks());
    BOOST_TEST(more.problem(2).may_go_by_chunks());
    BOOST_TEST(!more.problem(1).may_go_by_chunks());
}

BOOST_AUTO_TEST_SUITE_END()
