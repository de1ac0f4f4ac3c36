#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>
#include <data/scratch_folder.hpp>
#include <midtrain/data/byte_level_bpe.hpp>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/data/unicode.hpp>
#include <midtrain/data/word_split.hpp>

namespace mt = midtrain;
using mt::data::byte_level_bpe;
using mt::io::json;

namespace {

using ids = std::vector<std::int32_t>;

std::string const golden = std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/";

byte_level_bpe tiny() { return mt::data::read_tokenizer(golden + "tiny_tokenizer.json"); }
byte_level_bpe without_digits() {
    auto parts          = tiny().parts();
    parts.single_digits = false;
    return byte_level_bpe(parts);
}
ids ids_of(json const& v) {
    ids all;
    for (auto const& n : *v.as<json::array>()) all.push_back(static_cast<std::int32_t>(*n.as<double>()));
    return all;
}
std::vector<std::string> words(std::string_view text, bool single_digits = false) {
    std::vector<std::string> all;
    for (std::size_t at = 0; at < text.size();) {
        auto const end = mt::data::word_end(text, at, single_digits);
        all.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return all;
}
bool cuts(std::string_view text, std::initializer_list<std::string> expected, bool single_digits = false) {
    return words(text, single_digits) == std::vector<std::string>(expected);
}

/// The tiny tokenizer's file with one passage replaced, and what is said about it.
std::string refusal_of(std::string const& passage, std::string const& other) {
    test::scratch_folder const folder;
    auto                       text = test::bytes_of(golden + "tiny_tokenizer.json");
    auto const                 at   = text.find(passage);
    BOOST_REQUIRE(at != text.npos);
    auto const path = folder.file("tokenizer.json", text.replace(at, passage.size(), other));
    auto const said = test::refusal([&] { mt::data::read_tokenizer(path); });
    BOOST_TEST_MESSAGE(said);
    return said;
}
bool says(std::string const& passage, std::string const& other, std::string const& part) {
    auto const said = refusal_of(passage, other);
    return said.find(part) != said.npos && said.find("tokenizer.json: ") != said.npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tokenizer)

BOOST_AUTO_TEST_CASE(kinds_of_characters) {
    using enum mt::data::character;
    using mt::data::kind_of;
    using codes = std::initializer_list<std::uint32_t>;
    for (auto c : codes{'a', 'Z', 0xaa, 0xdf, 0x4e2d, 0xac00, 0x1f88, 0x20000, 0x323af}) BOOST_TEST((kind_of(c) == letter));
    for (auto c : codes{'0', '9', 0xb2, 0xbd, 0x663, 0x216b, 0x1d7d9}) BOOST_TEST((kind_of(c) == number));
    for (auto c : codes{' ', '\t', '\r', 0x85, 0xa0, 0x1680, 0x2028, 0x3000}) BOOST_TEST((kind_of(c) == space));
    for (auto c : codes{'!', '@', '[', '`', '{', '/', ':', 0x1f, 0x180e, 0x200b, 0x301, 0x1f600, 0x10ffff})
        BOOST_TEST((kind_of(c) == other));
    static_assert(kind_of('x') == letter);
}
BOOST_AUTO_TEST_CASE(words_are_cut_as_the_pattern_says) {
    BOOST_TEST(cuts("Hello, it's 2024", {"Hello", ",", " it", "'s", " 2024"}));
    BOOST_TEST(cuts("a   b\n\n c", {"a", "  ", " b", "\n\n", " c"}));
    BOOST_TEST(cuts("a\t\tb  ", {"a", "\t", "\t", "b", "  "}));
    BOOST_TEST(cuts("'ll'x 's !'s", {"'ll", "'", "x", " '", "s", " !'", "s"}));
    BOOST_TEST(cuts("a  12 x3", {"a", "  ", "1", "2", " x", "3"}, true));
    BOOST_TEST(cuts("\xff\xfe x\xe4\xb8", {"\xff\xfe", " x", "\xe4\xb8"}));
}
BOOST_AUTO_TEST_CASE(tokens_are_those_of_hugging_face) {
    auto const with = tiny(), without = without_digits();
    auto const all  = mt::io::parse_json(test::bytes_of(golden + "tiny_tokens.json"), "tiny_tokens.json");
    auto const rows = all.as<json::array>();
    BOOST_TEST(rows->size() == 41u);
    for (auto const& row : *rows) {
        auto const& [text, a, b] = std::tie((*row.as<json::array>())[0], (*row.as<json::array>())[1], (*row.as<json::array>())[2]);
        auto const& given        = *text.template as<std::string>();
        BOOST_TEST(with.encode(given) == ids_of(a), given);
        BOOST_TEST(without.encode(given) == ids_of(b), given);
        BOOST_TEST(with.decode(with.encode(given)) == given);
    }
}
BOOST_AUTO_TEST_CASE(any_bytes_come_back) {
    auto const   t = tiny();
    std::mt19937 draw(1);
    for (int n = 0; n < 2000; ++n) {
        std::string text;
        for (auto size = draw() % 40; text.size() < size;) {
            if (draw() % 4 == 0) text += "the <|im_end|>\n 12\xe4\xb8\xad\xf0\x9f\x98\x80";
            else text += static_cast<char>(draw());
        }
        BOOST_TEST(t.decode(t.encode(text)) == text);
    }
    for (std::string const text : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98", "\x80", "\xe4"})
        BOOST_TEST(t.decode(t.encode(text)) == text);
    std::string const long_word(300'000, 'x');  // must not cost its square
    BOOST_TEST(t.decode(t.encode(long_word)) == long_word);
}
BOOST_AUTO_TEST_CASE(ids_and_errors) {
    auto const t = tiny();
    BOOST_TEST(t.size() == 500u);
    BOOST_TEST(t.id("<|im_end|>") == 2);
    BOOST_TEST(t.id("<word>") == 499);
    BOOST_TEST(t.id("no such token") == -1);
    BOOST_TEST(t.missing_bytes().empty());
    ids const outside = {1, 500}, below = {-1};
    BOOST_TEST(test::refusal([&] { t.decode(outside); }) == "token 500 is not in the vocabulary");
    BOOST_TEST(test::refusal([&] { t.decode(below); }) == "token -1 is not in the vocabulary");
}
BOOST_AUTO_TEST_CASE(bytes_without_a_token_vanish_and_are_named) {
    mt::data::bpe_parts const parts{.tokens = {"a", "b", "ab"}, .merges = {{"a", "b"}}, .added = {}, .single_digits = false};
    byte_level_bpe const      t(parts);
    BOOST_TEST(t.encode("axb c") == (ids{2}));  // as there: the two become neighbours
    BOOST_TEST(t.missing_bytes().size() == 254u);
}
BOOST_AUTO_TEST_CASE(the_hash_sees_every_part) {
    auto const t     = tiny();
    auto const after = [&](auto const& change) {
        auto parts = t.parts();
        change(parts);
        return byte_level_bpe(parts).hash();
    };
    BOOST_TEST(after([](auto&) {}) == t.hash());
    BOOST_TEST(after([](auto& p) { std::swap(p.added.front(), p.added.back()); }) == t.hash());
    BOOST_TEST(after([](auto& p) { std::swap(p.tokens[100], p.tokens[101]); }) != t.hash());
    BOOST_TEST(after([](auto& p) { std::swap(p.merges[0], p.merges[1]); }) != t.hash());
    BOOST_TEST(after([](auto& p) { p.merges.pop_back(); }) != t.hash());
    BOOST_TEST(after([](auto& p) { p.added.pop_back(); }) != t.hash());
    BOOST_TEST(after([](auto& p) { p.added.back().special = true; }) != t.hash());
    BOOST_TEST(after([](auto& p) { p.single_digits = false; }) != t.hash());
}
BOOST_AUTO_TEST_CASE(what_is_written_reads_back) {
    test::scratch_folder const folder;
    for (auto const& t : {tiny(), without_digits()}) {
        mt::data::write_tokenizer(folder.path, t,
                                  {.begin = 1, .end = 2, .padding = -1, .unknown = 0, .context = 8192, .chat_template = "{{ 'a\n' }}"});
        BOOST_TEST(mt::data::read_tokenizer(folder.file("tokenizer.json")).hash() == t.hash());
    }
    auto const notes = mt::io::parse_json(test::bytes_of(folder.file("tokenizer_config.json")), "tokenizer_config.json");
    BOOST_TEST(*notes.find("eos_token")->as<std::string>() == "<|im_end|>");
    BOOST_TEST(*notes.find("chat_template")->as<std::string>() == "{{ 'a\n' }}");
    BOOST_TEST(*notes.find("model_max_length")->as<double>() == 8192);
    BOOST_TEST(notes.find("pad_token") == nullptr);
    BOOST_TEST(!test::refusal([&] { mt::data::write_tokenizer(folder.path, tiny(), {.end = 500}); }).empty());
    BOOST_TEST(!test::refusal([&] { mt::data::write_tokenizer(folder.file("none"), tiny(), {}); }).empty());
}
BOOST_AUTO_TEST_CASE(a_gguf_file_holds_a_tokenizer) {
    test::scratch_folder const folder;
    mt::io::gguf const         file(golden + "tiny.gguf");
    auto const                 t = mt::data::read_tokenizer(file);
    BOOST_TEST(t.encode("ab ab<word>b!<end> 11a") == (ids{5, 7, 1, 4, 8, 0, 6, 2, 2, 3}));
    auto const notes = mt::data::read_tokenizer_notes(file);
    BOOST_TEST((notes.begin == 0 && notes.end == 7 && notes.padding == 1 && notes.unknown == -1 && notes.context == 64));
    BOOST_TEST(notes.chat_template == "{{ messages }}");

    auto const whole = test::bytes_of(golden + "tiny.gguf");
    auto const said  = [&](std::string const& passage, std::string const& other) {
        auto bytes = whole;
        bytes.replace(bytes.find(passage), passage.size(), other);
        mt::io::gguf const changed(folder.file("a.gguf", bytes));
        return test::refusal([&] { mt::data::read_tokenizer(changed); });
    };
    BOOST_TEST(said("gpt2", "bert").find("a.gguf: its tokenizer is 'bert'") != std::string::npos);
    BOOST_TEST(said("smollm", "qwen2x").find("cuts words as 'qwen2x'") != std::string::npos);
    BOOST_TEST(said("a b", "a!b").find("merge 0 is no pair") != std::string::npos);
    BOOST_TEST(said("a b", "a 1").find("merge 0, 'a' and '1', takes or makes") != std::string::npos);
    BOOST_TEST(said("<word>", "<\xff\xff\xff\xff>").empty());  // an added token is any text
    auto const key = std::string("tokenizer.ggml.token_type");
    BOOST_TEST(said(key, "tokenizer.ggml.token_typo").find("no metadata '" + key + "'") != std::string::npos);
}
BOOST_AUTO_TEST_CASE(what_would_change_the_tokens_is_refused_by_name) {
    BOOST_TEST(says("\"type\":\"BPE\"", "\"type\":\"WordPiece\"", "model.type is not BPE"));
    BOOST_TEST(says("\"dropout\":null", "\"dropout\":0.1", "model.dropout"));
    BOOST_TEST(says("\"byte_fallback\":false", "\"byte_fallback\":true", "model.byte_fallback"));
    BOOST_TEST(says("\"end_of_word_suffix\":null", "\"end_of_word_suffix\":\"</w>\"", "model.end_of_word_suffix"));
    BOOST_TEST(says("\"normalizer\":null", "\"normalizer\":{\"type\":\"NFKC\"}", "normalizer"));
    BOOST_TEST(says("\"post_processor\":null", "\"post_processor\":{\"type\":\"BertProcessing\"}", "post_processor"));
    BOOST_TEST(says("\"individual_digits\":true", "\"individual_digits\":false", "pre_tokenizer"));
    BOOST_TEST(says("\"add_prefix_space\":false", "\"add_prefix_space\":true", "pre_tokenizer"));
    BOOST_TEST(says("\"use_regex\":true", "\"use_regex\":false", "pre_tokenizer"));
    BOOST_TEST(says("\"lstrip\":false", "\"lstrip\":true", "'<|endoftext|>': lstrip"));
    BOOST_TEST(says("\"id\":499", "\"id\":498", "has the id of"));
    BOOST_TEST(says("\"id\":499", "\"id\":500", "no token has the id 499"));
    BOOST_TEST(says("\"id\":499", "\"id\":1e300", "no number from 0"));
    BOOST_TEST(says("\"!\":4", "\"!\":5", "have the same id"));
    BOOST_TEST(says("\"!\":4", "\"\xe4\xb8\xad\":4", "is no spelling of bytes"));
    BOOST_TEST(says("\"!\":4", "\"!\":\"4\"", "no number from 0"));
    BOOST_TEST(says("\"merges\":[", "\"merges\":[\"nothing\",", "merge 0 is no pair"));
    BOOST_TEST(says("\"merges\":[", "\"merges\":[[\"!\",\"?\"],", "merge 0, '!' and '?', takes or makes"));
    BOOST_TEST(says("\"merges\":[", "\"merges\":\"none\",\"x\":[", "'merges' has an unexpected type"));
}
BOOST_AUTO_TEST_CASE(a_truncated_file_is_refused) {
    test::scratch_folder const folder;
    auto const                 whole = test::bytes_of(golden + "tiny_tokenizer.json");
    for (std::size_t n = 0; n < whole.size(); n += 37) {
        auto const path = folder.file("tokenizer.json", whole.substr(0, n));
        BOOST_TEST(!test::refusal([&] { mt::data::read_tokenizer(path); }).empty());
    }
}

BOOST_AUTO_TEST_SUITE_END()
