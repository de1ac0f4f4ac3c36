#include <boost/test/unit_test.hpp>
#include <string>
#include <data/scratch_folder.hpp>
#include <midtrain/data/jsonl.hpp>

namespace mt = midtrain;

namespace {

std::string refusal_of(std::string const& bytes) {
    test::scratch_folder const folder;
    auto const                 path = folder.file("a.jsonl", bytes);
    return test::refusal([&] {
        for (mt::data::jsonl file(path); file.next();) {}
    });
}
bool says(std::string const& bytes, std::string const& part) {
    auto const said = refusal_of(bytes);
    BOOST_TEST_MESSAGE(said);
    return said.find(part) != said.npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(jsonl)

BOOST_AUTO_TEST_CASE(documents_in_order) {
    test::scratch_folder const folder;
    mt::data::jsonl            file(folder.file("a.jsonl",
                                                "{\"text\": \"one\\ntwo \xc3\xa9\", \"id\": \"x\"}\r\n\n  \n"
                                                "{\"id\":7,\"text\":\"\",\"more\":[1]}\n{\"text\":\"end\"}"));
    auto const                 a = file.next(), b = file.next(), c = file.next();
    BOOST_REQUIRE((a && b && c && !file.next()));
    BOOST_TEST((a->text == "one\ntwo \xc3\xa9" && a->id == "x" && a->line == 1));
    BOOST_TEST((b->text.empty() && b->id == "7" && b->line == 4));
    BOOST_TEST((c->text == "end" && c->id.empty() && c->line == 5));
}
BOOST_AUTO_TEST_CASE(bad_lines_are_named) {
    std::string const good = "{\"text\":\"a\"}\n";
    BOOST_TEST(refusal_of(good + good).empty());
    BOOST_TEST(says(good + "{\"text\":\"a\"\n", "a.jsonl: line 2: JSON, byte"));
    BOOST_TEST(says(good + "\n{\"body\":\"a\"}\n", "a.jsonl: line 3: there is no member 'text'"));
    BOOST_TEST(says("{\"text\":1}", "line 1: there is no member 'text' that is a string"));
    BOOST_TEST(says("[\"text\"]", "line 1: there is no member 'text'"));
    BOOST_TEST(says("{\"text\":\"\",\"id\":[]}", "line 1: the member 'id' is neither"));
    BOOST_TEST(says(good + "{\"text\":\"a\"} {\"text\":\"b\"}", "line 2: JSON, byte 13: something follows"));
}

BOOST_AUTO_TEST_SUITE_END()
