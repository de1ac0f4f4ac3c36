#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <midtrain/core/error.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/evaluation_results.hpp>

namespace mt = midtrain;

namespace {

mt::evaluation_results some(double shift) {
    mt::evaluation_results r{.model = "model \"x\"", .held_out = {}, .choices = {}, .needles = {}, .texts = {{"p\n", "t"}}};
    r.held_out.sources.push_back({"web", {{10 + shift, 5, 20}, {21 + shift, 9, 31}}, {{0, 0, 2.5, 2}}});
    r.choices.emplace_back("arc", mt::choice_result{{{{-1, -2}, {3, 4}, shift > 0 ? 0u : 1u, false}, {{-1, -2}, {3, 4}, 1, false}}});
    r.needles.push_back({"needle", 512, 0.5, 3, shift, 0.5, -2, std::nan("")});
    return r;
}
/// What a function prints.
template <class F>
std::string printed(F const& f) {
    std::FILE* const to = std::tmpfile();
    f(to);
    std::string s(static_cast<std::size_t>(std::ftell(to)), '\0');
    std::rewind(to);
    BOOST_TEST(std::fread(s.data(), 1, s.size(), to) == s.size());
    std::fclose(to);
    return s;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evaluation_results)

BOOST_AUTO_TEST_CASE(a_file_gives_back_what_was_written) {
    auto const path = (std::filesystem::temp_directory_path() / "midtrain_evaluation_results.json").string();
    auto const r    = some(0);
    mt::write_results(path, r);
    auto const read = mt::read_results(path);
    BOOST_TEST(read.model == r.model);
    BOOST_TEST((read.held_out == r.held_out));
    BOOST_TEST_REQUIRE(read.choices.size() == 1u);
    BOOST_TEST(read.choices[0].first == "arc");
    BOOST_TEST((read.choices[0].second.items == r.choices[0].second.items));
    BOOST_TEST(read.needles.at(0).length == 512);
    BOOST_TEST(read.texts.at(0).prompt == "p\n");
    mt::io::write_whole(path, R"({"model": "x", "held_out": {}})");
    BOOST_CHECK_EXCEPTION(mt::read_results(path), mt::error,
                          [&](mt::error const& e) { return e.what() == path + ": 'held_out' is missing or of another type"; });
    std::filesystem::remove(path);
}
BOOST_AUTO_TEST_CASE(changes_are_printed_with_their_intervals) {
    auto const text = printed([](std::FILE* to) { mt::print_changes(some(0), some(1), to); });
    BOOST_TEST(text.find("web") != text.npos);
    BOOST_TEST(text.find("+0.1429 [ +0.1111,  +0.2000]*") != text.npos);  // 2 nats over 14 targets; one document alone 1/9 or 1/5
    BOOST_TEST(text.find("+0.5000") != text.npos);                         // one of two items more
    BOOST_TEST(text.find("+1.000 exact") != text.npos);
    auto const all = printed([](std::FILE* to) { mt::print(some(0), to); });
    BOOST_TEST(all.find("\"p\\n\"") != all.npos);
    BOOST_TEST(all.find("arc") != all.npos);
}

BOOST_AUTO_TEST_SUITE_END()
