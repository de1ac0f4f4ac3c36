#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>
#include <midtrain/core/math.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/data/packing.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>

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
    mt::data::packing<store>          p(s, -7, 3);
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
    mt::data::packing<store>       p(s, -7, 3);
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
    mt::data::packing<store>       p(s, -7, 3, {.positions = mt::data::packed_positions::run_on});
    cursor                         at;
    row                            r(40);
    p.fill(at, r.view());
    for (int i = 0; i < 40; ++i) BOOST_TEST(r.positions[static_cast<std::size_t>(i)] == i);
}
BOOST_AUTO_TEST_CASE(a_cursor_resumes_exactly_and_epochs_differ) {
    auto const                     s = numbered(30);
    mt::data::packing<store> p(s, -7, 3), again(s, -7, 3);
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

BOOST_AUTO_TEST_CASE(who_may_see_other_documents_sees_the_sequence) {
    auto const               s = numbered(30);
    mt::data::packing<store> p(s, -7, 3, {.positions = mt::data::packed_positions::run_on, .attention = mt::data::packed_attention::sequence});
    cursor                   at;
    row                      r(40);
    for (int n = 0; n < 5; ++n) {
        p.fill(at, r.view());
        for (std::size_t i = 0; i < 40; ++i) {
            BOOST_TEST(r.begin[i] == 0);
            if (r.inputs[i] == -7) BOOST_TEST(r.targets[i] == -1);
        }
    }
}

namespace {

/// What an epoch of a packing hands out: every token with the places it came in, and what a sequence is made of.
struct tally {
    std::map<int, int> seen;
    std::int64_t       sequences = 0, padding = 0, targets = 0, cuts = 0, ends = 0;
};
tally epoch_of(store const& s, mt::data::packing_form form, std::size_t length, cursor at = {}) {
    mt::data::packing<store> p(s, -7, 3, form, static_cast<std::int64_t>(length));
    row                      r(length);
    tally                    t;
    while (at.epoch == 0) {
        auto const before = at;
        p.fill(at, r.view());
        auto const tokens = static_cast<std::size_t>(at.tokens - before.tokens);
        BOOST_TEST(tokens > 0u);
        BOOST_TEST(at.padding - before.padding == static_cast<std::int64_t>(length - tokens));
        for (std::size_t i = 0; i < length; ++i) {
            if (i >= tokens) {
                BOOST_TEST((r.inputs[i] == -7 && r.targets[i] == -1 && r.begin[i] == static_cast<int>(i) && r.positions[i] == 0));
                continue;
            }
            if (r.inputs[i] == -7) ++t.ends;
            else ++t.seen[r.inputs[i]];
            t.targets += r.targets[i] >= 0 || r.targets[i] == -7;
            t.cuts += r.begin[i] == static_cast<int>(i) && r.inputs[i] % 100 != 0;
            BOOST_TEST(r.positions[i] == static_cast<int>(i) - r.begin[i]);
        }
        ++t.sequences, t.padding += static_cast<std::int64_t>(length - tokens);
    }
    return t;
}
void has_every_token_once(store const& s, tally const& t) {
    std::size_t all = 0;
    for (auto const& d : s.all)
        for (int token : d) {
            ++all;
            auto const at = t.seen.find(token);
            BOOST_TEST((at != t.seen.end() && at->second == 1));
        }
    BOOST_TEST(t.seen.size() == all);
    BOOST_TEST(t.ends <= static_cast<std::int64_t>(s.all.size()));  // one that a cut left alone is dropped
    BOOST_TEST(t.targets == static_cast<std::int64_t>(all));  // all but the first of each document, and its end token
}

using mt::data::packing_kind;

}  // namespace

BOOST_AUTO_TEST_CASE(every_way_hands_out_each_token_and_each_target_once) {
    auto const s = numbered(61);
    for (auto kind : {packing_kind::best_fit, packing_kind::pad})
        for (std::int64_t window : {1, 7, 61, 1000})
            for (std::size_t length : {2, 5, 16, 21, 64}) has_every_token_once(s, epoch_of(s, {.packing = kind, .window = window}, length));
}
BOOST_AUTO_TEST_CASE(padded_sequences_hold_one_document_or_a_piece_of_it) {
    auto const s = numbered(30);
    auto const t = epoch_of(s, {.packing = packing_kind::pad}, 16);
    std::int64_t wanted = 0, cuts = 0;
    for (auto const& d : s.all) wanted += static_cast<std::int64_t>(d.size() + 15) / 16, cuts += static_cast<std::int64_t>(d.size() - 1) / 16;
    BOOST_TEST(t.sequences == wanted);
    BOOST_TEST(t.cuts == cuts);
}
BOOST_AUTO_TEST_CASE(best_fit_cuts_only_what_is_longer_than_a_sequence) {
    auto const s = numbered(61);
    BOOST_TEST(epoch_of(s, {.packing = packing_kind::best_fit}, 21).cuts == 0);
    BOOST_TEST(epoch_of(s, {.packing = packing_kind::concatenate}, 21).cuts > 10);
    auto const t = epoch_of(s, {.packing = packing_kind::best_fit}, 32);
    std::int64_t tokens = 0;
    for (auto const& d : s.all) tokens += static_cast<std::int64_t>(d.size()) + 1;
    BOOST_TEST(t.sequences <= (tokens + 31) / 32 + 2);
}
BOOST_AUTO_TEST_CASE(a_window_is_resumed_within_and_differs_by_seed_and_epoch) {
    auto const                    s = numbered(61);
    mt::data::packing_form const  form{.packing = packing_kind::best_fit, .window = 20};
    mt::data::packing<store>      p(s, -7, 3, form, 32), other(s, -7, 4, form, 32);
    row                           x(32), y(32);
    cursor                        a, c;
    std::vector<std::vector<int>> first, second;
    for (int n = 0; n < 60; ++n) {
        cursor                   b = a;
        mt::data::packing<store> fresh(s, -7, 3, form, 32);
        p.fill(a, x.view());
        fresh.fill(b, y.view());
        BOOST_TEST((x.inputs == y.inputs && x.targets == y.targets && x.begin == y.begin && a == b));
        (a.epoch == 0 ? first : second).push_back(x.inputs);
    }
    BOOST_TEST(a.epoch > 0);
    BOOST_TEST(first.front() != second.front());
    other.fill(c, y.view());
    BOOST_TEST(first.front() != y.inputs);
}
BOOST_AUTO_TEST_CASE(another_way_goes_on_at_the_same_token_and_behind_a_window) {
    auto const               s = numbered(61);
    mt::data::packing<store> cut(s, -7, 3);
    row                      r(32);
    cursor                   at;
    std::map<int, int>       before;
    for (int n = 0; n < 5; ++n) {
        cut.fill(at, r.view());
        for (int t : r.inputs)
            if (t != -7) ++before[t];
    }
    BOOST_TEST(at.offset > 0);  // within a document
    auto const after = epoch_of(s, {.packing = packing_kind::best_fit, .window = 20}, 32, at);
    for (auto const& d : s.all)
        for (int t : d) BOOST_TEST(before[t] + (after.seen.contains(t) ? after.seen.at(t) : 0) == 1);

    mt::data::packing<store> fits(s, -7, 3, {.packing = packing_kind::best_fit, .window = 20}, 32);
    cursor                   within;
    fits.fill(within, r.view());
    BOOST_TEST((within.sequence == 1 && within.window == 20 && within.document == 0));
    cut.fill(within, r.view());
    BOOST_TEST((within.document >= 20 && within.sequence == 0 && within.window == 0));
    BOOST_TEST(r.inputs[0] / 100 == cut.which({0, 20}));
}
BOOST_AUTO_TEST_CASE(windows_cost_a_thousandth_and_save_most_cuts) {
    // As docs/policies.md says: lengths like those of web pages, log-normal with median 600 and deviation 1.2, in sequences of 8192.
    struct blank_text {
        std::size_t  tokens;
        std::size_t  size() const { return tokens; }
        std::int32_t operator[](std::size_t) const { return 1; }
    };
    struct {
        std::vector<std::size_t> lengths;
        std::size_t              documents() const { return lengths.size(); }
        blank_text               document(std::int64_t i) const { return {lengths[static_cast<std::size_t>(i)]}; }
    } pages;
    mt::random_stream const random{1, 2};
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        double const normal = std::sqrt(-2 * std::log(1 - random.uniform(2 * i))) * std::cos(2 * mt::math::pi * random.uniform(2 * i + 1));
        pages.lengths.push_back(static_cast<std::size_t>(std::max(1.0, 600 * std::exp(1.2 * normal))));
    }
    auto const measured = [&](mt::data::packing_form form) {
        mt::data::packing<decltype(pages)> p(pages, 0, 1, form, 8192);
        cursor                             at;
        row                                r(8192);
        std::int64_t                       begun = 0;
        while (at.epoch == 0) {
            p.fill(at, r.view());
            for (std::size_t i = 0; i < 8192; ++i) begun += r.begin[i] == static_cast<int>(i) && r.targets[i] >= 0;
        }
        return std::pair{begun - 20'000, static_cast<double>(at.padding) / static_cast<double>(at.padding + at.tokens)};
    };
    auto const [cut, none]    = measured({});
    auto const [fewest, lost] = measured({.packing = packing_kind::best_fit});
    BOOST_TEST(none == 0);
    BOOST_TEST(static_cast<double>(fewest) < static_cast<double>(cut) / 7);
    BOOST_TEST(lost < 0.0015);
    BOOST_TEST_MESSAGE("cuts " << cut << " and " << fewest << ", padding " << lost);
}
BOOST_AUTO_TEST_CASE(best_fit_is_never_worse_than_olmo_core) {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/packing.json");
    auto const all   = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    auto const whole = [](mt::io::json const& v) { return static_cast<std::int64_t>(*v.as<double>()); };
    for (auto const& c : *all.find("cases")->as<mt::io::json::array>()) {
        auto const                   length = whole(*c.find("length"));
        std::vector<mt::data::piece> pieces;
        for (auto const& n : *c.find("lengths")->as<mt::io::json::array>())
            pieces.push_back({static_cast<std::uint32_t>(pieces.size()), 0, 0, static_cast<std::int32_t>(whole(n))});
        auto const tokens = std::accumulate(pieces.begin(), pieces.end(), std::int64_t{0}, [](auto sum, auto const& p) { return sum + p.tokens; });
        mt::data::best_fit        fitter(length);
        std::int64_t const        sequences = fitter.fit(pieces);
        std::vector<std::int64_t> filled(static_cast<std::size_t>(sequences)), theirs;
        std::set<std::uint32_t>   documents;
        for (auto const& p : pieces) filled[p.sequence] += p.tokens, documents.insert(p.document);
        for (auto const& n : *c.find("filled")->as<mt::io::json::array>()) theirs.push_back(whole(n));
        std::sort(filled.begin(), filled.end());
        BOOST_TEST(documents.size() == pieces.size());
        BOOST_TEST(filled.back() <= length);
        BOOST_TEST(sequences <= whole(*c.find("sequences")));
        std::int64_t padding = 0;
        for (auto f : filled) padding += length - f;
        BOOST_TEST(padding <= whole(*c.find("padding")));
        BOOST_TEST(padding == sequences * length - tokens);
        BOOST_TEST(filled == theirs);  // the same algorithm, so the same sequences
    }
}

BOOST_AUTO_TEST_SUITE_END()
