#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/mixture/any_mixture.hpp>
#include <midtrain/train/any_average.hpp>
#include <midtrain/train/read_fields.hpp>
#include <midtrain/train/stage.hpp>
#include <midtrain/train/written_fields.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace {

enum class colour { red, green };

struct inner {
    double x = 1;
    bool   on = false;
};
struct outer {
    mt::required<std::string> name;
    mt::required<mt::tokens>  span;
    std::vector<inner>        parts{};
    colour                    paint = colour::red;
    std::uint8_t              small = 3;
    std::int64_t              large = 0;
};

template <class T>
T read(std::string const& text, std::vector<std::string> sources = {}) {
    T to = mt::blank<T>();
    mt::read_fields(mt::io::parse_json(text, "test"), "file", to, std::move(sources));
    return to;
}
template <class T>
std::string refusal(std::string const& text, std::vector<std::string> sources = {}) {
    try {
        read<T>(text, std::move(sources));
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(read_fields)

BOOST_AUTO_TEST_CASE(each_kind_of_field_has_its_form) {
    auto const o = read<outer>(R"({"name":"a","span":"1.5k","parts":[{"x":2},{"on":true,"x":"3e-1"}],"paint":"green","large":-9007199254740992})");
    BOOST_TEST(o.name.value == "a");
    BOOST_TEST((o.span == 1'500_tok));
    BOOST_TEST(o.parts.size() == 2u);
    BOOST_TEST((o.parts[0].x == 2 && !o.parts[0].on && o.parts[1].x == 0.3 && o.parts[1].on));
    BOOST_TEST((o.paint == colour::green && o.small == 3 && o.large == -9007199254740992));
    BOOST_TEST((read<outer>(R"({"name":"","span":7})").span == 7_tok));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_named_by_its_path) {
    std::string const good = R"("name":"a","span":1)";
    for (auto const& [text, says] : std::vector<std::pair<std::string, std::string>>{
             {R"({"span":1})", "file: name is missing"},
             {"{" + good + R"(,"parts":[{"x":1},{"y":2}]})", "file: parts[1].y is not known; there is x, on"},
             {"{" + good + R"(,"parts":[{"on":1}]})", "file: parts[0].on is 1; it wants true or false"},
             {"{" + good + R"(,"parts":{}})", "file: parts is no list"},
             {"{" + good + R"(,"paint":"blue"})", "file: paint is \"blue\"; it wants one of red, green"},
             {"{" + good + R"(,"paint":1})", "file: paint is 1; it wants one of red, green"},
             {"{" + good + R"(,"small":256})", "file: small is 256; it wants a whole number"},
             {"{" + good + R"(,"small":1.5})", "file: small is 1.5; it wants a whole number"},
             {"{" + good + R"(,"large":1e300})", "file: large is 1e+300; it wants a whole number"},
             {R"({"name":1,"span":1})", "file: name is no text"},
             {R"({"name":"a","span":-1})", "file: span is -1; it wants a number of tokens"},
             {R"({"name":"a","span":1e16})", "file: span is 1e+16; it wants a number of tokens"},
             {"[]", "file: is no table"}})
        BOOST_TEST(refusal<outer>(text).starts_with(says), refusal<outer>(text));
}

BOOST_AUTO_TEST_CASE(kinds_choose_their_fields) {
    auto const rate = read<mt::any_annealing>(R"({"kind":"joined","parts":[{"over":10,"rate":{"kind":"linear","from":0,"to":2}},{"at_end":"jump","rate":{"kind":"wsd","peak":2,"decay":5}}]})");
    BOOST_TEST(rate.rate({5, 5_tok, 100_tok, 1_tok}) == 1.0);
    BOOST_TEST(rate.rate({50, 50_tok, 100_tok, 1_tok}) == 2.0);
    BOOST_TEST(rate.fits(100_tok));
    BOOST_TEST(refusal<mt::any_annealing>(R"({"peak":1})").starts_with("file: kind is missing; it is one of constant, linear"));
    BOOST_TEST(refusal<mt::any_annealing>(R"({"kind":"constant"})") == "file: peak is missing");
    BOOST_TEST(refusal<mt::any_annealing>(R"({"kind":"constant","peak":1,"floor":0})") == "file: floor is not known; there is peak");
    BOOST_TEST(read<mt::any_average>(R"({"kind":"merged_decay","window":100,"every":10,"decay":{"kind":"linear","from":1,"to":0}})").kind() == "merged_decay");
    BOOST_TEST(read<mt::any_average>(R"({"kind":"none"})").share({1, 1_tok, 2_tok, 1_tok}) == 0);
    auto const soup = read<mt::any_average>(R"({"kind":"soup","of":[{"step":3},{"step":5,"weight":3}]})");
    BOOST_TEST(soup.share({3, 3_tok, 9_tok, 1_tok}) == 1.0);
    BOOST_TEST(soup.share({5, 5_tok, 9_tok, 1_tok}) == 0.75);
}

BOOST_AUTO_TEST_CASE(shares_follow_the_order_of_the_sources) {
    auto const m = read<mt::any_mixture>(R"({"kind":"fixed","share":{"a":0.25,"z":0.75}})", {"z", "m", "a"});
    auto const w = m.weights({});
    BOOST_TEST((w.size() == 3 && w[0] == 0.75 && w[1] == 0 && w[2] == 0.25));
    BOOST_TEST(refusal<mt::any_mixture>(R"({"kind":"fixed","share":{"b":1}})", {"a"}) == "file: share.b is a source that the file does not name");
    BOOST_TEST(refusal<mt::any_mixture>(R"({"kind":"fixed"})", {"a"}) == "file: share is missing");
}
BOOST_AUTO_TEST_CASE(mixtures_of_mixtures_are_read_and_written) {
    auto const text = R"({"kind":"capped",
        "of":{"kind":"replay","fresh":{"kind":"path","points":[{"at":0,"share":{"a":1}},{"at":"50","share":{"b":1},"shape":"cosine"}]},
              "old":{"b":1},"share":0.5},
        "sizes":{"a":"1k","b":2000},"epochs":{"a":0.01,"b":4}})";
    auto const m = read<mt::any_mixture>(text, {"a", "b"});
    auto const w = m.weights({0, {0}, {100}, {}});
    BOOST_TEST((w.size() == 2 && std::abs(w[0] - .1) < 1e-15 && std::abs(w[1] - .9) < 1e-15));  // ten of a hundred tokens
    BOOST_TEST(std::abs(m.weights({0, {45}, {100}, {}})[0] - .05) < 1e-15);
    auto const again = read<mt::any_mixture>(mt::io::written(mt::written_fields(m)), {"a", "b"});
    for (int t = 0; t <= 100; t += 5)
        for (std::size_t i = 0; i < 2; ++i) BOOST_TEST(again.weights({0, {t}, {100}, {}})[i] == m.weights({0, {t}, {100}, {}})[i]);
    auto const odm = read<mt::any_mixture>(R"({"kind":"odm","prior":{"a":0.5,"b":0.5},"hold":20})", {"a", "b"});
    BOOST_TEST(odm.window() == 20);
    // A share that is left out is none; a size, a cap or a factor must be said.
    BOOST_TEST(refusal<mt::any_mixture>(R"({"kind":"tempered","sizes":{"a":"1k"},"temperature":2})", {"a", "b"}) == "file: sizes.b is missing");
    BOOST_TEST(refusal<mt::any_mixture>(R"({"kind":"upsampled","of":{"kind":"fixed","share":{"a":1}},"factor":{"b":2}})", {"a", "b"}) ==
               "file: factor.a is missing");
}

BOOST_AUTO_TEST_SUITE_END()
