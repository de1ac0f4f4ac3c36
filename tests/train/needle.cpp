#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <midtrain/data/byte_tokenizer.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/train/needle.hpp>
#include <support/choice_model.hpp>

namespace mt = midtrain;

namespace {

struct haystack {
    std::vector<std::vector<std::int32_t>> all;
    std::int64_t                  documents() const { return static_cast<std::int64_t>(all.size()); }
    std::span<std::int32_t const> document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
};

struct setting {
    mt::data::byte_level_bpe tokenizer = mt::data::byte_tokenizer();
    haystack                 hay;
    setting() {
        for (int d = 0; d < 5; ++d) hay.all.push_back(tokenizer.encode("Hay " + std::string(static_cast<std::size_t>(30 + 7 * d), static_cast<char>('a' + d)) + "."));
    }
    mt::long_prompt prompt(mt::long_task task, mt::index_t length, double depth, std::uint64_t seed = 0, std::int64_t trial = 0) const {
        return mt::make_long_prompt(tokenizer, hay, task, length, depth, seed, trial);
    }
    std::string text(mt::long_prompt const& p) const { return tokenizer.decode(p.text.tokens); }
};

/// Says the byte that followed the last two the last time that they stood together: it finds needles.
struct finder {
    using computed = float;
    struct shape_type { int vocab = 257; };
    shape_type shape() const { return {}; }
    std::int32_t say(std::int32_t const* text, mt::index_t at) const {
        for (mt::index_t i = at - 1; i >= 7; --i) {
            bool same = true;
            for (mt::index_t k = 0; k < 7; ++k) same = same && text[i - k] == text[at - k];
            if (same) return text[i + 1];
        }
        return 256;
    }
    void logits(mt::token_batch const& b, mt::row_view<std::int32_t const> rows, mt::matrix_view<float> out) {
        for (mt::index_t r = 0; r < rows.size(); ++r) {
            for (mt::index_t v = 0; v < 257; ++v) out(r, v) = 0;
            auto const base = rows[r] / b.length * b.length;
            out(r, say(b.inputs.data + base, rows[r] - base)) = 5;
        }
    }
    struct decoding {
        std::vector<std::int32_t> text;
    };
    decoding begin_decoding(mt::index_t) const { return {}; }
    void decode(decoding& d, std::span<std::int32_t const> tokens, std::span<float> out) const {
        d.text.insert(d.text.end(), tokens.begin(), tokens.end());
        for (auto& x : out) x = 0;
        out[static_cast<std::size_t>(say(d.text.data(), static_cast<mt::index_t>(d.text.size()) - 1))] = 5;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(needle)

BOOST_AUTO_TEST_CASE(a_needle_lies_where_it_should_and_the_prompt_has_its_length) {
    setting const s;
    for (double depth : {0.0, 0.5, 1.0}) {
        auto const p    = s.prompt(mt::long_task::needle, 600, depth);
        auto const text = s.text(p);
        BOOST_TEST(p.text.tokens.size() == 600u);
        BOOST_TEST_REQUIRE(p.answers.size() == 1u);
        auto const at = text.find("is: " + p.answers[0] + ".");
        BOOST_TEST_REQUIRE(at != text.npos);
        BOOST_TEST(text.ends_with("is: " + p.answers[0]));
        BOOST_TEST(s.tokenizer.decode(std::span(p.text.tokens).subspan(p.text.first)) == " " + p.answers[0]);
        // The hay has 600 - 63 (needle) - 135 (question) tokens or so.
        BOOST_TEST(std::abs(static_cast<double>(text.find("\nOne of")) - depth * 400) < 30);
    }
}
BOOST_AUTO_TEST_CASE(a_seed_says_all_and_depth_moves_the_needle_only) {
    setting const s;
    auto const    a = s.prompt(mt::long_task::needle, 500, 0.2, 3, 1);
    BOOST_TEST(a.text.tokens == s.prompt(mt::long_task::needle, 500, 0.2, 3, 1).text.tokens);
    BOOST_TEST(a.answers == s.prompt(mt::long_task::needle, 500, 0.9, 3, 1).answers);
    BOOST_TEST(a.answers != s.prompt(mt::long_task::needle, 500, 0.2, 3, 2).answers);
    BOOST_TEST(a.answers != s.prompt(mt::long_task::needle, 500, 0.2, 4, 1).answers);
}
BOOST_AUTO_TEST_CASE(other_tasks_hold_what_they_ask_for) {
    setting const s;
    auto const    count = [](std::string const& text, std::string const& what) {
        std::size_t n = 0;
        for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; ++at) ++n;
        return n;
    };
    auto const keys = s.text(s.prompt(mt::long_task::multi_key, 800, 0.5));
    BOOST_TEST(count(keys, "One of the special magic numbers for ") == 4u);
    auto const chain = s.prompt(mt::long_task::variables, 600, 0);
    auto const text  = s.text(chain);
    BOOST_TEST_REQUIRE(chain.answers.size() == 5u);
    std::size_t at = 0;
    for (std::size_t k = 1; k < 5; ++k) {
        auto const line = text.find("VAR " + chain.answers[k] + " = VAR " + chain.answers[k - 1]);
        BOOST_TEST_REQUIRE(line != text.npos);
        BOOST_TEST(line > at);
        at = line;
    }
    auto const words = s.prompt(mt::long_task::common_words, 700, 0);
    auto const list  = s.text(words);
    BOOST_TEST(words.text.tokens.size() <= 700u);
    BOOST_TEST(words.text.tokens.size() > 680u);
    for (auto const& w : words.answers)
        for (auto other : mt::detail::prompt_words)
            if (std::find(words.answers.begin(), words.answers.end(), other) == words.answers.end()) BOOST_TEST(count(list, w) > count(list, std::string(other)));
}
BOOST_AUTO_TEST_CASE(a_model_that_finds_scores_one_and_one_that_does_not_scores_less) {
    setting const s;
    finder        good;
    mt::needle_options const how{.lengths = {400, 600}, .depths = {0, 0.5, 1}, .trials = 3, .generate = true};
    auto const    got = mt::evaluate_needles(good, s.tokenizer, s.hay, how);
    BOOST_TEST_REQUIRE(got.size() == 6u);
    for (auto const& g : got) {
        BOOST_TEST(g.exact == 1.0);
        BOOST_TEST(g.tokens == 1.0);
        BOOST_TEST(g.generated == 1.0);
        BOOST_TEST(std::abs(g.log_likelihood - (5 - std::log(std::exp(5.0) + 256))) < 1e-6);
        BOOST_TEST(value_of(g).score == 1.0);
    }
    BOOST_TEST(got[1].length == 400);
    BOOST_TEST(got[1].depth == 0.5);
    test::choice_model m;
    haystack           hay{{m.tokenizer.encode("the quick brown fox jumps over the lazy dog")}};
    m.model.set_rotary(256, m.positions);
    auto const bad = mt::evaluate_needles(m.model, m.tokenizer, hay, {.lengths = {256}, .depths = {0.5}, .trials = 2});
    BOOST_TEST(bad[0].exact == 0.0);
    BOOST_TEST(bad[0].log_likelihood < -2.0);
    BOOST_TEST(std::isnan(bad[0].generated));
}
BOOST_AUTO_TEST_CASE(scores_survive_json) {
    std::vector<mt::needle_score> const all{{"needle", 512, 0.25, 4, 0.5, 0.75, -1.5, 0.125}, {"variables", 64, 0, 1, 0, 0, -3, std::nan("")}};
    auto const read = mt::needle_scores_from(mt::io::parse_json(mt::io::written(to_json(all)), "n"), "n");
    BOOST_TEST_REQUIRE(read.size() == 2u);
    BOOST_TEST(read[0].generated == 0.125);
    BOOST_TEST(read[0].score() == 0.125);
    BOOST_TEST(std::isnan(read[1].generated));
    BOOST_TEST(read[0].log_likelihood == -1.5);
    BOOST_CHECK_THROW(mt::needle_scores_from(mt::io::parse_json("[{}]", "n"), "n"), mt::error);
}
BOOST_AUTO_TEST_CASE(what_cannot_be_asked_is_refused) {
    setting const s;
    BOOST_CHECK_EXCEPTION(s.prompt(mt::long_task::needle, 100, 0), mt::error,
                          [](mt::error const& e) { return std::string(e.what()).find("length 100 is too short") != std::string::npos; });
    BOOST_CHECK_THROW(s.prompt(mt::long_task::needle, 600, 1.5), mt::error);
    haystack const none{{{}, {}}};
    BOOST_CHECK_THROW(mt::make_long_prompt(s.tokenizer, none, mt::long_task::needle, 600, 0, 0, 0), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
