#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>
#include <midtrain/data/fim.hpp>
#include <midtrain/data/packing.hpp>
#include <midtrain/data/staged_documents.hpp>
#include <support/naive_fim.hpp>

namespace mt = midtrain;
using mt::data::cut_of;
using mt::data::fim;
using mt::data::fim_cut;

namespace fim_under_test {

using text = std::vector<std::int32_t>;
using view = mt::data::fim_view<text const&>;

constexpr fim all{.rate = 1, .spm = 0, .prefix = 1000, .suffix = 1001, .middle = 1002};

text row(int n) {
    text t;
    for (int i = 0; i < n; ++i) t.push_back(10 + i);
    return t;
}
text read(view const& v) {
    text t;
    for (std::size_t i = 0; i < v.size(); ++i) t.push_back(v[i]);
    return t;
}
/// A text that says which of its tokens count.
struct masked {
    text              tokens;
    std::vector<bool> mask;
    std::size_t       size() const { return tokens.size(); }
    std::int32_t      operator[](std::size_t i) const { return tokens[i]; }
    bool              counts(std::size_t i) const { return mask[i < mask.size() ? i : mask.size() - 1]; }
};
struct store {
    std::vector<text> texts;
    std::size_t       documents() const { return texts.size(); }
    text const&       document(std::int64_t i) const { return texts[static_cast<std::size_t>(i)]; }
};

}  // namespace fim_under_test

using namespace fim_under_test;

BOOST_AUTO_TEST_SUITE(fill_in_the_middle)

BOOST_AUTO_TEST_CASE(every_cut_reads_as_megatron_and_bigcode_write_it) {
    for (int n = 1; n <= 7; ++n)
        for (int a = 0; a <= n; ++a)
            for (int b = a; b <= n; ++b)
                for (bool spm : {false, true}) {
                    auto const t = row(n);
                    view const v(t, {spm ? fim_cut::order::spm : fim_cut::order::psm, a, b}, all);
                    BOOST_TEST(read(v) == test::naive_fim(t, static_cast<std::size_t>(a), static_cast<std::size_t>(b), spm, 1000, 1001, 1002),
                               boost::test_tools::per_element());
                }
    auto const t = row(5);
    BOOST_TEST(read(view(t, {}, all)) == t, boost::test_tools::per_element());
}
BOOST_AUTO_TEST_CASE(what_is_kept_stays_in_front) {
    auto const t    = row(6);
    auto       keep = all;
    keep.keep       = 1;
    text wanted{t[0]};
    for (auto x : test::naive_fim({t.begin() + 1, t.end()}, 1, 3, false, 1000, 1001, 1002)) wanted.push_back(x);
    BOOST_TEST(read(view(t, {fim_cut::order::psm, 1, 3}, keep)) == wanted, boost::test_tools::per_element());
    BOOST_TEST((cut_of(keep, 1, 0, 1).is == fim_cut::order::none));  // nothing but what is kept
    for (std::int64_t d = 0; d < 200; ++d) BOOST_TEST(cut_of(keep, 1, d, 6).second <= 5);
}
BOOST_AUTO_TEST_CASE(the_share_of_documents_and_of_spm_is_what_was_asked_and_cuts_are_uniform) {
    auto half = all;
    half.rate = .3, half.spm = .25;
    int const           n = 40'000, tokens = 4;
    std::map<int, int>  kinds;
    std::map<std::pair<std::int64_t, std::int64_t>, int> cuts;
    for (int d = 0; d < n; ++d) {
        auto const c = cut_of(half, 7, d, tokens);
        ++kinds[static_cast<int>(c.is)];
        if (c.is != fim_cut::order::none) ++cuts[{c.first, c.second}];
        auto const again = cut_of(half, 7, d, tokens);
        BOOST_REQUIRE((c.is == again.is && c.first == again.first && c.second == again.second));
    }
    // Four deviations of a binomial count.
    auto const near = [&](double count, double share, double of) { return std::abs(count - share * of) < 4 * std::sqrt(share * (1 - share) * of); };
    BOOST_TEST(near(kinds[0], .7, n));
    double const rearranged = kinds[1] + kinds[2];
    BOOST_TEST(near(kinds[2], .25, rearranged));
    BOOST_TEST(cuts.size() == 15u);  // pairs a <= b of 0 .. 4
    for (auto const& [c, count] : cuts) BOOST_TEST(near(count, (c.first == c.second ? 1. : 2.) / 25, rearranged));
    int other = 0;
    for (int d = 0; d < n; ++d) other += cut_of(half, 8, d, tokens).first != cut_of(half, 7, d, tokens).first;
    BOOST_TEST(other > 0);
}
BOOST_AUTO_TEST_CASE(a_loss_mask_goes_with_its_tokens) {
    masked const                            m{row(6), {true, false, false, true, true, false}};
    mt::data::fim_view<masked const&> const v(m, {fim_cut::order::psm, 2, 4}, all);
    // <pre> 0 1 <suf> 4 5 <mid> 2 3 <end>
    std::vector<bool> wanted{true, true, false, true, true, false, false, false, true, false}, counts;
    for (std::size_t i = 0; i <= v.size(); ++i) counts.push_back(v.counts(i));
    BOOST_TEST(counts == wanted, boost::test_tools::per_element());
}
BOOST_AUTO_TEST_CASE(packing_hands_out_every_token_and_three_sentinels_a_document) {
    store s;
    for (int d = 0; d < 40; ++d) s.texts.push_back(row(1 + d % 9));
    for (auto kind : {mt::data::packing_kind::concatenate, mt::data::packing_kind::best_fit, mt::data::packing_kind::pad}) {
        auto half = all;
        half.rate = .5, half.spm = .5;
        mt::data::staged_documents<store> const                    staged(s, true, {}, half, 5);
        mt::data::packing<mt::data::staged_documents<store>> p(staged, 9, 5, {.packing = kind}, 16);
        text                                                 inputs(16), targets(16), positions(16), begin(16);
        mt::data::cursor                                     at;
        std::map<int, int>                                   seen;
        std::int64_t                                         tokens = 0, rearranged = 0;
        for (std::int64_t d = 0; d < 40; ++d) rearranged += cut_of(half, 5, d, 1 + d % 9).is != fim_cut::order::none;
        while (at.epoch == 0) {
            auto const before = at.tokens;
            p.fill(at, {inputs, targets, positions, begin});
            tokens += at.tokens - before;
            for (std::int64_t i = 0; i < at.tokens - before; ++i)
                if (at.epoch == 0 || kind != mt::data::packing_kind::concatenate) ++seen[inputs[static_cast<std::size_t>(i)]];
        }
        BOOST_TEST((rearranged > 10 && rearranged < 30));
        if (kind == mt::data::packing_kind::concatenate) continue;  // its last sequence reaches into the next epoch
        for (int sentinel : {1000, 1001, 1002}) BOOST_TEST(seen[sentinel] == rearranged);
        for (int token = 10; token < 19; ++token) {
            std::int64_t wanted = 0;
            for (auto const& t : s.texts) wanted += std::count(t.begin(), t.end(), token);
            BOOST_TEST(seen[token] == wanted);
        }
    }
}
BOOST_AUTO_TEST_CASE(sentinels_come_from_the_tokenizer_unless_given) {
    struct {
        std::int32_t id(std::string_view token) const {
            return token == "<\uff5cfim\u2581begin\uff5c>" ? 5 : token == "<\uff5cfim\u2581hole\uff5c>" ? 6 : token == "<\uff5cfim\u2581end\uff5c>" ? 7 : -1;
        }
    } deepseek;
    auto const found = with_sentinels(fim{.rate = .1}, deepseek);
    BOOST_TEST((found.prefix == 5 && found.suffix == 6 && found.middle == 7 && found.rate == .1));
    BOOST_TEST(with_sentinels(all, deepseek).prefix == 1000);
    struct {
        std::int32_t id(std::string_view) const { return -1; }
    } none;
    BOOST_TEST(!with_sentinels(fim{.rate = .1}, none).names_sentinels());
}

BOOST_AUTO_TEST_SUITE_END()
