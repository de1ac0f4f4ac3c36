#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>
#include <midtrain/train/metrics_file.hpp>

namespace mt = midtrain;

namespace {

/// A folder that goes with the test.
struct folder {
    std::string name = (std::filesystem::temp_directory_path() / ("midtrain-metrics-" + std::to_string(::getpid()))).string();
    folder() { std::filesystem::create_directories(name); }
    ~folder() { std::filesystem::remove_all(name); }
    std::string file() const { return name + "/metrics.jsonl"; }
    std::string text() const {
        std::ifstream in(file());
        return {std::istreambuf_iterator<char>(in), {}};
    }
};

/// Two stages of five steps of 100 and 200 tokens; the second source has no target in every third step.
struct run {
    std::vector<std::string>  sources{"web", "a \"b\""};
    std::vector<double>       weights, losses;
    std::vector<std::int64_t> targets, drawn;

    mt::report step(std::int64_t n) {
        bool const second = n > 5;
        auto const in     = second ? n - 5 : n;
        weights           = {0.75 - 0.01 * static_cast<double>(n), 0.25 + 0.01 * static_cast<double>(n)};
        losses            = {3.0 / static_cast<double>(n), n % 3 == 0 ? 0.0 : 0.1};
        targets           = {80, n % 3 == 0 ? 0 : 19};
        drawn             = {80 * in, 20 * in};
        mt::report r;
        r.stage = second ? "long" : "anneal", r.stage_number = second ? 2 : 1, r.stage_count = 2, r.step = n;
        std::int64_t const batch = second ? 200 : 100;
        r.at = {in, {in * batch}, {5 * batch}, {batch}};
        r.loss = 2.5 / static_cast<double>(n), r.rate = 1e-3 * static_cast<double>(n), r.gradient_norm = 0.7, r.seconds = 0.5;
        r.sources = sources, r.weights = weights, r.source_loss = losses, r.source_targets = targets, r.source_tokens = drawn;
        return r;
    }
};

void write(std::string const& path, std::int64_t from, std::int64_t to) {
    mt::metrics_file file(path, from);
    run              r;
    for (auto n = from + 1; n <= to; ++n) file(r.step(n));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_file)

BOOST_AUTO_TEST_CASE(what_is_written_reads_back) {
    folder const f;
    write(f.file(), 0, 10);
    auto const got = mt::read_metrics(f.file());
    run        expected;
    BOOST_TEST(got.sources == expected.sources);  // in the recipe's order
    BOOST_TEST_REQUIRE(got.rows.size() == 10u);
    for (std::size_t i = 0; i < 10; ++i) {
        auto const& row = got.rows[i];
        auto const  r   = expected.step(static_cast<std::int64_t>(i) + 1);
        BOOST_TEST(row.step == r.step);
        BOOST_TEST(row.stage == r.stage);
        BOOST_TEST(row.stage_number == r.stage_number);
        BOOST_TEST(row.stage_tokens == r.at.seen.count);
        BOOST_TEST(row.tokens == (i < 5 ? r.at.seen.count : 500 + r.at.seen.count));
        BOOST_TEST(row.loss == r.loss);
        BOOST_TEST(row.rate == r.rate);
        BOOST_TEST(row.gradient_norm == r.gradient_norm);
        BOOST_TEST(row.seconds == r.seconds);
        BOOST_TEST(row.tokens_per_second == r.tokens_per_second());
        BOOST_TEST(row.weights == expected.weights);
        BOOST_TEST(row.losses[0] == expected.losses[0]);
        if (r.step % 3 == 0) BOOST_TEST(std::isnan(row.losses[1]));
        else BOOST_TEST(row.losses[1] == 0.1);
        BOOST_TEST(row.targets == expected.targets);
        BOOST_TEST(row.source_tokens == expected.drawn);
    }
}
BOOST_AUTO_TEST_CASE(a_killed_run_that_goes_on_leaves_the_file_of_one_that_was_not_killed) {
    folder const f;
    write(f.file(), 0, 10);
    auto const whole = f.text();
    for (std::int64_t saved : {0, 3, 5, 7, 10})
        for (std::int64_t reached : {saved, std::int64_t{8}, std::int64_t{10}}) {
            if (reached < saved) continue;
            std::filesystem::remove(f.file());
            write(f.file(), 0, reached);
            std::ofstream(f.file(), std::ios::app) << "{\"step\":" << reached + 1 << ",\"sta";  // the kill came here
            write(f.file(), saved, 10);
            BOOST_TEST(f.text() == whole);
        }
}
BOOST_AUTO_TEST_CASE(a_run_that_goes_on_without_its_file_begins_another) {
    folder const f;
    write(f.file(), 3, 10);
    BOOST_TEST(mt::read_metrics(f.file()).rows.size() == 7u);
    std::ofstream(f.file(), std::ios::trunc).flush();
    write(f.file(), 3, 10);
    BOOST_TEST(mt::read_metrics(f.file()).rows.size() == 7u);
}
BOOST_AUTO_TEST_CASE(each_step_can_be_read_at_once) {
    folder const     f;
    mt::metrics_file file(f.file());
    run              r;
    file(r.step(1));
    BOOST_TEST(mt::read_metrics(f.file()).rows.size() == 1u);
    file(r.step(2));
    BOOST_TEST(mt::read_metrics(f.file()).rows.size() == 2u);
}
BOOST_AUTO_TEST_CASE(half_a_last_line_is_passed_over_and_a_broken_line_named) {
    folder const f;
    write(f.file(), 0, 4);
    auto const whole = f.text();
    auto const put   = [&](std::string const& text) { std::ofstream(f.file(), std::ios::trunc) << text; };
    for (std::size_t cut : {1u, 5u, 60u}) {
        put(whole.substr(0, whole.size() - cut));
        BOOST_TEST(mt::read_metrics(f.file()).rows.size() == 3u);
    }
    put(whole.substr(0, whole.size() - 60) + "\n");
    BOOST_TEST(mt::read_metrics(f.file()).rows.size() == 3u);
    auto broken = whole;
    broken.replace(broken.find("\n") + 1, 7, "{\"stop\"");
    put(broken);
    BOOST_CHECK_EXCEPTION(mt::read_metrics(f.file()), mt::error, [](mt::error const& e) {
        return std::string(e.what()).find("metrics.jsonl, line 2: 'step' is missing") != std::string::npos;
    });
    BOOST_CHECK_THROW(mt::metrics_file(f.name + "/none/metrics.jsonl"), mt::error);
}
BOOST_AUTO_TEST_CASE(a_loss_that_is_no_number_is_null) {
    folder const f;
    {
        mt::metrics_file file(f.file());
        run              r;
        auto             one = r.step(1);
        one.gradient_norm    = std::nan("");
        file(one);
    }
    BOOST_TEST(f.text().find("\"gradient_norm\":null") != std::string::npos);
    BOOST_TEST(std::isnan(mt::read_metrics(f.file()).rows.at(0).gradient_norm));
}
BOOST_AUTO_TEST_CASE(events_phases_and_the_beginning_are_kept) {
    folder const f;
    auto const   settings = "anneal.rate.peak=0.003\nseed=1\n";
    auto const   steps    = [&](mt::metrics_file& file, std::int64_t from, std::int64_t to) {
        run r;
        for (auto n = from + 1; n <= to; ++n) {
            auto one   = r.step(n);
            one.phases = {.data = 0.01, .compute = 0.4, .update = 0.05, .checkpoint = 0, .evaluation = 0.04};
            if (n == 4) one.fault = "skipped", one.fault_text = "a batch with a loss of \"9\"";
            file(one);
        }
    };
    {
        mt::metrics_file file(f.file());
        file.began(settings, "other/step-00000042");
        steps(file, 0, 8);
    }
    auto const whole = f.text();
    {
        mt::metrics_file file(f.file(), 3);
        file.began(settings, "other/step-00000042");  // as before: says nothing
        steps(file, 3, 8);
    }
    BOOST_TEST(f.text() == whole);
    auto const m = mt::read_metrics(f.file());
    BOOST_TEST(m.rows.size() == 8u);
    BOOST_TEST(m.rows[7].phases.compute == 0.4);
    BOOST_TEST(m.rows[7].phases.sum() == 0.5);
    BOOST_TEST_REQUIRE(m.events.size() == 1u);
    BOOST_TEST(m.events[0].what == "skipped");
    BOOST_TEST(m.events[0].text == "a batch with a loss of \"9\"");
    BOOST_TEST(m.began.parent == "other/step-00000042");
    BOOST_TEST_REQUIRE(m.began.settings.size() == 2u);
    BOOST_TEST(m.began.settings[0].second == "0.003");
    mt::metrics_file(f.file(), 8).began("seed=2\n");
    BOOST_TEST(mt::read_metrics(f.file()).began.settings[0].second == "2");
    BOOST_TEST(f.text().find("\"step\":8,\"tokens\":1100,\"text\":\"\",\"settings\":[[\"seed\",\"2\"]]") != std::string::npos);
}
BOOST_AUTO_TEST_CASE(a_rewound_run_takes_its_steps_back_and_says_why) {
    folder const f;
    run          r;
    {
        mt::metrics_file file(f.file());
        for (std::int64_t n = 1; n <= 8; ++n) file(r.step(n));
        file.note({"saved", 8, 1100, "step-00000008"});
        auto back  = r.step(6);
        back.fault = "rewound", back.fault_text = "loss 9 at step 8";
        file(back);
        for (std::int64_t n = 7; n <= 10; ++n) file(r.step(n));
    }
    auto const m = mt::read_metrics(f.file());
    BOOST_TEST_REQUIRE(m.rows.size() == 10u);
    for (std::size_t i = 0; i < 10; ++i) BOOST_TEST(m.rows[i].step == static_cast<std::int64_t>(i) + 1);
    BOOST_TEST(m.rows[9].tokens == 1500);
    BOOST_TEST_REQUIRE(m.events.size() == 1u);
    BOOST_TEST(m.events[0].what == "rewound");
    BOOST_TEST(m.events[0].step == 6);
    BOOST_TEST(m.events[0].tokens == 700);
    BOOST_TEST(m.events[0].text == "loss 9 at step 8");
}

BOOST_AUTO_TEST_SUITE_END()
