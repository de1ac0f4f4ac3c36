// What moves over a run beside the rate: the weight of the z-loss, the factor of the weight decay; and what a parameter's role does to its rate.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <midtrain/annealing/any_scalar.hpp>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/multi_step.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/by_role.hpp>
#include <midtrain/optim/sgd.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/striding_store.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace moving_numbers {

using store = test::striding_store;
template <class T>
struct sources {
    T text;
};
using shape = test::ending_shape;
using model_type = mt::trainable<mt::host, mt::model::llama, shape, mt::fp32>;

/// Two stages of four steps.
template <class Optimizer = mt::adamw, class ZLoss = double, class DecayFactor = mt::annealing::unchanged, class Rates = mt::same_rate>
consteval auto make(Optimizer optimizer = {}, ZLoss z_loss = {}, DecayFactor decay_factor = {}, Rates rates = {}) {
    return mt::checked([=] {
        auto const one = [](char const* name) {
            return mt::stage{.name     = name,
                             .budget   = mt::tokens{4 * 64},
                             .mixture  = mt::fixed_mixture<sources>{.share = {.text = 1}},
                             .rate     = mt::constant{.peak = 1e-2},
                             .batch    = {.sequences = 2, .length = 32},
                             .position = mt::rope{.base = 1e4, .length = 64}};
        };
        return mt::recipe{.optimizer = optimizer, .stages = mt::stages{one("first"), one("second")}, .z_loss = z_loss,
                          .decay_factor = decay_factor, .rates = rates};
    }, shape{});
}

/// The weights after each step.
template <class Recipe>
std::vector<std::vector<float>> trained(Recipe const& recipe, std::int64_t steps = 8) {
    mt::host                        device{1};
    mt::self                        ranks;
    model_type                      model{device, {}};
    sources<store>                  corpus{store(3, 40, 29)};
    std::vector<std::vector<float>> all;
    model.initialise(1);
    mt::trainer t(ranks, model, recipe);
    t.run(corpus, [&](mt::report const& r) {
        if (r.step <= steps) all.emplace_back(model.master().begin(), model.master().end());
    });
    return all;
}
std::vector<float> fresh(mt::parameter_layout& layout) {
    mt::host   device{1};
    model_type model{device, {}};
    model.initialise(1);
    layout = model.parameters();
    return {model.master().begin(), model.master().end()};
}

}  // namespace moving_numbers

using namespace moving_numbers;

BOOST_AUTO_TEST_SUITE(numbers_that_move)

BOOST_AUTO_TEST_CASE(a_policy_that_stays_is_the_number) {
    constexpr auto number = make(mt::adamw{}, 1e-2);
    constexpr auto policy = make(mt::adamw{}, mt::constant{.peak = 1e-2}, mt::constant{.peak = 1}, mt::by_role{});
    BOOST_TEST((trained(number) == trained(policy)));
    // And without decay, the factor is zero.
    constexpr auto none = make(mt::adamw{.decay = 0});
    constexpr auto zero = make(mt::adamw{}, 0.0, mt::constant{.peak = 0});
    BOOST_TEST((trained(none) == trained(zero)));
}
BOOST_AUTO_TEST_CASE(a_weight_moves_over_the_whole_run) {
    constexpr auto without = make();
    constexpr auto late    = make(mt::adamw{}, mt::multi_step{.peak = 1e-1, .steps = {{.after = 0_tok, .times = 0}, {.after = 320_tok, .times = 1}}});
    constexpr auto relaxed = make(mt::adamw{}, 0.0, mt::multi_step{.peak = 1, .steps = {{.after = 320_tok, .times = 0.5}}});
    auto const plain = trained(without), z = trained(late), decay = trained(relaxed);
    BOOST_TEST(plain.size() == 8u);
    // 320 tokens are done after the fifth step, the first of the second stage.
    for (std::size_t k = 0; k < 8; ++k) BOOST_TEST(((z[k] == plain[k]) == (k < 5) && (decay[k] == plain[k]) == (k < 5)), "step " << k + 1);
}
BOOST_AUTO_TEST_CASE(each_role_has_its_multiple) {
    mt::parameter_layout layout;
    auto const           begin = fresh(layout);
    constexpr mt::by_role rates{.embedding = 0, .matrix = 0.5, .norm = 2, .head = 0.5, .base_width = 2 * shape::width};
    constexpr auto       same = make(mt::sgd{});
    constexpr auto       by   = make(mt::sgd{}, 0.0, mt::annealing::unchanged{}, rates);
    auto const           a = trained(same, 1)[0], b = trained(by, 1)[0];
    int                  seen = 0;
    for (auto const& e : layout.entries()) {
        double const expected = e.role == mt::role::embedding ? 0.0
                                : e.role == mt::role::norm    ? 2.0
                                                              : 0.5 * 2;
        BOOST_TEST(rates.at_width(shape::width).factor(e.role, e.rows, e.columns) == expected);
        double moved = 0, apart = 0;
        for (auto i = static_cast<std::size_t>(e.offset); i < static_cast<std::size_t>(e.offset + e.size()); ++i) {
            double const da = static_cast<double>(a[i]) - begin[i], db = static_cast<double>(b[i]) - begin[i];
            moved += std::abs(db), apart = std::max(apart, std::abs(db - expected * da));
        }
        if (expected == 0) BOOST_TEST(moved == 0);
        // Each weight of about one rounds by half an ulp of float when it moves.
        else BOOST_TEST(apart < 4e-7 * (1 + expected), e.name << " " << apart);
        seen += moved > 0;
    }
    BOOST_TEST(seen > 4);
}
BOOST_AUTO_TEST_CASE(hunyuans_experts) {
    constexpr mt::by_role r{.expert = 0.31}, wide = mt::by_role{.router = 3, .head = 2, .base_width = 16}.at_width(64);
    static_assert(wide.factor(mt::role::router, 8, 64) == 0.75 && wide.factor(mt::role::head, 96, 64) == 0.5);
    static_assert(wide.factor(mt::role::expert, 96, 64) == 0.25 && wide.factor(mt::role::embedding, 96, 64) == 1);
    static_assert(r.factor(mt::role::expert, 64, 64) == 0.31 && r.factor(mt::role::matrix, 64, 64) == 1);
    static_assert(mt::RoleRates<mt::by_role> && mt::RoleRates<mt::same_rate> && sizeof(mt::same_rate) == 1);
    BOOST_TEST(!mt::by_role{.norm = -1}.fits());
}
BOOST_AUTO_TEST_CASE(what_is_refused_at_run_time) {
    constexpr auto recipe = make(mt::adamw{}, mt::linear{.from = 1e-2, .to = 0}, mt::linear{.from = 1, .to = 0.5}, mt::by_role{});
    auto const     refusal = [&](std::string const& assignment) -> std::string {
        mt::settings to;
        to.set(assignment);
        try {
            (void)recipe.with(to);
        } catch (mt::error const& e) {
            return e.what();
        }
        return "";
    };
    BOOST_TEST(refusal("z_loss.to=-1") == "recipe: z_loss is negative, infinite or not a number somewhere in the run");
    BOOST_TEST(refusal("decay_factor.to=-1") == "recipe: decay_factor is negative, infinite or not a number somewhere in the run");
    BOOST_TEST(refusal("rates.matrix=-1") == "recipe: a multiple of the rate, or the base width, is negative or not a number");
    BOOST_TEST(refusal("rates.base_width=256") == "");
}
BOOST_AUTO_TEST_CASE(a_number_of_a_file_is_a_number_until_it_moves) {
    mt::any_scalar s = 0.5;
    BOOST_TEST((s.plain() != nullptr && *s.plain() == 0.5 && s.rate({}) == 0.5));
    s = mt::annealing::decay<mt::any_shape>{.from = 1, .to = 0, .shape = mt::annealing::square_shape{}};
    BOOST_TEST((s.plain() == nullptr && s.rate({1, {1}, {2}, {1}}) == 0.75));
}

BOOST_AUTO_TEST_SUITE_END()
