#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/step.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

/// Documents that count upwards from a start, by 1 or by 3: a model can learn them by heart.
struct store {
    int                           stride;
    std::size_t                   documents() const { return 12; }
    std::vector<std::int32_t>     document(std::int64_t d) const {
        std::vector<std::int32_t> v;
        for (int i = 0; i < 20; ++i) v.push_back(static_cast<std::int32_t>((7 * d + stride * i) % 90));
        return v;
    }
};

using model_type = mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::fp32>;

void half_and_half(std::int64_t, std::span<double> w) { w[0] = w[1] = 0.5; }

struct run {
    mt::host                 device{2};
    model_type               model{device, {}};
    std::vector<store>       stores{{1}, {3}};
    mt::batches<store>       drawn{std::span<store const>(stores), 95, 4, 8, 32, 8 * 200};
    std::vector<mt::step_part>       parts;
    mt::step_result          result;
    mt::adamw                optimizer{};
    mt::self                 ranks;
    explicit run() {
        model.initialise(1);
        model.set_rotary(32, test::plain_rope);
        model.prepare(optimizer);
    }
    double step(std::int64_t n, mt::index_t micro_batch) {
        drawn.draw(half_and_half);
        mt::take_step(ranks, model, optimizer, drawn, {.rate = 3e-3, .step = n, .clip = 1.0, .micro_batch = micro_batch}, parts, result);
        return result.loss;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(step)

BOOST_AUTO_TEST_CASE(a_small_model_learns_two_sources_by_heart) {
    run    r;
    double first = r.step(1, 8), last = 0;
    for (int n = 2; n <= 150; ++n) last = r.step(n, 8);
    BOOST_TEST(std::abs(first - std::log(96.0)) < 0.7);
    BOOST_TEST(last < 0.5);
    auto const drawn = r.drawn.now().drawn.drawn;
    BOOST_TEST(drawn[0] == 600);
    BOOST_TEST(drawn[1] == 600);
}
BOOST_AUTO_TEST_CASE(micro_batches_change_the_step_by_rounding_only) {
    run a, b;
    for (int n = 1; n <= 3; ++n) BOOST_TEST(std::abs(a.step(n, 8) / b.step(n, 3) - 1) < 1e-5);
}
BOOST_AUTO_TEST_CASE(loss_by_source_adds_up_to_the_loss) {
    run r;
    r.step(1, 4);
    double total = 0;
    for (int s : {0, 1}) total += r.result.source_loss[static_cast<std::size_t>(s)] * static_cast<double>(r.result.source_targets[static_cast<std::size_t>(s)]);
    BOOST_TEST(std::accumulate(r.result.source_targets.begin(), r.result.source_targets.end(), std::int64_t{0}) == r.drawn.targets());
    BOOST_TEST(std::abs(total / static_cast<double>(r.drawn.targets()) / r.result.loss - 1) < 1e-12);
}
BOOST_AUTO_TEST_CASE(what_is_not_a_number_stops_before_the_update) {
    run r;
    r.step(1, 8);
    r.model.master()[0] = std::numeric_limits<float>::quiet_NaN();
    r.model.refresh();
    auto const before = std::vector<float>(r.model.master().begin() + 1, r.model.master().end());
    BOOST_CHECK_EXCEPTION(r.step(2, 8), mt::error, [](mt::error const& e) { return std::string(e.what()).starts_with("step 2: "); });
    BOOST_TEST(before == std::vector<float>(r.model.master().begin() + 1, r.model.master().end()));
}
BOOST_AUTO_TEST_CASE(a_stage_goes_on_from_its_state) {
    run whole, stopped, resumed;
    for (int n = 1; n <= 6; ++n) whole.step(n, 8);
    for (int n = 1; n <= 3; ++n) stopped.step(n, 8);
    resumed.drawn.resume(stopped.drawn.now());
    auto const from = stopped.model.state_buffers(), to = resumed.model.state_buffers();
    for (std::size_t i = 0; i < from.size(); ++i) std::copy(from[i].bytes.begin(), from[i].bytes.end(), to[i].bytes.begin());
    resumed.model.refresh();
    for (int n = 4; n <= 6; ++n) resumed.step(n, 8);
    BOOST_TEST(std::equal(whole.model.master().begin(), whole.model.master().end(), resumed.model.master().begin()));
}

BOOST_AUTO_TEST_SUITE_END()
