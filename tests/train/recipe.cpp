#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/then.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/train/recipe.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace recipe_under_test {

template <class T>
struct sources {
    T web, maths;
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{
        .optimizer = mt::adamw{.decay = 0.05},
        .stages    = mt::stages{mt::stage{.name     = "anneal",
                                          .budget   = 1_Mtok,
                                          .mixture  = mt::annealed_mixture<sources>{.from = {.web = .8, .maths = .2}, .to = {.web = .4, .maths = .6}},
                                          .rate     = mt::wsd{.peak = 3e-4, .decay = 300_ktok, .warmup = 100_ktok},
                                          .batch    = {.sequences = 7, .length = 64},
                                          .position = mt::rope{.base = 1e4, .length = 64}},
                                mt::stage{.name     = "long",
                                          .budget   = 50_ktok,
                                          .mixture  = mt::fixed_mixture<sources>{.share = {.web = .5, .maths = .5}},
                                          .rate     = mt::linear{.from = 3e-5, .to = 0},
                                          .batch    = {.sequences = 2, .length = 256},
                                          .position = mt::yarn{.base = 1e4, .trained = 64, .extended = 256}}}};
}, test::small_shape{});

mt::settings set(std::string const& assignment) {
    mt::settings s;
    s.set(assignment);
    return s;
}
/// The sentence with which the settings are refused; empty when they are not.
std::string refusal(std::string const& assignment) {
    try {
        (void)recipe.with(set(assignment));
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}

}  // namespace recipe_under_test

using namespace recipe_under_test;

BOOST_AUTO_TEST_SUITE(recipes)

BOOST_AUTO_TEST_CASE(a_budget_is_cut_to_whole_steps) {
    auto const& first = std::get<0>(recipe->stages.all);
    static_assert(std::get<0>(recipe->stages.all).steps() == 1'000'000 / (7 * 64));
    BOOST_TEST(first.at(0).budget.count == first.steps() * 7 * 64);
    BOOST_TEST(first.at(first.steps()).left().count == 0);
}
BOOST_AUTO_TEST_CASE(a_setting_changes_one_number) {
    auto const text = mt::written_settings(*recipe);
    for (auto const& [assignment, line] : {std::pair<std::string, std::string>{"anneal.rate.peak=2e-4", "anneal.rate.peak=2e-04"},
                                           {"long.budget=1.5M", "long.budget=1500000"},
                                           {"long.budget=20_ktok", "long.budget=20000"},
                                           {"optimizer.beta2=0.99", "optimizer.beta2=0.99"},
                                           {"seed=7", "seed=7"},
                                           {"long.batch.micro=2", "long.batch.micro=2"},
                                           {"long.position.base=20000", "long.position.base=20000"}}) {
        auto const changed = mt::written_settings(*recipe.with(set(assignment)));
        BOOST_TEST(changed.find(line + "\n") != std::string::npos, assignment);
        BOOST_TEST(text.find(line + "\n") == std::string::npos, assignment);
    }
}
// The same sentences that the compiler says in tests/refuse.
BOOST_AUTO_TEST_CASE(the_same_rules_judge_settings) {
    for (auto const& [assignment, part] : {std::pair<std::string, std::string>{"long.mixture.share.web=.6", "stage 'long': the weights of the mixture do not sum to one"},
                                           {"anneal.mixture.to.web=-1", "stage 'anneal': a weight of the mixture is negative"},
                                           {"anneal.rate.decay=950_ktok", "stage 'anneal': the parts of the rate"},
                                           {"anneal.rate.peak=-1", "stage 'anneal': the rate is negative"},
                                           {"long.rate.from=0", "stage 'long': the rate is zero all along"},
                                           {"long.batch.length=257", "stage 'long': the sequences are longer than the positions reach"},
                                           {"long.batch.sequences=0", "stage 'long': a batch has at least one sequence"},
                                           {"long.batch.micro=3", "stage 'long': batch.micro is between 1 and batch.sequences"},
                                           {"long.budget=100", "stage 'long': the budget is smaller than one batch"},
                                           {"clip=-1", "recipe: clip is not negative"},
                                           {"z_loss=-1", "recipe: z_loss is negative, infinite or not a number"}})
        BOOST_TEST(refusal(assignment).starts_with(part), assignment << " -> " << refusal(assignment));
}
BOOST_AUTO_TEST_CASE(a_wrong_key_or_value_is_named) {
    BOOST_TEST(refusal("anneal.rate.pek=1") == "--set anneal.rate.pek: the recipe has no such setting; it has anneal.rate.peak, anneal.rate.decay, anneal.rate.warmup, anneal.rate.floor, anneal.rate.from, anneal.rate.start");
    BOOST_TEST(refusal("long.budget=many").starts_with("--set long.budget=many: 'many' is no value for it; it is now 50000"));
    BOOST_TEST(refusal("seed=-1").starts_with("--set seed=-1: '-1' is no value for it"));
    BOOST_CHECK_THROW(set("anneal.rate.peak"), mt::error);
    char const* unknown[] = {"program", "--sett", "a=1"};
    BOOST_CHECK_THROW(mt::settings(3, unknown), mt::error);
    char const* missing[] = {"program", "--set"};
    BOOST_CHECK_THROW(mt::settings(2, missing), mt::error);
    char const* own[] = {"program", "--minutes", "3", "--dry-run", "--minutes", "4"};
    mt::settings const s(6, own, {"--minutes"});
    BOOST_TEST(s.value("--minutes", "10") == "4");
    BOOST_TEST(s.dry_run());
}
BOOST_AUTO_TEST_CASE(then_is_transformers_cosine_with_warm_up) {
    constexpr mt::then schedule{.first = mt::linear{.from = 0, .to = 10}, .until = mt::tokens{2}, .second = mt::cosine{.from = 10, .to = 0}};
    static_assert(schedule.fits(mt::tokens{10}) && !schedule.fits(mt::tokens{1}));
    double const want[] = {0, 5, 10, 9.61, 8.53, 6.91, 5, 3.08, 1.46, .38};  // two digits, cut off, in its test_optimization.py
    for (int s = 0; s < 10; ++s) BOOST_TEST(std::abs(schedule.rate({s, {s}, {10}, {1}}) - want[s]) < 0.01, s);
}

BOOST_AUTO_TEST_SUITE_END()
