#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/train/held_out.hpp>
#include <support/choice_model.hpp>

namespace mt = midtrain;

namespace {

struct store {
    std::vector<std::vector<std::int32_t>> all;
    std::int64_t                  documents() const { return static_cast<std::int64_t>(all.size()); }
    std::span<std::int32_t const> document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
};

struct two_sources {
    test::choice_model m;
    store              web, code;
    two_sources() {
        for (int d = 0; d < 9; ++d) {
            web.all.push_back(m.tokenizer.encode("the quick brown fox number " + std::to_string(d) + " is in the text"));
            code.all.push_back(m.tokenizer.encode("int main() { return " + std::to_string(100 * d) + "; }"));
        }
    }
    mt::held_out_result measure(mt::evaluate_options how = {.sequences = 2, .length = 64}) {
        std::vector<mt::named_store<store>> const both{{"web", &web}, {"code", &code}};
        return mt::evaluate_held_out(m.model, std::span(both), 0, how, mt::token_bytes(m.tokenizer));
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(held_out)

BOOST_AUTO_TEST_CASE(a_source_has_the_losses_of_its_documents_and_positions) {
    two_sources t;
    auto const  r = t.measure();
    BOOST_TEST_REQUIRE(r.sources.size() == 2u);
    auto const alone = mt::evaluate_documents(t.m.model, t.code, 0, {.sequences = 2, .length = 64}, mt::token_bytes(t.m.tokenizer));
    BOOST_TEST((r.at("code").documents == alone));
    BOOST_TEST((r.at("code").positions == mt::evaluate_positions(t.m.model, t.code, 0, {.sequences = 2, .length = 64})));
    BOOST_CHECK_THROW(r.at("books"), mt::error);
    store const                         none;
    std::vector<mt::named_store<store>> const empty{{"web", &none}};
    BOOST_CHECK_EXCEPTION(mt::evaluate_held_out(t.m.model, std::span(empty), 0, {}, mt::token_bytes(t.m.tokenizer)), mt::error,
                          [](mt::error const& e) { return std::string(e.what()).find("'web'") != std::string::npos; });
}
BOOST_AUTO_TEST_CASE(bytes_are_those_of_the_text_but_for_its_first_token) {
    two_sources       t;
    auto const        r    = t.measure();
    std::string const text = "int main() { return 0; }";
    auto const        ids  = t.m.tokenizer.encode(text);
    auto const        first = t.m.tokenizer.decode(std::span(ids).first(1)).size();
    BOOST_TEST(r.at("code").documents[0].bytes == static_cast<std::int64_t>(text.size() - first));
    auto const bits = mt::bits_per_byte(r.at("code").documents);
    double     loss = 0, bytes = 0;
    for (auto const& d : r.at("code").documents) loss += d.loss, bytes += static_cast<double>(d.bytes);
    BOOST_TEST(std::abs(bits.value - loss / std::log(2.0) / bytes) < 1e-12);
    BOOST_TEST(bits.low < bits.value);
    BOOST_TEST(bits.value < bits.high);
    auto const v = mt::value_of(r.at("code"));
    BOOST_TEST(v.bits_per_byte.value == bits.value);
    BOOST_TEST(std::abs(v.loss.value - mt::mean_loss(r.at("code").documents)) < 1e-12);
}
BOOST_AUTO_TEST_CASE(control_tokens_have_no_bytes_and_added_words_have) {
    test::choice_model    m;
    mt::token_bytes const bytes(m.tokenizer);
    std::vector<std::int32_t> const control{m.tokenizer.id("<|im_start|>"), 0}, word{m.tokenizer.id("<word>")}, beyond{10'000, -1};
    BOOST_TEST(bytes(control) == 0);
    BOOST_TEST(bytes(word) == 6);
    BOOST_TEST(bytes(beyond) == 0);
    std::string const text = "\u4e2d\u6587 text";
    BOOST_TEST(bytes(m.tokenizer.encode(text)) == static_cast<std::int64_t>(text.size()));
    mt::held_out_source const unknown{"x", {{2.0, 4, 0}}, {}};
    BOOST_CHECK_THROW(mt::bits_per_byte(unknown.documents), mt::error);
    BOOST_TEST(std::isnan(mt::value_of(unknown).bits_per_byte.value));
}
BOOST_AUTO_TEST_CASE(a_result_survives_json_and_what_is_none_is_refused) {
    two_sources t;
    auto const  r = t.measure();
    auto const  text = mt::io::written(to_json(r));
    BOOST_TEST((mt::held_out_result_from(mt::io::parse_json(text, "r"), "r") == r));
    for (char const* wrong : {"{}", R"([{"source": "a"}])", R"([{"source": "a", "documents": [[1, 2]], "positions": []}])", R"([{"source": 1}])"})
        BOOST_CHECK_EXCEPTION(mt::held_out_result_from(mt::io::parse_json(wrong, "r.json"), "r.json"), mt::error,
                              [](mt::error const& e) { return std::string(e.what()).starts_with("r.json: "); });
}
BOOST_AUTO_TEST_CASE(changes_are_paired_by_source) {
    two_sources t;
    auto const  before = t.measure();
    auto        after  = before;
    for (auto& d : after.sources[1].documents) d.loss -= 0.5 * static_cast<double>(d.targets);
    after.sources.erase(after.sources.begin());
    auto const changes = mt::held_out_changes(before, after);
    BOOST_TEST_REQUIRE(changes.size() == 1u);
    BOOST_TEST(changes[0].first == "code");
    BOOST_TEST(std::abs(changes[0].second.value + 0.5) < 1e-12);  // the same in every document, so the interval is a point
    BOOST_TEST(std::abs(changes[0].second.high - changes[0].second.low) < 1e-12);
}

BOOST_AUTO_TEST_SUITE_END()
