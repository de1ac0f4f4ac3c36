#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/any_position.hpp>
#include <midtrain/position/longrope_search.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/longrope_loss.hpp>

namespace mt = midtrain;

namespace {

constexpr mt::index_t trained = 32, extended = 128, period = 8;
constexpr double      base = 1000;

struct tiny : mt::decoder_shape {
    static constexpr int layers = 1, width = 32, heads = 2, kv_heads = 2, ffn = 64, vocab = 17;
};
using model_type = mt::trainable<mt::host, mt::model::llama, tiny, mt::fp32>;

/// Eight random letters, again and again: what comes next is what stood eight places before it, which is told by position alone.
std::vector<std::int32_t> random_document(std::uint64_t seed, mt::index_t length) {
    std::vector<std::int32_t> d;
    for (mt::index_t t = 0; t < length; ++t)
        d.push_back(t < period ? static_cast<std::int32_t>(mt::random_stream{seed, 3}.bits(static_cast<std::uint64_t>(t)) % 16) : d[static_cast<std::size_t>(t - period)]);
    return d;
}
struct documents_of {
    mt::index_t length;

    std::int64_t              documents() const { return 4; }
    std::vector<std::int32_t> document(std::int64_t i) const { return random_document(static_cast<std::uint64_t>(1'000'000 + i), length + 1); }
};

void train(model_type& m, int steps) {
    mt::adamw const optimizer{.decay = 0};
    m.prepare(optimizer);
    mt::index_t const         sequences = 16, tokens = sequences * trained;
    std::vector<std::int32_t> inputs, targets, positions, begin(static_cast<std::size_t>(tokens), 0);
    std::vector<float>        loss(static_cast<std::size_t>(tokens));
    for (int step = 1; step <= steps; ++step) {
        inputs.clear(), targets.clear(), positions.clear();
        for (mt::index_t s = 0; s < sequences; ++s) {
            auto const d = random_document(static_cast<std::uint64_t>(step * sequences + s), trained + 1);
            for (mt::index_t t = 0; t < trained; ++t) {
                inputs.push_back(d[static_cast<std::size_t>(t)]), positions.push_back(static_cast<std::int32_t>(t));
                targets.push_back(d[static_cast<std::size_t>(t + 1)]);
            }
        }
        auto const view = [&](std::vector<std::int32_t> const& v) { return mt::row_view<std::int32_t const>{v.data(), tokens}; };
        m.zero_gradient();
        m.accumulate({view(inputs), view(targets), view(positions), view(begin), sequences, trained,
                      static_cast<double>(tokens)}, {loss.data(), tokens});
        m.apply(optimizer, {.rate = 5e-3 * std::min(1.0, step / 20.0), .clip_factor = std::min(1.0, 1.0 / m.gradient_norm()), .step = step});
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(longrope_on_a_model)

// A model that was trained at 32 is asked at 128. The search beats what it starts from, with factors that rise.
BOOST_AUTO_TEST_CASE(the_search_beats_interpolation_ntk_and_yarn) {
    mt::host   device(1);
    model_type m(device, {});
    m.initialise(4);
    m.set_rotary(trained, mt::rope{.base = base, .length = trained});
    train(m, 300);
    mt::longrope const of{.base = base, .trained = trained, .extended = extended, .attention_factor = 1};
    mt::evaluate_options const how{.sequences = 4, .length = extended};
    auto const loss = [&](auto const& policy, mt::index_t length) {
        return mt::loss_with_positions(m, documents_of{length}, 16, {.sequences = 4, .length = length}, policy);
    };
    // Eight letters of 32, or of 128, cannot be known.
    BOOST_TEST(loss(mt::rope{.base = base, .length = trained}, trained) < std::log(16) * 8 / 32 + 0.1);
    double const pi   = loss(mt::interpolated{.base = base, .trained = trained, .extended = extended}, extended);
    double const ntk  = loss(mt::ntk{.base = base, .trained = trained, .extended = extended}, extended);
    double const yarn = loss(mt::yarn{.base = base, .trained = trained, .extended = extended, .attention_factor = 1}, extended);
    auto const   found = mt::search_longrope({.population = 24, .parents = 8, .mutated = 8, .crossed = 8, .generations = 6, .starts = {0, 4}}, of, 16,
                                             [&](mt::longrope const& p) { return mt::loss_with_positions(m, documents_of{extended}, 16, how, p); });
    BOOST_TEST_MESSAGE("interpolated " << pi << ", NTK " << ntk << ", YaRN " << yarn << ", found " << found.value);
    BOOST_TEST(found.value < std::min({pi, ntk, yarn}) - 0.01);
    for (std::size_t i = 1; i < found.policy.long_factor.size(); ++i) BOOST_TEST(found.policy.long_factor[i] >= found.policy.long_factor[i - 1]);
    BOOST_TEST(std::abs(loss(found.policy, extended) - found.value) == 0);
    BOOST_TEST(m.rotary_length() == trained);  // the model has its own table again
}

BOOST_AUTO_TEST_SUITE_END()
