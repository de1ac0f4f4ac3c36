#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <vector>
#include <data/scratch_folder.hpp>
#include <midtrain/data/text_reader.hpp>
#include <midtrain/data/utf8.hpp>

namespace mt = midtrain;
using mt::data::text_options;
using mt::data::text_reader;
using strings = std::vector<std::string>;

namespace {

// tests/oracle/text_files.py wrote the packed files and those of Parquet.
std::string const golden = std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/text/";

strings three() {
    std::string last = "\xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x98\x80 ";
    for (int i = 0; i < 50; ++i) last += "end ";
    return {"one\ntwo \xc3\xa9", "", last};
}
strings read(std::string const& path, text_options const& how = {}) {
    strings     all;
    text_reader reader(path, how);
    while (auto d = reader.next()) all.push_back(d->text);
    return all;
}
std::string refusal_of(std::string const& path, text_options const& how = {}) {
    auto const said = test::refusal([&] { read(path, how); });
    BOOST_TEST_MESSAGE(said);
    return said;
}
bool says(std::string const& path, std::string const& part, text_options const& how = {}) { return refusal_of(path, how).find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(texts)

BOOST_AUTO_TEST_CASE(lines_of_json_and_whole_files) {
    test::scratch_folder const folder;
    BOOST_TEST(read(folder.file("a.jsonl", "{\"body\":\"x\"}\r\n\n{\"body\":\"y\"}"), {.field = "body"}) == (strings{"x", "y"}));
    BOOST_TEST(read(folder.file("a.txt", "x\n\ny")) == strings{"x\n\ny"});
    BOOST_TEST(read(folder.file("a.md", "# x\n")) == strings{"# x\n"});
    std::string const long_line(300'000, 'x');  // longer than the buffer
    BOOST_TEST(read(folder.file("b.jsonl", "{\"text\":\"" + long_line + "\"}\n{\"text\":\"\"}\n")) == (strings{long_line, ""}));
    BOOST_TEST(read(folder.file("c.jsonl", "")).empty());
    BOOST_TEST(says(folder.file("a.pdf", "x"), "a.pdf: is none of .jsonl, .parquet, .txt and .md"));
    BOOST_TEST(says(folder.file("none.txt"), "cannot be opened"));
}
BOOST_AUTO_TEST_CASE(text_that_is_not_utf8) {
    test::scratch_folder const folder;
    auto const                 bad = folder.file("a.txt", "ab\xff" "c\xe4\xb8");
    BOOST_TEST(refusal_of(bad) == bad + ": byte 2 of its text is not UTF-8");
    BOOST_TEST(read(bad, {.invalid = mt::data::invalid_text::replace}) == strings{"ab\xef\xbf\xbd" "c\xef\xbf\xbd\xef\xbf\xbd"});
    BOOST_TEST(says(folder.file("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"\\ud800\"}\n"), "a.jsonl: line 2: byte 0 of its text is not UTF-8"));
    for (std::string const s : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98", "\x80", "\xe0\x9f\x80", "\xf0\x8f\xbf\xbf", "\xf5\x80\x80\x80"})
        BOOST_TEST(mt::data::invalid_utf8("x" + s) == 1u);
    for (std::string const s : {"", "\x7f", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
        BOOST_TEST(mt::data::invalid_utf8(s) == std::string::npos);
}
BOOST_AUTO_TEST_CASE(talks) {
    test::scratch_folder const folder;
    text_options const         chat{.chat = mt::data::chat_style{}}, plain{.chat = mt::data::chat_style{.form = mt::data::chat_form::plain}};
    auto const                 pair = folder.file("a.jsonl", "{\"prompt\":\"a\",\"completion\":\" b\"}\n");
    BOOST_TEST(read(pair, chat) == strings{"<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n b<|im_end|>\n"});
    BOOST_TEST(read(pair, plain) == strings{"a b"});
    auto const d = text_reader(pair, plain).next();
    BOOST_TEST((d->masked && d->learnt.size() == 1 && d->learnt[0] == std::pair<std::size_t, std::size_t>(1, 3)));
    BOOST_TEST(says(folder.file("b.jsonl", "{\"text\":\"a\"}\n"), "line 1: there is neither a member 'messages'", chat));
    BOOST_TEST(says(folder.file("b.jsonl", "{\"messages\":3}\n"), "'messages' is no list", chat));
    BOOST_TEST(says(folder.file("b.jsonl", "{\"messages\":[{\"role\":\"user\"}]}\n"), "no member 'content'", chat));
    BOOST_TEST(says(folder.file("b.jsonl", "{\"messages\":[{\"role\":\"tool\",\"content\":\"\"}]}\n"),
                    "line 1: message 1 is of role 'tool'", {.chat = mt::data::chat_style{.form = mt::data::chat_form::llama2}}));
    BOOST_TEST(says(folder.file("c.txt", "x"), "talks are read from .jsonl alone", chat));
}
BOOST_AUTO_TEST_CASE(packed_files) {
    for (std::string const end : {"gz", "zst"}) {
        auto const path = golden + "three.jsonl." + end;
#ifndef MIDTRAIN_WITH_ZLIB
        if (end == "gz") {
            BOOST_TEST(says(path, "built without zlib"));
            continue;
        }
#endif
#ifndef MIDTRAIN_WITH_ZSTD
        if (end == "zst") {
            BOOST_TEST(says(path, "built without zstd"));
            continue;
        }
#endif
        BOOST_TEST(read(path) == three(), boost::test_tools::per_element());
        test::scratch_folder const folder;
        auto const                 whole = test::bytes_of(path);
        for (std::size_t n = 1; n < whole.size(); n += 3) {
            auto const said = refusal_of(folder.file("a.jsonl." + end, whole.substr(0, n)));
            BOOST_TEST(said.find("a.jsonl." + end + ": ") != said.npos);  // or between the halves, where the line is broken
        }
        auto damaged = whole;
        damaged[whole.size() / 4] = static_cast<char>(damaged[whole.size() / 4] ^ 0x55);
        BOOST_TEST(!refusal_of(folder.file("a.jsonl." + end, damaged)).empty());
        BOOST_TEST(!refusal_of(folder.file("a.jsonl." + end, whole + "xx")).empty());
    }
}
BOOST_AUTO_TEST_CASE(columns_of_parquet) {
#ifdef MIDTRAIN_WITH_ARROW
    for (char const* name : {"plain", "large", "zstd"}) BOOST_TEST(read(golden + name + ".parquet") == three(), boost::test_tools::per_element());
    BOOST_TEST(says(golden + "plain.parquet", "has no column 'body'", {.field = "body"}));
    BOOST_TEST(says(golden + "plain.parquet", "column 'n' holds int64, not text", {.field = "n"}));
    test::scratch_folder const folder;
    auto const                 whole = test::bytes_of(golden + "plain.parquet");
    for (std::size_t n = 0; n < whole.size(); n += 61) BOOST_TEST(!refusal_of(folder.file("a.parquet", whole.substr(0, n))).empty());
#else
    BOOST_TEST(says(golden + "plain.parquet", "built without Apache Arrow"));
#endif
}
BOOST_AUTO_TEST_CASE(files_of_a_folder_in_order) {
    test::scratch_folder const folder;
    std::filesystem::create_directories(folder.file("in/b"));
    for (char const* name : {"in/c.txt", "in/b/z.md", "in/b/a.jsonl.gz", "in/a.txt", "in/x.pdf"}) folder.file(name, "x");
    BOOST_TEST(mt::data::text_files(folder.file("in")) ==
               (strings{folder.file("in/a.txt"), folder.file("in/b/a.jsonl.gz"), folder.file("in/b/z.md"), folder.file("in/c.txt")}), boost::test_tools::per_element());
    BOOST_TEST(mt::data::text_files(folder.file("in/?.tx*")) == (strings{folder.file("in/a.txt"), folder.file("in/c.txt")}), boost::test_tools::per_element());
    BOOST_TEST(mt::data::text_files("any") == strings{"any"});
    BOOST_TEST(test::refusal([&] { mt::data::text_files(folder.file("in/*.nothing")); }).find("no file that can be read") != std::string::npos);
    BOOST_TEST(test::refusal([&] { mt::data::text_files(folder.file("none/*")); }).find("cannot be read") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
