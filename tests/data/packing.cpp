#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <map>
#include <vector>
#include <midtrain/data/packing.hpp>

namespace mt = midtrain;
using mt::data::cursor;

namespace {

struct store {
    std::vector<std::vector<int>> all;
    std::size_t                   documents() const { return all.size(); }
    std::vector<int> const&       document(std::int64_t i) const { return all[static_cast<std::size_t>(i)]; }
};

/// Documents of 1 to 20 tokens; every token is 100 * document + its offset.
store numbered(int n) {
    store s;
    for (int d = 0; d < n; ++d) {
        s.all.emplace_back();
        for (int i = 0; i <= (d * 7) % 20; ++i) s.all.back().push_back(100 * d + i);
    }
    return s;
}

struct row {
    std::vector<std::int32_t> inputs, targets, positions, begin;
    explicit row(std::size_t n) : inputs(n), targets(n), positions(n), begin(n) {}
    mt::data::sequence_view view() { return {inputs, targets, positions, begin}; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(packing)

BOOST_AUTO_TEST_CASE(an_epoch_hands_out_every_token_once_in_document_order) {
    auto const                        s = numbered(30);
    mt::data::packing<store> const    p(s, -7, 3);
    cursor                            at;
    std::map<int, int>                seen;
    row                               r(1);
    while (at.epoch == 0) {
        p.fill(at, r.view());
        ++seen[r.inputs[0]];
    }
    BOOST_TEST(seen[-7] == 30);
    for (auto const& d : s.all)
        for (int t : d) BOOST_TEST(seen[t] == 1);
    BOOST_TEST(seen.size() == static_cast<std::size_t>(at.tokens - 30 + 1));
}
BOOST_AUTO_TEST_CASE(targets_are_the_next_token_and_never_cross_a_document) {
    auto const                     s = numbered(30);
    mt::data::packing<store> const p(s, -7, 3);
    cursor                         at;
    row                            r(16);
    for (int n = 0; n < 50; ++n) {
        p.fill(at, r.view());
        for (std::size_t i = 0; i < 16; ++i) {
            if (r.inputs[i] == -7) BOOST_TEST(r.targets[i] == -1);
            else BOOST_TEST((r.targets[i] == r.inputs[i] + 1 || r.targets[i] == -7));
            BOOST_TEST(r.positions[i] == static_cast<int>(i) - r.begin[i]);
            bool const fresh = i == 0 || r.inputs[i - 1] == -7;
            BOOST_TEST(fresh == (r.begin[i] == static_cast<int>(i)));
        }
    }
}
BOOST_AUTO_TEST_CASE(positions_run_on_where_asked) {
    auto const                     s = numbered(30);
    mt::data::packing<store> const p(s, -7, 3, mt::data::packed_positions::run_on);
    cursor                         at;
    row                            r(40);
    p.fill(at, r.view());
    for (int i = 0; i < 40; ++i) BOOST_TEST(r.positions[static_cast<std::size_t>(i)] == i);
}
BOOST_AUTO_TEST_CASE(a_cursor_resumes_exactly_and_epochs_differ) {
    auto const                     s = numbered(30);
    mt::data::packing<store> const p(s, -7, 3), again(s, -7, 3);
    cursor                         a, b;
    row                            x(13), y(13);
    for (int n = 0; n < 40; ++n) p.fill(a, x.view());
    b = a;
    for (int n = 0; n < 40; ++n) {
        p.fill(a, x.view());
        again.fill(b, y.view());
        BOOST_TEST(x.inputs == y.inputs);
    }
    BOOST_TEST((a == b));
    std::vector<std::int64_t> first, second;
    for (std::int64_t d = 0; d < 30; ++d) {
        first.push_back(p.which({0, d, 0, 0}));
        second.push_back(p.which({1, d, 0, 0}));
    }
    BOOST_TEST(first != second);
}

BOOST_AUTO_TEST_SUITE_END()
