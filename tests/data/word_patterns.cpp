#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <random>
#include <string>
#include <vector>
#include <data/scratch_folder.hpp>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/io/json.hpp>

namespace mt = midtrain;
using ids    = std::vector<std::int32_t>;

namespace {

std::string const golden = std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/words/";  // tests/oracle/word_patterns.py

}  // namespace

BOOST_AUTO_TEST_SUITE(word_patterns)

BOOST_AUTO_TEST_CASE(tokens_are_those_of_hugging_face) {
    auto const all = mt::io::parse_json(test::bytes_of(golden + "tokens.json"), "tokens.json");
    for (auto const& [name, rows] : *all.as<mt::io::json::object>()) {
#ifndef MIDTRAIN_WITH_PCRE2
        if (name == "llama3" || name == "qwen2") {
            auto const said = test::refusal([&] { mt::data::read_tokenizer(golden + name + ".json"); });
            BOOST_TEST(said.find("built without PCRE2") != said.npos);
            continue;
        }
#endif
        auto const           t = mt::data::read_tokenizer(golden + name + ".json");
        test::scratch_folder folder;
        mt::data::write_tokenizer(folder.path, t, {});
        auto const again = mt::data::read_tokenizer(folder.file("tokenizer.json"));
        BOOST_TEST(again.hash() == t.hash());
        for (auto const& row : *rows.as<mt::io::json::array>()) {
            auto const& text = *(*row.as<mt::io::json::array>())[0].as<std::string>();
            ids         expected;
            for (auto const& n : *(*row.as<mt::io::json::array>())[1].as<mt::io::json::array>()) expected.push_back(static_cast<std::int32_t>(*n.as<double>()));
            BOOST_TEST(t.encode(text) == expected, name << ": '" << text << "'");
            BOOST_TEST(again.encode(text) == expected, name << ", written and read: '" << text << "'");
        }
    }
}
#ifdef MIDTRAIN_WITH_PCRE2
BOOST_AUTO_TEST_CASE(any_bytes_come_back) {
    auto const   t    = mt::data::read_tokenizer(golden + "llama3.json");
    auto const   copy = t;
    std::mt19937 draw(1);
    for (int n = 0; n < 2000; ++n) {
        std::string text;
        for (auto size = draw() % 40; text.size() < size;) {
            if (draw() % 4 == 0) text += "the <|end|>\n 12\xe4\xb8\xad\xf0\x9f\x98\x80";
            else text += static_cast<char>(draw());
        }
        BOOST_TEST(copy.decode(copy.encode(text)) == text);
    }
    std::string const long_word(300'000, 'x'), long_space(300'000, ' ');
    BOOST_TEST(t.decode(t.encode(long_word)) == long_word);
    BOOST_TEST(t.decode(t.encode(long_space)) == long_space);
}
BOOST_AUTO_TEST_CASE(a_pattern_that_makes_no_sense_is_refused) {
    auto parts    = mt::data::read_tokenizer(golden + "qwen2.json").parts();
    parts.pattern = "(a";
    auto const said = test::refusal([&] { mt::data::byte_level_bpe t(parts); });
    BOOST_TEST(said.find("is not understood: missing closing parenthesis, at byte 2") != said.npos);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
