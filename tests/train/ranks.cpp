// Ranks that share a batch: experts of the same tokens, whatever the number of ranks, and the same bits with all of them.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <span>
#include <vector>
#include <midtrain/comm/threads.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/expert_family.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/step.hpp>
#include <support/golden.hpp>
#include <support/striding_store.hpp>

namespace mt = midtrain;

namespace ranks_under_test {

using store = test::striding_store;
/// Chosen by sigmoid and bias in the first, with room for each and recycling in the other.
struct biased : test::ending_shape {
    static constexpr mt::expert_shape experts{.count = 6, .chosen = 2, .ffn = 8, .scores = mt::router_scores::sigmoid, .renormalise = true,
                                              .biased = true, .balance = {.sequence = 1e-2}};
};
struct recycling : test::ending_shape {
    static constexpr mt::expert_shape experts{.count = 4, .chosen = 1, .ffn = 8, .capacity = 1.1, .past = mt::overflow::recycle,
                                              .balance = {.micro_batch = 1e-2}};
};

struct outcome {
    std::vector<std::vector<double>> loads;  // choices of each expert, by step and router
    std::vector<double>              losses;
    std::vector<std::vector<double>> weights;  // by rank
};

/// Three steps of eight sequences, one sequence at a time.
template <class Shape>
outcome steps_on(int ranks) {
    outcome found;
    found.weights.resize(static_cast<std::size_t>(ranks));
    mt::on_ranks(ranks, [&](mt::threads& rank) {
        mt::host                                                                device(1);
        mt::trainable<mt::host, mt::model::expert_decoder, Shape, mt::fp64> model(device, {});
        std::vector<store> const                                                stores{store(3)};
        mt::batches<store>  drawn(std::span<store const>(stores), 95, 4, 8, 32, 8 * 10);
        std::vector<mt::step_part> parts;
        mt::step_result     result;
        mt::adamw const     optimizer{};
        model.initialise(1);
        model.set_rotary(32, test::plain_rope);
        model.prepare(optimizer);
        for (int n = 1; n <= 3; ++n) {
            drawn.draw([](std::int64_t, std::span<double> w) { w[0] = 1; });
            model.bias_speed = 0.05;
            mt::take_step(rank, model, optimizer, drawn, {.rate = 3e-2, .step = n, .clip = 1.0, .micro_batch = 1}, parts, result);
            if (rank.rank() != 0) continue;
            found.losses.push_back(result.loss);
            for (auto const& r : result.routers) {
                auto const of = result.router_loads.subspan(static_cast<std::size_t>(r.offset), static_cast<std::size_t>(r.experts));
                found.loads.emplace_back(of.begin(), of.end());
            }
        }
        found.weights[static_cast<std::size_t>(rank.rank())].assign(model.master().begin(), model.master().end());
    });
    return found;
}

template <class Shape>
void same_on_any() {
    auto const alone = steps_on<Shape>(1);
    BOOST_TEST(alone.loads.size() == 6);
    BOOST_TEST((alone.loads[0] != alone.loads[2] && alone.loads[2] != alone.loads[4]));  // what is compared moves
    for (int ranks : {2, 4}) {
        auto const many = steps_on<Shape>(ranks);
        BOOST_TEST((many.loads == alone.loads));
        BOOST_TEST(test::relative(many.losses, alone.losses) < 1e-12);
        BOOST_TEST(test::relative(many.weights[0], alone.weights[0]) < 1e-9);
        for (auto const& w : many.weights) BOOST_TEST((w == many.weights[0]));
    }
}

}  // namespace ranks_under_test

BOOST_AUTO_TEST_SUITE(ranks)

BOOST_AUTO_TEST_CASE(experts_are_chosen_alike_on_one_two_and_four) {
    ranks_under_test::same_on_any<ranks_under_test::biased>();
    ranks_under_test::same_on_any<ranks_under_test::recycling>();
}

BOOST_AUTO_TEST_SUITE_END()
