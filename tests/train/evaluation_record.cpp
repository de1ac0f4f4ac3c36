#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <midtrain/train/evaluation_record.hpp>

namespace mt = midtrain;

namespace {

struct folder {
    std::string name = (std::filesystem::temp_directory_path() / ("midtrain-evaluations-" + std::to_string(::getpid()))).string();
    folder() { std::filesystem::create_directories(name); }
    ~folder() { std::filesystem::remove_all(name); }
    std::string file() const { return name + "/evaluations.jsonl"; }
    std::string text() const {
        std::ifstream in(file());
        return {std::istreambuf_iterator<char>(in), {}};
    }
};

mt::evaluation_record at_step(std::int64_t step) {
    mt::evaluation_record e;
    e.step = step, e.tokens = 100 * step;
    e.held_out  = {{"web", {2.5, 2.25, 2.75}}, {"a \"b\"", {1, .5, 1.5}, {.75, .5, 1}}};
    e.positions = {{"web", {{0, 0, 9.5, 4}, {1, 3, std::nan(""), 0}}}};
    e.choice    = {{"arc", 60, {.25, .125, .5}, {.5, .25, .75}}};
    e.needle    = {{"needle", 1024, 0.5, 0.875, 8}};
    e.rank      = {{0, 12.5, 2.25, 512}, {1, 30.5, 3.5, 512}};
    return e;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evaluation_record)

BOOST_AUTO_TEST_CASE(what_is_written_reads_back) {
    folder const f;
    {
        mt::evaluation_file file(f.file());
        file(at_step(10)), file(at_step(20));
    }
    auto const all = mt::read_evaluations(f.file());
    BOOST_TEST_REQUIRE(all.size() == 2u);
    auto const& e = all[1];
    BOOST_TEST(e.step == 20);
    BOOST_TEST(e.tokens == 2000);
    BOOST_TEST_REQUIRE(e.held_out.size() == 2u);
    BOOST_TEST(e.held_out[0].loss.low == 2.25);
    BOOST_TEST(std::isnan(e.held_out[0].bits_per_byte.value));
    BOOST_TEST(e.held_out[1].source == "a \"b\"");
    BOOST_TEST(e.held_out[1].bits_per_byte.high == 1);
    BOOST_TEST_REQUIRE(e.positions.at(0).loss.size() == 2u);
    BOOST_TEST(e.positions[0].loss[1].last == 3);
    BOOST_TEST(std::isnan(e.positions[0].loss[1].loss));
    BOOST_TEST(e.choice.at(0).items == 60);
    BOOST_TEST(e.choice[0].accuracy_norm.value == .5);
    BOOST_TEST(e.needle.at(0).length == 1024);
    BOOST_TEST(e.needle[0].score == .875);
    BOOST_TEST_REQUIRE(e.rank.size() == 2u);
    BOOST_TEST((e.rank[1].layer == 1 && e.rank[1].effective_rank == 30.5 && e.rank[1].entropy == 3.5 && e.rank[1].tokens == 512));
}
BOOST_AUTO_TEST_CASE(a_run_that_goes_on_cuts_what_lies_beyond) {
    folder const f;
    {
        mt::evaluation_file file(f.file());
        file(at_step(10)), file(at_step(20));
    }
    auto const whole = f.text();
    std::ofstream(f.file(), std::ios::app) << "{\"step\":30,\"tok";
    for (std::int64_t resumed : {25, 20}) {
        mt::evaluation_file(f.file(), resumed);
        BOOST_TEST(f.text() == whole);
    }
    mt::evaluation_file(f.file(), 19)(at_step(20));
    BOOST_TEST(f.text() == whole);
    mt::evaluation_file(f.file(), 0);
    BOOST_TEST(f.text().empty());
    BOOST_TEST(mt::read_evaluations(f.file()).empty());
}
BOOST_AUTO_TEST_CASE(a_rewound_run_says_the_last_word) {
    folder const f;
    {
        mt::evaluation_file file(f.file());
        for (std::int64_t step : {10, 20, 30}) file(at_step(step));
        auto again = at_step(20);
        again.held_out[0].loss.value = 7;
        file(again), file(again);
    }
    auto const all = mt::read_evaluations(f.file());
    BOOST_TEST_REQUIRE(all.size() == 2u);
    BOOST_TEST(all[1].step == 20);
    BOOST_TEST(all[1].held_out.size() == 2u);
    BOOST_TEST(all[1].held_out[0].loss.value == 7);
}
BOOST_AUTO_TEST_CASE(what_is_wrong_is_named) {
    folder const f;
    auto const   says = [&](std::string const& line) {
        std::ofstream(f.file(), std::ios::trunc) << line << "\n" << mt::written_lines(at_step(1));
        try {
            mt::read_evaluations(f.file());
        } catch (mt::error const& e) {
            return std::string(e.what()).substr(f.file().size());
        }
        return std::string();
    };
    BOOST_TEST(says(R"({"step":1,"tokens":5,"kind":"taste","values":[{}]})") ==
               ", line 1: kind 'taste' is none of held_out, positions, choice, needle, rank");
    BOOST_TEST(says(R"({"step":1,"tokens":5,"kind":"held_out","values":[{"source":"w","loss":[1,2]}]})") == ", line 1: 'loss' is not [value, low, high]");
    BOOST_TEST(says(R"({"tokens":5})") == ", line 1: 'step' is missing");
    BOOST_TEST(says(R"({"step":"x"})") == ", line 1: 'step' is no number");
    BOOST_CHECK_THROW(mt::read_evaluations(f.name + "/none"), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
