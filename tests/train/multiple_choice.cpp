#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/train/multiple_choice.hpp>
#include <support/choice_model.hpp>

namespace mt = midtrain;

namespace {

std::string const golden = MIDTRAIN_SOURCE_DIR "/tests/golden/";

mt::choice_item item(std::string const& line, mt::choice_form form = mt::choice_form::automatic) {
    return mt::read_choice_item(mt::io::parse_json(line, "items"), "items: line 1", form);
}
auto says(std::string const& what) {
    return [=](mt::error const& e) { return std::string(e.what()).find(what) != std::string::npos; };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(multiple_choice)

// The harness's own numbers of the same model and items, made by tests/oracle/choices.py.
BOOST_AUTO_TEST_CASE(it_agrees_with_lm_evaluation_harness) {
    test::choice_model        m;
    mt::io::mapped_file const file(golden + "choices.json");
    auto const                all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    std::size_t               items_seen = 0;
    for (auto const& form : test::choice_forms) {
        auto const items = mt::read_choice_items(golden + "choices/" + form + ".jsonl");
        auto const got   = mt::evaluate_choices(m.model, m.tokenizer, items, {.sequences = 3, .length = test::choice_shape::context, .begin = 0});
        auto const want  = all.find(form);
        BOOST_TEST_REQUIRE(want != nullptr);
        BOOST_TEST(std::abs(got.acc().value - *want->find("acc")->as<double>()) < 1e-12, form);
        if (auto const norm = want->find("acc_norm")) BOOST_TEST(std::abs(got.acc_norm().value - *norm->as<double>()) < 1e-12, form);
        auto const& by_item = *want->find("items")->as<mt::io::json::array>();
        BOOST_TEST_REQUIRE(by_item.size() == got.items.size());
        for (std::size_t i = 0; i < by_item.size(); ++i) {
            auto const& by_choice = *by_item[i].as<mt::io::json::array>();
            BOOST_TEST_REQUIRE(by_choice.size() == got.items[i].log_likelihood.size());
            // float in both programs, sums of up to 60 terms of about six nats
            for (std::size_t k = 0; k < by_choice.size(); ++k) BOOST_TEST(std::abs(got.items[i].log_likelihood[k] - *by_choice[k].as<double>()) < 2e-3);
            ++items_seen;
        }
    }
    BOOST_TEST(items_seen == 74u);
}
BOOST_AUTO_TEST_CASE(a_pack_of_another_form_gives_the_same_likelihoods) {
    test::choice_model m;
    auto const         items = mt::read_choice_items(golden + "choices/piqa.jsonl");
    auto const         a = mt::evaluate_choices(m.model, m.tokenizer, items, {.sequences = 1, .length = 64, .shots = 0});
    auto const         b = mt::evaluate_choices(m.model, m.tokenizer, items, {.sequences = 7, .length = 64, .shots = 0});
    for (std::size_t i = 0; i < items.size(); ++i)
        for (std::size_t k = 0; k < 2; ++k) BOOST_TEST(std::abs(a.items[i].log_likelihood[k] - b.items[i].log_likelihood[k]) < 1e-3);
}
BOOST_AUTO_TEST_CASE(forms_become_the_texts_of_the_harness) {
    auto const own = item(R"({"question": "Two and two?", "choices": ["four", "five"], "answer": 0})");
    BOOST_TEST(own.context(1) == "Two and two?");
    BOOST_TEST(own.continuation(1) == " five");
    auto const swag = item(R"({"activity_label": "Tea", "ctx_a": "[header] A  b [title] c", "ctx_b": "WE go", "ctx": "x", "endings": [" [x] a", "b"], "label": "1"})");
    BOOST_TEST(swag.context(0) == "Tea: A b. c We go");
    BOOST_TEST(swag.continuation(0) == "  a");
    BOOST_TEST(swag.answer == 1u);
    auto const arc = item(R"({"question": "Why?", "choices": {"text": ["a", "b", "c"], "label": ["1", "2", "3"]}, "answerKey": "3"})");
    BOOST_TEST(arc.context(0) == "Question: Why?\nAnswer:");
    BOOST_TEST(arc.answer == 2u);
    auto const book = item(R"({"question_stem": "The sun is", "choices": {"text": ["hot", "cold"], "label": ["A", "B"]}, "answerKey": " B"})");
    BOOST_TEST(book.context(0) == "The sun is");
    BOOST_TEST(book.answer == 1u);
    auto const gap = item(R"({"sentence": "It is _ here. ", "option1": "hot", "option2": "cold", "answer": "2"})");
    BOOST_TEST(gap.context(1) == "It is cold");
    BOOST_TEST(gap.continuation(1) == " here.");
    BOOST_TEST(gap.answer == 1u);
    auto const yes = item(R"({"passage": "P.", "question": "is it", "answer": true})");
    BOOST_TEST(yes.context(0) == "P.\nQuestion: is it?\nAnswer:");
    BOOST_TEST(yes.continuation(yes.answer) == " yes");
    auto const mmlu = item(R"({"question": " Q \n", "subject": "high_school", "choices": ["u", "v"], "answer": 1})");
    BOOST_TEST(mmlu.context(0) == "Q\nA. u\nB. v\nAnswer:");
    BOOST_TEST(mmlu.continuation(1) == " B");
    BOOST_TEST(mmlu.description == "The following are multiple choice questions (with answers) about high school.\n\n");
    BOOST_TEST(item(R"({"question": "Q", "choices": ["u", "v"], "answer": 1})", mt::choice_form::mmlu).continuation(0) == " A");
    auto const last = item(R"({"text": "the very end"})");
    BOOST_TEST(last.context(0) == "the very");
    BOOST_TEST(last.continuation(0) == " end");
}
BOOST_AUTO_TEST_CASE(what_is_no_item_is_refused) {
    BOOST_CHECK_EXCEPTION(item(R"({"questions": 1})"), mt::error, says("no known form"));
    BOOST_CHECK_EXCEPTION(item(R"({"question": "Q", "choices": ["a", "b"], "answer": 2})"), mt::error, says("the answer is choice 2 of 2"));
    BOOST_CHECK_EXCEPTION(item(R"({"question": "Q", "choices": ["a", 1], "answer": 0})"), mt::error, says("'choices' is not a string"));
    BOOST_CHECK_EXCEPTION(item(R"({"question": "Q", "choices": ["a"], "answer": 0})"), mt::error, says("at least two choices"));
    BOOST_CHECK_EXCEPTION(item(R"({"question": "Q", "choices": ["a", "b"], "answer": 0.5})"), mt::error, says("'answer' is not the number"));
    BOOST_CHECK_EXCEPTION(item(R"({"question": "Q", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "C"})"), mt::error, says("'C'"));
    BOOST_CHECK_EXCEPTION(item(R"({"sentence": "no gap", "option1": "a", "option2": "b", "answer": "1"})"), mt::error, says("no '_'"));
    BOOST_CHECK_EXCEPTION(mt::read_choice_items(golden + "tiny_tokens.json"), mt::error, says("line 1"));
}
BOOST_AUTO_TEST_CASE(accuracies_and_their_errors) {
    // Likelier: choice 1; likelier by character: choice 0. Four items, the answer is 1, 1, 1, 0.
    mt::choice_result r;
    for (std::size_t answer : {1u, 1u, 1u, 0u}) r.items.push_back({{-6, -5}, {6, 2}, answer, false});
    BOOST_TEST(r.acc().value == 0.75);
    BOOST_TEST(std::abs(r.acc().standard_error - 0.25) < 1e-15);  // sqrt((3/4)(1/4) / 3)
    BOOST_TEST(r.acc_norm().value == 0.25);
    r.items = {{{-1}, {1}, 0, true}, {{-1}, {1}, 0, false}};  // last words
    BOOST_TEST(r.acc().value == 0.5);
    BOOST_TEST(mt::detail::characters_of("a\u00fc\u4e2d\U0001f600") == 4);
    auto const read = mt::choice_result_from(mt::io::parse_json(mt::io::written(to_json(r)), "r"), "r");
    BOOST_TEST((read.items == r.items));
    BOOST_CHECK_EXCEPTION(mt::choice_result_from(mt::io::parse_json(R"({"items": [{}]})", "r.json"), "r.json"), mt::error, says("r.json: 'log_likelihood'"));
}
BOOST_AUTO_TEST_CASE(a_difference_of_two_models_is_paired) {
    mt::choice_result before, after;
    for (std::size_t i = 0; i < 40; ++i) {
        before.items.push_back({{-1, -2}, {1, 1}, i % 2, false});
        after.items.push_back({{-1, i % 4 == 1 ? -0.5 : -2}, {1, 1}, i % 2, false});  // a quarter more is right
    }
    auto const d = bootstrap_difference(before, after);
    BOOST_TEST(std::abs(d.value - 0.25) < 1e-12);
    BOOST_TEST(d.low > 0.1);
    BOOST_TEST(d.high < 0.42);
}
BOOST_AUTO_TEST_CASE(examples_are_other_items_and_a_seed_says_which) {
    auto const  items = mt::read_choice_items(golden + "choices/arc.jsonl");
    auto const  text  = [&](std::size_t i, std::uint64_t seed) { return mt::detail::before_item(items, i, 3, seed); };
    BOOST_TEST(text(4, 1) == text(4, 1));
    BOOST_TEST(text(4, 1) != text(4, 2));
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto const before = text(i, 0);
        BOOST_TEST(before.find(items[i].context(0)) == before.npos);
        std::size_t examples = 0;
        for (std::size_t at = 0; (at = before.find("Question:", at)) != before.npos; ++at) ++examples;
        BOOST_TEST(examples == 3u);
        BOOST_TEST(before.ends_with("\n\n"));
    }
    BOOST_TEST(mt::detail::before_item(items, 0, 0, 0) == "");
}
BOOST_AUTO_TEST_CASE(greedy_is_what_generation_says) {
    test::choice_model m;
    std::string const  text = "The quick brown fox";
    auto const         ids  = m.tokenizer.encode(text);
    std::vector<float> logits(ids.size() * 500);
    test::owned_batch  b(1, static_cast<mt::index_t>(ids.size()));
    b.inputs = ids;
    m.model.logits(b.view(), mt::as_matrix(logits.data(), static_cast<mt::index_t>(ids.size()), 500));
    auto const last  = std::span(logits).last(500);
    auto const best  = static_cast<std::int32_t>(std::max_element(last.begin(), last.end()) - last.begin());
    std::vector<mt::judged_text> texts(2);
    for (auto& t : texts) t.tokens = ids, t.tokens.push_back(best), t.first = ids.size();
    texts[1].tokens.back() = (best + 1) % 500;
    auto const got = mt::judge_texts(m.model, std::span<mt::judged_text const>(texts), {.sequences = 1, .length = 64});
    BOOST_TEST(got[0].greedy());
    BOOST_TEST(!got[1].greedy());
    BOOST_TEST(got[0].tokens == 1);
    BOOST_TEST(got[0].log_likelihood > got[1].log_likelihood);
    texts[0].first = 0;
    BOOST_CHECK_THROW(mt::judge_texts(m.model, std::span<mt::judged_text const>(texts), {}), mt::error);
}
BOOST_AUTO_TEST_CASE(spaces_at_the_contexts_end_go_to_the_continuation) {
    test::choice_model m;
    auto const a = mt::encode_pair(m.tokenizer, "the fox  ", "jumps", 0), b = mt::encode_pair(m.tokenizer, "the fox", "  jumps", 0);
    BOOST_TEST(a.tokens == b.tokens);
    BOOST_TEST(a.first == m.tokenizer.encode("the fox").size());
    auto const alone = mt::encode_pair(m.tokenizer, "", " jumps", 7);
    BOOST_TEST(alone.tokens.front() == 7);
    BOOST_TEST(alone.first == 1u);
    auto const twice = mt::encode_pair(m.tokenizer, "", "<|endoftext|>the", m.tokenizer.id("<|endoftext|>"));
    BOOST_TEST(twice.tokens == m.tokenizer.encode("<|endoftext|>the"));
    BOOST_CHECK_THROW(mt::encode_pair(m.tokenizer, "  ", "x", 0), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
