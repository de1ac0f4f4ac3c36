// Each optimizer that a file may name, under the trainer: it resumes bit for bit, the plan counts its memory, the rules refuse its numbers.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/any_optimizer.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/read_fields.hpp>
#include <midtrain/train/trainer.hpp>
#include <midtrain/train/written_fields.hpp>
#include <support/striding_store.hpp>

namespace mt = midtrain;

namespace optimizers_under_test {

using store = test::striding_store;
template <class T>
struct sources {
    T text;
};
using shape = test::ending_shape;

auto recipe_with(mt::any_optimizer o, double clip_block = 0) {
    return mt::judged(mt::recipe{.optimizer = o,
                                 .stages    = mt::stages{mt::stage{.name     = "one",
                                                                   .budget   = mt::tokens{6 * 64},
                                                                   .mixture  = mt::fixed_mixture<sources>{.share = {.text = 1}},
                                                                   .rate     = mt::constant{.peak = 3e-3},
                                                                   .batch    = {.sequences = 2, .length = 32},
                                                                   .position = mt::rope{.base = 1e4, .length = 64}}},
                                 .clip = 0, .clip_block = clip_block},
                      shape{});
}

struct stop {};

/// Weights after six steps; with a folder, of a run that dies after its third and is begun again.
template <class Precision>
std::vector<float> trained(mt::any_optimizer o, std::string const& folder = "", double clip_block = 0) {
    auto const once = [&](std::int64_t last) {
        mt::host                                                      device{1};
        mt::self                                                      ranks;
        mt::trainable<mt::host, mt::model::llama, shape, Precision> model{device, {}};
        sources<store>                                                corpus{store(3, 40, 29)};
        model.initialise(1);
        mt::checkpoints::options how;
        how.folder = folder, how.every_steps = folder.empty() ? 0 : 1;
        mt::trainer t(ranks, model, recipe_with(o, clip_block), mt::checkpoints(how));
        try {
            t.run(corpus, [&](mt::report const& r) {
                if (r.step == last) throw stop{};
            });
        } catch (stop) {
        }
        return std::vector<float>(model.master().begin(), model.master().end());
    };
    if (!folder.empty()) once(4);
    return once(-1);
}

mt::any_optimizer of(std::string const& kind) {
    mt::any_optimizer o;
    BOOST_REQUIRE(o.choose(kind));
    return o;
}
std::string refusal(auto const& make) {
    try {
        make();
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}

}  // namespace optimizers_under_test

using namespace optimizers_under_test;

BOOST_AUTO_TEST_SUITE(optimizers_of_runs)

BOOST_AUTO_TEST_CASE(each_resumes_bit_for_bit) {
    for (auto const kind : mt::any_optimizer::names) {
        auto const folder = std::filesystem::temp_directory_path() / ("midtrain_optimizer_" + std::string(kind));
        std::filesystem::remove_all(folder);
        auto const whole = trained<mt::fp32>(of(std::string(kind))), resumed = trained<mt::fp32>(of(std::string(kind)), folder.string());
        BOOST_TEST((whole == resumed), kind);
        std::filesystem::remove_all(folder);
    }
}
BOOST_AUTO_TEST_CASE(the_memory_of_another_is_refused) {
    auto const folder = std::filesystem::temp_directory_path() / "midtrain_optimizer_other";
    std::filesystem::remove_all(folder);
    trained<mt::fp32>(of("lion"), folder.string());
    auto const begun = [&](bool slots, bool fork) {
        return refusal([&] {
            mt::host                                                    device{1};
            mt::self                                                    ranks;
            mt::trainable<mt::host, mt::model::llama, shape, mt::fp32> model{device, {}};
            mt::checkpoints::options                                    how;
            if (fork) how.fork_from = folder.string(), how.fork.slots = slots, how.folder = folder.string() + "/fork";
            else how.folder = folder.string(), how.accept_changes = true;
            mt::trainer const t(ranks, model, recipe_with(of("sgd")), mt::checkpoints(how));  // as many slots as Lion
        });
    };
    auto const said = "holds the memory of another optimizer: optimizer.kind there lion, here sgd; ";
    BOOST_TEST(begun(true, false).find(said + std::string("fork from it with slots = false")) != std::string::npos);
    BOOST_TEST(begun(true, true).find(said + std::string("say fork.slots = false")) != std::string::npos);
    BOOST_TEST(begun(false, true) == "");
    std::filesystem::remove_all(folder);
}
BOOST_AUTO_TEST_CASE(weights_rounded_by_chance_resume_bit_for_bit) {
    auto const folder = std::filesystem::temp_directory_path() / "midtrain_optimizer_by_chance";
    for (auto const kind : mt::any_optimizer::names) {
        std::filesystem::remove_all(folder);
        auto const o = of(std::string(kind));
        BOOST_TEST((trained<mt::bf16_by_chance>(o) == trained<mt::bf16_by_chance>(o, folder.string())), kind);
    }
    std::filesystem::remove_all(folder);
}
BOOST_AUTO_TEST_CASE(one_of_a_file_is_that_of_a_program) {
    mt::host                                                    device{1};
    mt::trainable<mt::host, mt::model::llama, shape, mt::fp32> model{device, {}};
    auto const plain = [&](auto o) { return model.memory_of(o).slots; };
    BOOST_TEST(plain(of("adamw")) == plain(mt::adamw{}));
    BOOST_TEST(plain(of("muon")) == plain(mt::muon{}));
    BOOST_TEST(plain(of("adafactor")) < plain(mt::sgd{}) / 10);
    BOOST_TEST(model.memory_of(of("muon")).work > 0);
    BOOST_TEST(model.memory_of(of("lion")).work == 0);
}
BOOST_AUTO_TEST_CASE(the_plan_counts_its_memory) {
    mt::host                                                    device{1};
    mt::self                                                    ranks;
    mt::trainable<mt::host, mt::model::llama, shape, mt::fp32> model{device, {}};
    sources<store>                                              corpus{store(3, 40, 29)};
    mt::trainer const                                           t(ranks, model, recipe_with(of("muon")));
    auto const                                                  plan = t.plan(corpus);
    BOOST_TEST(plan.slots == 4 * model.slots().size());
    BOOST_TEST(plan.work == model.memory_of(of("muon")).work);
    BOOST_TEST(plan.memory() == plan.weights + plan.gradients + plan.slots + plan.work + plan.activations);
    BOOST_TEST(mt::written_memory(plan).find(", work of the optimizer ") != std::string::npos);
}
BOOST_AUTO_TEST_CASE(blocks_are_clipped_where_asked) {
    auto const whole = trained<mt::fp32>(of("sgd")), clipped = trained<mt::fp32>(of("sgd"), "", 1e-3);
    auto const never = trained<mt::fp32>(of("sgd"), "", 1e6);
    BOOST_TEST((whole != clipped));
    BOOST_TEST((whole == never));
    BOOST_TEST(refusal([] { recipe_with(of("sgd"), -1); }) == "recipe: clip_block is not negative");
}
BOOST_AUTO_TEST_CASE(numbers_that_cannot_be_are_refused) {
    auto const wrong = [](mt::any_optimizer o) {
        return refusal([&] { recipe_with(o); }).starts_with("recipe: a number of the optimizer cannot be");
    };
    BOOST_TEST(wrong(mt::muon{.steps = 0}));
    BOOST_TEST(wrong(mt::muon{.rest = {.beta2 = 1}}));
    BOOST_TEST(wrong(mt::adafactor{.clip = 0}));
    BOOST_TEST(wrong(mt::rmsprop{.epsilon = 0, .epsilon_in_square = 0}));
    BOOST_TEST(wrong(mt::lion{.beta1 = -0.1}));
    BOOST_TEST(wrong(mt::careful<mt::adamw>{.of = {.epsilon = -1}}));
    BOOST_TEST(wrong(mt::careful<mt::lion>{.clip = -1}));
    for (auto const kind : mt::any_optimizer::names) BOOST_TEST(!wrong(of(std::string(kind))));
}
BOOST_AUTO_TEST_CASE(a_file_that_names_no_kind_means_adamw) {
    auto const read = [](std::string const& text) {
        mt::any_optimizer o = mt::sgd{};
        mt::read_fields(mt::io::parse_json(text, "run"), "run", o);
        return o;
    };
    BOOST_TEST(read(R"({"beta2": 0.9})").kind() == "adamw");
    auto const o = read(R"({"kind": "muon", "scale": "spectral", "rest": {"decay": 0.5}})");
    BOOST_TEST(o.kind() == "muon");
    o.visit([](auto const& one) {
        if constexpr (std::is_same_v<decltype(one), mt::muon const&>)
            BOOST_TEST((one.scale == mt::muon_scale::spectral && one.rest.decay == 0.5));
    });
    BOOST_TEST(mt::written_fields(o).find("rest")->find("decay") != nullptr);
    BOOST_TEST(read(R"("lion")").kind() == "lion");
}

BOOST_AUTO_TEST_SUITE_END()
