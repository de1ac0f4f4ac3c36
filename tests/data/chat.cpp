#include <boost/test/unit_test.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <data/scratch_folder.hpp>
#include <midtrain/core/enum_names.hpp>
#include <midtrain/data/chat.hpp>
#include <midtrain/io/json.hpp>

namespace mt = midtrain;
using mt::data::chat_form;
using mt::data::chat_message;
using mt::data::chat_style;
using mt::data::known_chat;

namespace {

/// What the loss counts of a talk, turn by turn.
std::vector<std::string> learnt(chat_style const& style, std::vector<chat_message> const& talk) {
    auto const               chat = mt::data::written_chat(style, talk);
    std::vector<std::string> all;
    for (auto const& [from, to] : chat.learnt) all.push_back(chat.text.substr(from, to - from));
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(chat)

BOOST_AUTO_TEST_CASE(text_is_that_of_transformers) {  // tests/oracle/chat.py
    auto const golden = mt::io::parse_json(test::bytes_of(MIDTRAIN_SOURCE_DIR "/tests/golden/chat.json"), "chat.json");
    std::set<std::string> forms;
    for (auto const& row : *golden.as<mt::io::json::array>()) {
        auto const& cells = *row.as<mt::io::json::array>();
        auto const  text  = [&](std::size_t i) { return *cells[i].as<std::string>(); };
        auto const  form  = *mt::enum_value<chat_form>(text(0));
        auto        style = known_chat(text(1));
        bool const  named = form == chat_form::alpaca || form == chat_form::plain;  // they have no template of their own
        BOOST_REQUIRE(style.has_value() != named);
        if (named) style = chat_style{.form = form};
        BOOST_TEST((style->form == form));
        style->begin = text(2), style->end = text(3);
        std::vector<chat_message> talk;
        for (auto const& m : *cells[4].as<mt::io::json::array>()) {
            auto const& pair = *m.as<mt::io::json::array>();
            talk.push_back({*pair[0].as<std::string>(), *pair[1].as<std::string>()});
        }
        BOOST_TEST(mt::data::written_chat(*style, talk).text == text(5), text(0));
        forms.insert(text(0));
    }
    BOOST_TEST(forms.size() == 7u);
}
BOOST_AUTO_TEST_CASE(the_loss_counts_answers_and_their_ends) {
    std::vector<chat_message> const talk = {{"user", "a"}, {"assistant", "b"}, {"user", "c"}, {"assistant", " d "}};
    using strings = std::vector<std::string>;
    auto const of = [&](chat_form form) { return learnt({.form = form}, talk); };
    BOOST_TEST(of(chat_form::chatml) == (strings{"b<|im_end|>", " d <|im_end|>"}), boost::test_tools::per_element());
    BOOST_TEST(of(chat_form::llama2) == (strings{"b </s>", "d </s>"}), boost::test_tools::per_element());
    BOOST_TEST(of(chat_form::llama3) == (strings{"b<|eot_id|>", "d<|eot_id|>"}), boost::test_tools::per_element());
    BOOST_TEST(of(chat_form::zephyr) == (strings{"b</s>", " d </s>"}), boost::test_tools::per_element());
    BOOST_TEST(of(chat_form::mistral) == (strings{"b</s>", " d </s>"}), boost::test_tools::per_element());
    BOOST_TEST(of(chat_form::alpaca) == (strings{"b</s>", " d </s>"}), boost::test_tools::per_element());
    BOOST_TEST(of(chat_form::plain) == (strings{"b", " d "}), boost::test_tools::per_element());
}
BOOST_AUTO_TEST_CASE(roles_and_templates_that_are_not_known) {
    auto const said = [](chat_form form, std::vector<chat_message> const& talk) {
        return test::refusal([&] { mt::data::written_chat({.form = form}, talk); });
    };
    BOOST_TEST(said(chat_form::mistral, {{"system", "a"}}).find("message 1 is of role 'system'") != std::string::npos);
    BOOST_TEST(said(chat_form::llama2, {{"system", "a"}, {"user", "b"}, {"user", "c"}}).find("message 3 is of role 'user'") != std::string::npos);
    BOOST_TEST(said(chat_form::zephyr, {{"tool", "a"}}) == "role 'tool' is unknown to the chat form zephyr");
    BOOST_TEST(!known_chat("{% for message in messages %}{{ message }}{% endfor %}"));
    BOOST_TEST(!known_chat(""));
}

BOOST_AUTO_TEST_SUITE_END()
