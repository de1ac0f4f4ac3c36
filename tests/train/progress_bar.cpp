#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/train/progress_bar.hpp>

namespace mt = midtrain;

namespace {

/// What is written to a FILE*, kept in memory.
struct memory {
    char*       data = nullptr;
    std::size_t size = 0;
    std::FILE*  file = ::open_memstream(&data, &size);
    ~memory() {
        std::fclose(file);
        std::free(data);
    }
    std::string text() {
        std::fflush(file);
        return {data, size};
    }
};

std::size_t count(std::string const& s, std::string_view part) {
    std::size_t n = 0;
    for (auto at = s.find(part); at != std::string::npos; at = s.find(part, at + 1)) ++n;
    return n;
}

/// The text between a return to the line's start and its clearing, without colours.
std::vector<std::string> drawn(std::string const& s) {
    std::vector<std::string> all;
    for (auto at = s.find('\r'); at != std::string::npos; at = s.find('\r', at + 1)) {
        std::string line = s.substr(at + 1, s.find("\x1b[K", at) - at - 1);
        for (auto e = line.find('\x1b'); e != std::string::npos; e = line.find('\x1b')) line.erase(e, line.find('m', e) - e + 1);
        all.push_back(line);
    }
    return all;
}

/// Two stages of 100 steps of 4096 tokens, half a second each.
struct run {
    std::vector<std::string> sources{"web", "code", "maths"};
    std::vector<double>      weights{0.5, 0.3, 0.2}, losses{3, 1, 2};
    std::vector<std::int64_t> targets{2000, 1200, 800}, tokens{2048, 1228, 820};

    mt::report step(std::int64_t n) {
        mt::report r;
        r.stage = n > 100 ? "long" : "anneal", r.stage_number = n > 100 ? 2 : 1, r.stage_count = 2, r.step = n;
        auto const in = n > 100 ? n - 100 : n;
        r.at = {in, {4096 * in}, {409'600}, {4096}};
        r.loss = 2.34567, r.rate = 3e-4, r.gradient_norm = 1, r.seconds = 0.5, r.seconds_left = static_cast<double>(200 - n) / 2;
        r.sources = sources, r.weights = weights, r.source_loss = losses, r.source_targets = targets, r.source_tokens = tokens;
        return r;
    }
};

std::string shown(mt::progress_form form, int width, std::int64_t from, std::int64_t to, double apart) {
    memory m;
    {
        mt::progress_bar bar({.to = m.file, .form = form, .width = width});
        run              r;
        for (auto n = from; n <= to; ++n) bar.show(r.step(n), apart * static_cast<double>(n));
    }
    return m.text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(progress_bar)

BOOST_AUTO_TEST_CASE(a_terminal_shows_all_on_one_line) {
    ::unsetenv("NO_COLOR");
    auto const text = shown(mt::progress_form::terminal, 140, 1, 50, 1);
    BOOST_TEST(drawn(text).size() == 50u);
    BOOST_TEST(drawn(text).back() ==
               "1/2 anneal  [===========            ]   50%  step 50  loss 2.3457  rate 3.00e-04  8.19k tok/s  "
               "web 0.50, code 0.30, maths 0.20  1m 15s left");
    BOOST_TEST(text.find("\x1b[1m") != std::string::npos);
    BOOST_TEST(count(text, "\n") == 1u);  // when the bar goes
}
BOOST_AUTO_TEST_CASE(it_never_reaches_the_last_column) {
    for (int width = 1; width <= 200; ++width)
        for (auto const& line : drawn(shown(mt::progress_form::terminal, width, 30, 32, 1)))
            BOOST_TEST(line.size() <= static_cast<std::size_t>(std::max(1, width - 1)));
    BOOST_TEST(drawn(shown(mt::progress_form::terminal, 60, 50, 50, 1)).at(0) == "1/2 anneal  [======       ]   50%  loss 2.3457  1m 15s left");
    BOOST_TEST(drawn(shown(mt::progress_form::terminal, 8, 50, 50, 1)).at(0) == "1/2 ann");
}
BOOST_AUTO_TEST_CASE(it_redraws_at_most_ten_times_a_second) {
    auto const text = shown(mt::progress_form::terminal, 100, 1, 99, 0.01);
    BOOST_TEST(drawn(text).size() <= 11u);
    BOOST_TEST(drawn(text).size() >= 9u);
}
BOOST_AUTO_TEST_CASE(each_stage_leaves_its_last_line) {
    auto const text = shown(mt::progress_form::terminal, 100, 1, 200, 0.001);
    BOOST_TEST(count(text, "\n") == 2u);
    auto const lines = drawn(text);
    BOOST_TEST(lines.back().find("100%") != std::string::npos);
    BOOST_TEST(lines.back().ends_with("done"));
}
BOOST_AUTO_TEST_CASE(no_colour_when_asked) {
    ::setenv("NO_COLOR", "1", 1);
    auto const text = shown(mt::progress_form::terminal, 100, 1, 3, 1);
    ::unsetenv("NO_COLOR");
    BOOST_TEST(count(text, "\x1b[") == 3u);  // three clearings of the line
    BOOST_TEST(count(text, "\x1b[K") == 3u);
}
BOOST_AUTO_TEST_CASE(a_log_has_plain_lines_every_ten_seconds_and_at_the_ends_of_stages) {
    auto const text = shown(mt::progress_form::automatic, 0, 1, 200, 0.5);  // a file in memory is no terminal
    BOOST_TEST(text.find('\x1b') == std::string::npos);
    BOOST_TEST(text.find('\r') == std::string::npos);
    // A stage lasts 50 s: its first step, four after ten seconds each, its last.
    BOOST_TEST(count(text, "\n") == 12u);
    BOOST_TEST(text.starts_with("stage 1/2 anneal    1.0%  step 1  loss 2.3457  rate 3.00e-04  8.19k tokens/s  "
                                "web 0.50, code 0.30, maths 0.20  1m 40s left\n"));
    BOOST_TEST(count(text, "stage 2/2 long") == 6u);
}
BOOST_AUTO_TEST_CASE(durations_and_counts_read_well) {
    BOOST_TEST(mt::written_duration(0.4) == "0s");
    BOOST_TEST(mt::written_duration(59.6) == "1m 00s");
    BOOST_TEST(mt::written_duration(3 * 3600 + 5 * 60) == "3h 05m");
    BOOST_TEST(mt::written_duration(2.3 * 86400) == "2d 07h");
    BOOST_TEST(mt::written_count(0) == "0");
    BOOST_TEST(mt::written_count(999.7) == "1.00k");
    BOOST_TEST(mt::written_count(12'345) == "12.3k");
    BOOST_TEST(mt::written_count(999'600) == "1.00M");
}

BOOST_AUTO_TEST_SUITE_END()
