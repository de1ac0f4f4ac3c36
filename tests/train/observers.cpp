#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/progress_bar.hpp>
#include <midtrain/train/recipe.hpp>
#include <midtrain/train/run_chart.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/small_models.hpp>
#include <support/xml.hpp>

namespace mt = midtrain;

namespace {

struct counting_documents {
    int                       stride;
    std::size_t               documents() const { return 20; }
    std::vector<std::int32_t> document(std::int64_t d) const {
        std::vector<std::int32_t> v;
        for (int i = 0; i < 25; ++i) v.push_back(static_cast<std::int32_t>((7 * d + stride * i) % 90));
        return v;
    }
};

template <class T>
struct sources {
    T slow, fast;
};

/// Six steps of 4 sequences, then four of 2: the shorter batch comes second.
auto recipe() {
    return mt::checked([] {
        return mt::recipe{.optimizer = mt::adamw{},
                          .stages    = mt::stages{mt::stage{.name     = "first",
                                                            .budget   = mt::tokens{6 * 4 * 32},
                                                            .mixture  = mt::fixed_mixture<sources>{.share = {.slow = 1, .fast = 0}},
                                                            .rate     = mt::linear{.from = 3e-3, .to = 1e-3},
                                                            .batch    = {.sequences = 4, .length = 32},
                                                            .position = mt::rope{.base = 1e4, .length = 64}},
                                                  mt::stage{.name     = "second",
                                                            .budget   = mt::tokens{4 * 2 * 64},
                                                            .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                                            .rate     = mt::linear{.from = 1e-3, .to = 0},
                                                            .batch    = {.sequences = 2, .length = 64},
                                                            .position = mt::rope{.base = 1e4, .length = 64}}}};
    }, test::small_shape{});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(observers)

BOOST_AUTO_TEST_CASE(a_trainer_tells_them_all_they_show) {
    auto const folder = std::filesystem::temp_directory_path() / ("midtrain-observers-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    char*       shown = nullptr;
    std::size_t size  = 0;
    auto const  to    = ::open_memstream(&shown, &size);
    mt::host    device(2);
    mt::self    ranks;
    mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::fp32> model(device, {});
    model.initialise(1);
    mt::trainer trainer(ranks, model, recipe());
    {
        mt::progress_bar bar({.to = to});
        mt::metrics_file lines((folder / "metrics.jsonl").string(), trainer.state().step);
        trainer.run(sources<counting_documents>{.slow{1}, .fast{3}}, bar, lines);
    }
    std::fclose(to);
    auto const all = mt::read_metrics((folder / "metrics.jsonl").string());
    BOOST_TEST((all.sources == std::vector<std::string>{"slow", "fast"}));
    BOOST_TEST_REQUIRE(all.rows.size() == 10u);
    auto const& record = trainer.state().record;
    for (std::size_t i = 0; i < 10; ++i) {
        BOOST_TEST(all.rows[i].step == static_cast<std::int64_t>(i) + 1);
        BOOST_TEST(all.rows[i].loss == record[3 * i]);
        BOOST_TEST(all.rows[i].losses[0] == record[3 * i + 1]);
        if (i < 6) BOOST_TEST(std::isnan(all.rows[i].losses[1]));
        else BOOST_TEST(all.rows[i].losses[1] == record[3 * i + 2]);
        BOOST_TEST(all.rows[i].seconds > 0);
    }
    BOOST_TEST(all.rows.back().tokens == trainer.state().tokens);
    BOOST_TEST(test::count(shown, "\n") == 4u);  // first and last step of two stages
    BOOST_TEST(std::string(shown).ends_with("done\n"));
    BOOST_TEST(test::xml_fault(mt::draw_run_chart(all)) == "");
    std::free(shown);
    std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_SUITE_END()
