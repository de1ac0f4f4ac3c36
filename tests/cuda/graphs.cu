#include <cstdint>
#include <cstring>
#include <vector>
#include <cuda/gpu.hpp>
#include <midtrain/cuda.cuh>
#include <support/devices.hpp>
#include <support/small_models.hpp>
#include <support/striding_store.hpp>

// The trainer with CUDA graphs and without, on one GPU: the same bits, and the host waits once a step.

namespace mt = midtrain;

namespace graphs_under_test {

template <class T>
struct sources {
    T slow, fast;
};
constexpr auto recipe = mt::checked([] {
    return mt::recipe{
        .optimizer = mt::adamw{},
        .stages    = mt::stages{mt::stage{.name     = "first",
                                          .budget   = mt::tokens{10 * 4 * 32},
                                          .mixture  = mt::annealed_mixture<sources>{.from = {.slow = .9, .fast = .1}, .to = {.slow = .2, .fast = .8}},
                                          .rate     = mt::wsd{.peak = 3e-3, .decay = mt::tokens{4 * 4 * 32}},
                                          .batch    = {.sequences = 4, .length = 32, .micro = 2},
                                          .position = mt::rope{.base = 1e4, .length = 64}},
                                mt::stage{.name     = "second",
                                          .budget   = mt::tokens{6 * 2 * 64},
                                          .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                          .rate     = mt::linear{.from = 1e-3, .to = 0},
                                          .batch    = {.sequences = 2, .length = 64},
                                          .position = mt::yarn{.base = 1e4, .trained = 32, .extended = 64}}}};
}, test::ending_shape{});

struct outcome {
    std::vector<double>       record;
    std::vector<float>        weights;
    std::vector<std::int64_t> waits, allocations;  // so far, at each report
    std::int64_t              captures = 0, launches = 0;
};

template <class Family, class Precision>
outcome run(bool graphs) {
    using store = test::striding_store;
    mt::cuda device;
    device.capture(graphs);
    mt::self                                                          ranks;
    mt::trainable<mt::cuda, Family, test::ending_shape, Precision> model(device, {});
    model.initialise(1);
    mt::trainer trainer(ranks, model, recipe);
    trainer.run_ahead();
    outcome o;
    trainer.run(sources<store>{.slow = store(1), .fast = store(3)}, [&](mt::report const&) {
        o.waits.push_back(mt::detail::cuda_waited().waits), o.allocations.push_back(mt::detail::cuda_waited().allocations);
    });
    o.record  = trainer.state().record;
    o.weights = test::downloaded(device, model.master());
    o.captures = device.graphs().captures(), o.launches = device.graphs().launches();
    return o;
}

template <class Family, class Precision>
void same_bits() {
    auto const with = run<Family, Precision>(true), without = run<Family, Precision>(false);
    // A source without a target in a step has no loss, NaN.
    BOOST_REQUIRE(with.record.size() == without.record.size());
    BOOST_TEST(std::memcmp(with.record.data(), without.record.data(), with.record.size() * sizeof(double)) == 0);
    BOOST_TEST((with.weights == without.weights));
    BOOST_TEST(with.launches == 12);  // two steps of each stage run as they are
    BOOST_TEST(with.captures >= 2);
    BOOST_TEST(without.launches == 0);
    for (std::size_t i = 3; i < 10; ++i) {
        BOOST_TEST(with.waits[i] - with.waits[i - 1] == 1, "step " << i + 1);
        BOOST_TEST(with.allocations[i] == with.allocations[i - 1], "step " << i + 1);
    }
}

}  // namespace graphs_under_test

BOOST_AUTO_TEST_SUITE(graphs, *boost::unit_test::precondition(test::has_gpu))

BOOST_AUTO_TEST_CASE(llama_in_bf16_has_the_same_bits) { graphs_under_test::same_bits<mt::model::llama, mt::bf16_mixed>(); }

BOOST_AUTO_TEST_SUITE_END()
