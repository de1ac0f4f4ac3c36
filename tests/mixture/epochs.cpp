#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/report_tables.hpp>
#include <midtrain/train/run_state.hpp>

namespace mt = midtrain;

namespace {

struct scratch_file {
    std::string path = (std::filesystem::temp_directory_path() / ("midtrain-epochs-" + std::to_string(::getpid()) + ".jsonl")).string();
    ~scratch_file() { std::filesystem::remove(path); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(epochs)

BOOST_AUTO_TEST_CASE(a_source_in_buckets_has_seen_what_its_bucket_saw_most) {
    mt::run_state s;
    s.sources = {"web", "code"};
    s.cursors = {{.epoch = 2}, {.epoch = 1}};
    BOOST_TEST((s.epochs(0) == 2 && s.epochs(1) == 1));
    s.buckets.resize(2);
    s.buckets[1].cursors = {{.epoch = 0}, {.epoch = 4}, {.epoch = 3}};
    BOOST_TEST((s.epochs(0) == 2 && s.epochs(1) == 4));
}
BOOST_AUTO_TEST_CASE(lines_and_tables_tell_of_passes) {
    scratch_file const        at;
    std::vector<std::string>  sources{"web", "code"};
    std::vector<double>       weights{.75, .25}, losses{2, 3};
    std::vector<std::int64_t> targets{6, 2}, drawn{6, 2}, passes{1, 17};
    mt::report                r;
    r.stage = "anneal", r.step = 1, r.at = {1, {8}, {16}, {8}}, r.loss = 2, r.seconds = 1;
    r.sources = sources, r.weights = weights, r.source_loss = losses, r.source_targets = targets, r.source_tokens = drawn;
    {
        mt::metrics_file file(at.path);
        file(r);  // a line as older versions wrote it
        BOOST_TEST(mt::page::sources_table(mt::read_metrics(at.path)).find("passes") == std::string::npos);
        r.step = 2, r.at = {2, {16}, {16}, {8}}, r.source_epochs = passes;
        file(r);
    }
    auto const all = mt::read_metrics(at.path);
    BOOST_REQUIRE(all.rows.size() == 2);
    BOOST_TEST(all.rows[0].source_epochs.empty());
    BOOST_TEST(all.rows[1].source_epochs == passes);
    auto const table = mt::page::sources_table(all);
    BOOST_TEST(table.find("Whole passes") != std::string::npos);
    BOOST_TEST(table.find("17") != std::string::npos);
    BOOST_TEST(table.find("17") > table.find("code"));
}

BOOST_AUTO_TEST_SUITE_END()
