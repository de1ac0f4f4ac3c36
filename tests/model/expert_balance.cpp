#include <boost/test/unit_test.hpp>
#include <array>
#include <cmath>
#include <string>
#include <vector>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/model/router.hpp>
#include <support/golden.hpp>
#include <support/lone_layer.hpp>

namespace mt = midtrain;

namespace {

constexpr mt::index_t tokens = 48, length = 24, experts = 7;

struct found_balance {
    std::array<double, 5> losses;
    std::vector<double>   gradient;  // (tokens, experts) of logits
};

/// A router whose logits are its input, over one or two micro-batches.
found_balance balance(std::vector<float> const& logits, mt::expert_shape s, mt::balance_weights const& weights, mt::index_t sequences,
                      double tilt = 0) {
    s.count = experts, s.ffn = 1;
    test::lone_layer<mt::fp64> own;
    mt::model::router const    router(own.layout, 1, "mlp.", s, experts, 0.1, {});
    own.close();
    for (mt::index_t e = 0; e < experts; ++e)
        for (mt::index_t i = 0; i < experts; ++i) own.weight(own.entry(0), e, i) = e == i;
    for (mt::index_t e = 0; s.biased && e < experts; ++e) own.weight(own.entry(1), e, 0) = tilt * static_cast<double>(e);
    std::vector<double> const x(logits.begin(), logits.end());
    found_balance             found;
    for (mt::index_t first = 0; first < 2; first += sequences) {
        mt::token_batch batch{};
        batch.sequences = sequences, batch.length = length, batch.global_count = tokens;
        auto p    = own.pass(batch);
        p.balance = weights;
        auto const in = mt::as_matrix(x.data() + first * length * experts, sequences * length, experts);
        auto const r  = router.forward(p, in);
        auto const dw = p.make<double>(in.rows, s.chosen), dx = p.make<double>(in.rows, experts);
        std::fill(dw.data, dw.data + dw.size(), 0.0);
        router.backward(p, r, in, dw, dx);
        found.gradient.insert(found.gradient.end(), dx.data, dx.data + dx.size());
    }
    auto const load = mt::router_load{{own.loads.data(), static_cast<mt::index_t>(own.loads.size())}};
    for (mt::index_t k = 0; k < 5; ++k) found.losses[static_cast<std::size_t>(k)] = load.loss(k);
    return found;
}

mt::io::safetensors const& golden() {
    static mt::io::safetensors const f(test::golden + "expert_balance.safetensors");
    return f;
}

/// Both programs' softmax is of float where they need no more: 1e-6.
void equals_megatron(std::string const& name, std::size_t number, mt::balance_weights const& weights, mt::index_t sequences = 2) {
    for (auto kind : {mt::router_scores::softmax, mt::router_scores::sigmoid}) {
        std::string const at = (kind == mt::router_scores::softmax ? "softmax." : "sigmoid.") + name;
        auto const found = balance(test::floats(golden(), "logits"), {.chosen = 3, .scores = kind}, weights, sequences);
        double const value = std::abs(found.losses[number] / double(test::floats(golden(), at)[0]) - 1);
        double const slope = test::relative(found.gradient, test::floats(golden(), at + ".gradient"));
        BOOST_TEST(value < 1e-6, at << " is " << value << " apart");
        BOOST_TEST(slope < 2e-6, at << "'s gradient is " << slope << " apart");
        BOOST_TEST_MESSAGE(at << ": " << value << ", gradient " << slope);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(balance_losses)

BOOST_AUTO_TEST_CASE(by_sequence_equals_megatron) { equals_megatron("sequence", 0, {.sequence = 1}); }
BOOST_AUTO_TEST_CASE(of_a_micro_batch_equals_megatron) { equals_megatron("micro_batch", 1, {.micro_batch = 1}); }
BOOST_AUTO_TEST_CASE(of_the_global_batch_equals_megatron) { equals_megatron("global_batch", 2, {.global_batch = 1}, 1); }
BOOST_AUTO_TEST_CASE(of_the_router_equals_megatron) { equals_megatron("z", 4, {.z = 1}); }

/// A selection bias changes what is chosen, but not the f of the loss by sequence, which looks at plain scores (DeepSeek-V3, eq. 18).
BOOST_AUTO_TEST_CASE(a_bias_changes_loads_but_not_the_loss_by_sequence) {
    auto const             logits = test::floats(golden(), "logits");
    mt::expert_shape const s{.chosen = 3, .scores = mt::router_scores::sigmoid, .biased = true};
    auto const             even = balance(logits, s, {}, 2), tilted = balance(logits, s, {}, 2, 0.05);
    BOOST_TEST(even.losses[0] == tilted.losses[0]);
    BOOST_TEST(tilted.losses[1] > even.losses[1] * 1.01);
}

/// DeepSeek-V2 (arXiv 2405.04434), eq. 26 to 28, word for word.
BOOST_AUTO_TEST_CASE(of_devices_equals_its_equations) {
    auto const logits = test::floats(golden(), "logits");
    auto const found  = balance(logits, {.chosen = 3, .devices = 7}, {}, 2);
    double     f[7] = {}, p[7] = {}, loss = 0;
    for (std::size_t t = 0; t < 48; ++t) {
        double all = 0;
        for (std::size_t e = 0; e < 7; ++e) all += std::exp(double(logits[7 * t + e]));
        for (std::size_t e = 0; e < 7; ++e) {
            int above = 0;
            for (std::size_t other = 0; other < 7; ++other) above += logits[7 * t + other] > logits[7 * t + e];
            f[e] += 7.0 / (3 * 48) * (above < 3);
            p[e] += std::exp(double(logits[7 * t + e])) / all / 48;
        }
    }
    for (std::size_t d = 0; d < 7; ++d) loss += f[d] * p[d];  // a device an expert
    BOOST_TEST(found.losses[3] == loss, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(found.losses[3] == found.losses[1], boost::test_tools::tolerance(1e-12));
    // One device for all: f' is the mean of f, which is one, and P' is one.
    BOOST_TEST(balance(logits, {.chosen = 3, .devices = 1}, {}, 2).losses[3] == 1, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_SUITE_END()
