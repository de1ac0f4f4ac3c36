// Batches that grow on the way: steps, tokens and sequences are converted exactly, and a run that stops anywhere goes on with the same bits.
#include <boost/test/unit_test.hpp>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>
#include <midtrain/annealing/batch_ramp.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/averaging/ema.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/striding_store.hpp>
#include <train/counted_new.hpp>

namespace mt = midtrain;
namespace fs = std::filesystem;
using namespace mt::literals;

namespace batch_ramp_under_test {

/// The rule of the calendar, one step after the other.
struct step {
    std::int64_t seen;
    mt::index_t  sequences;
};
std::vector<step> walked(mt::index_t sequences, mt::index_t length, mt::batch_ramp const& ramp, std::int64_t budget) {
    std::vector<step> all;
    for (std::int64_t seen = 0;;) {
        mt::index_t now = sequences;
        for (std::int64_t k = 0; k < ramp.changes(sequences); ++k) {
            auto const c = ramp.change(sequences, k);
            if (c.after <= (ramp.counts_steps() ? static_cast<std::int64_t>(all.size()) : seen)) now = c.sequences;
        }
        if (seen + now * length > budget) return all;
        all.push_back({seen, now});
        seen += now * length;
    }
}
void agrees(mt::index_t sequences, mt::index_t length, mt::batch_ramp const& ramp, std::int64_t budget) {
    auto const               all = walked(sequences, length, ramp, budget);
    mt::batch_calendar const calendar(sequences, length, ramp, {budget});
    std::int64_t             sequence = 0;
    for (std::size_t s = 0; s < all.size(); ++s) {
        auto const p = calendar.at_step(static_cast<std::int64_t>(s));
        BOOST_REQUIRE((p.step == static_cast<std::int64_t>(s) && p.seen == all[s].seen && p.sequences == all[s].sequences));
        for (mt::index_t i = 0; i < all[s].sequences; ++i) BOOST_REQUIRE(calendar.at_sequence(sequence++).step == static_cast<std::int64_t>(s));
    }
    BOOST_REQUIRE(calendar.end().step == static_cast<std::int64_t>(all.size()));
    BOOST_REQUIRE(calendar.end().seen == sequence * length);
}

using store = test::striding_store;
template <class T>
struct sources {
    T slow, fast;
};
using shape = test::ending_shape;

/// 2 sequences, 4 after 200 tokens, 8 after 400: steps of 64 tokens to 256, of 128 to 512, of 256 to 1,536; 71 tokens are cut off.
template <class Average>
consteval auto make(Average average) {
    return mt::checked([=] {
        return mt::recipe{
            .optimizer = mt::adamw{},
            .stages    = mt::stages{mt::stage{
                                     .name     = "ramp",
                                     .budget   = mt::tokens{1536 + 71},
                                     .mixture  = mt::annealed_mixture<sources>{.from = {.slow = 1, .fast = 0}, .to = {.slow = 0, .fast = 1}},
                                     .rate     = mt::wsd{.peak = 3e-3, .decay = mt::tokens{1024}},
                                     .batch    = {.sequences = 2, .length = 32, .micro = 2, .ramp = mt::doubling_ramp{.to = 8, .every = 200_tok}},
                                     .position = mt::rope{.base = 1e4, .length = 64}},
                                    mt::stage{.name     = "steps",
                                              .budget   = mt::tokens{(1 + 3 + 3 * 5) * 64},
                                              .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                              .rate     = mt::linear{.from = 1e-3, .to = 0},
                                              .batch    = {.sequences = 1, .length = 64,
                                                           .ramp = mt::batch_table_steps{.points = {{.after = 1, .sequences = 3}, {.after = 2, .sequences = 5}}}},
                                              .position = mt::rope{.base = 1e4, .length = 64}}},
            .average = average};
    }, shape{});
}
constexpr auto plain = make(mt::averaging::none{});
constexpr auto ema   = make(mt::ema{.decay = 0.9});

using model_type = mt::trainable<mt::host, mt::model::llama, shape, mt::fp32>;

template <class Recipe>
struct run {
    mt::host       device{1};
    mt::self       ranks;
    model_type     model{device, {}};
    sources<store> corpus{.slow = store(1, 40, 29), .fast = store(3, 40, 29)};
    mt::trainer<mt::self, model_type, std::remove_cvref_t<decltype(*std::declval<Recipe>())>, shape> trainer;

    run(Recipe const& recipe, mt::checkpoints::options how = {})
        : trainer((model.initialise(1), ranks), model, recipe, mt::checkpoints(std::move(how))) {}
    void go(std::int64_t until = 1000) {
        trainer.run(corpus, [&](mt::report const& r) {
            if (r.step == until) std::raise(SIGTERM);
        });
    }
    std::vector<float> now() { return {model.master().begin(), model.master().end()}; }
};
template <class Recipe>
run(Recipe const&, mt::checkpoints::options) -> run<Recipe>;
template <class Recipe>
run(Recipe const&) -> run<Recipe>;

struct scratch {
    std::string path = (fs::temp_directory_path() / ("midtrain-ramp-" + std::to_string(getpid()))).string();
    scratch() { fs::remove_all(path); }
    ~scratch() { fs::remove_all(path); }
};
/// Two ranks that never meet.
struct pair_of_ranks : mt::self {
    int size() const { return 2; }
};

}  // namespace batch_ramp_under_test

using namespace batch_ramp_under_test;

BOOST_AUTO_TEST_SUITE(batch_ramps)

BOOST_AUTO_TEST_CASE(a_calendar_is_its_rule_step_by_step) {
    mt::random_stream const random{7, 1};
    for (std::uint64_t n = 0; n < 400; ++n) {
        auto const draw   = [&](std::uint64_t k, std::uint64_t below) { return static_cast<std::int64_t>(random.bits(16 * n + k) % below); };
        auto const first  = 1 + draw(0, 6), length = 2 + draw(1, 30), budget = draw(2, 20'000), over = 1 + draw(3, 5000), by = 1 + draw(4, 4);
        auto const steps  = 1 + draw(5, 40), changes = 1 + draw(6, 5);
        agrees(first, length, mt::batch_ramp{}, budget);
        agrees(first, length, mt::linear_ramp{.to = first + by * changes, .over = mt::tokens{over}, .by = by}, budget);
        agrees(first, length, mt::linear_ramp_steps{.to = first + by * changes, .over = steps, .by = by}, budget);
        agrees(first, length, mt::doubling_ramp{.to = first << changes, .every = mt::tokens{over}}, budget);
        agrees(first, length, mt::doubling_ramp_steps{.to = first << changes, .every = steps}, budget);
        // Tables may also shrink.
        agrees(first, length, mt::batch_table{.points = {{.after = mt::tokens{over}, .sequences = 1 + draw(7, 9)},
                                                         {.after = mt::tokens{over + 1 + draw(8, 3000)}, .sequences = 1 + draw(9, 9)}}}, budget);
        agrees(first, length, mt::batch_table_steps{.points = {{.after = steps, .sequences = 1 + draw(7, 9)},
                                                               {.after = steps + 1 + draw(8, 9), .sequences = 1 + draw(9, 9)}}}, budget);
    }
}
// tests/test_scheduler.py of levanter: 32 sequences, 64 from step 1,000 on, 128 from step 100,000 on.
BOOST_AUTO_TEST_CASE(offsets_are_those_of_levanter) {
    mt::batch_ramp const     ramp = mt::batch_table_steps{.points = {{.after = 1000, .sequences = 64}, {.after = 100'000, .sequences = 128}}};
    mt::batch_calendar const calendar(32, 1, ramp, {1'000'000'000});
    BOOST_TEST(calendar.at_step(1000).seen == 32'000);
    BOOST_TEST(calendar.at_step(100'000).seen == 32'000 + 99'000 * 64);
    BOOST_TEST(calendar.at_step(100'000).sequences == 128);
}
BOOST_AUTO_TEST_CASE(the_plan_and_the_reports_agree_with_the_ramp) {
    auto const& s = std::get<0>(plain->stages.all);
    BOOST_TEST(s.steps() == 4 + 2 + 4);
    run        r(plain);
    auto const plan = r.trainer.plan(r.corpus);
    BOOST_TEST((plan.stages[0].steps == 10 && plan.stages[0].tokens == 1536));
    BOOST_TEST((plan.stages[0].sequences == 2 && plan.stages[0].sequences_last == 8 && plan.stages[1].sequences_last == 5));
    BOOST_TEST(std::abs(plan.stages[0].source_tokens[0] + plan.stages[0].source_tokens[1] - 1536) < 1e-9);
    std::int64_t              seen = 0;
    std::vector<std::int64_t> batch;
    std::vector<double>       rates;
    r.trainer.run(r.corpus, [&](mt::report const& p) {
        seen += p.at.batch.count;
        batch.push_back(p.at.batch.count);
        rates.push_back(p.rate);
        BOOST_TEST(p.at.seen.count == (p.stage_number == 1 ? seen : seen - 1536));
        BOOST_TEST(p.source_tokens[0] + p.source_tokens[1] == p.at.seen.count);
        std::int64_t targets = 0;
        for (auto n : p.source_targets) targets += n;
        BOOST_TEST((targets <= p.at.batch.count && targets > p.at.batch.count / 2));
    });
    BOOST_TEST((batch == std::vector<std::int64_t>{64, 64, 64, 64, 128, 128, 256, 256, 256, 256, 64, 3 * 64, 5 * 64, 5 * 64, 5 * 64}));
    BOOST_TEST(r.trainer.state().tokens == 1536 + 19 * 64);
    // The decay of 1,024 tokens falls over the last four steps, and the step after the last would have none.
    BOOST_TEST((rates[5] == 3e-3 && rates[6] == 3e-3 && std::abs(rates[9] - 0.75e-3) < 1e-15 && s.rate.rate(s.at(10)) == 0));
}
// What the mixture asks for sequence by sequence is kept to a sequence, also while the batch grows: the shares go from one to the other.
BOOST_AUTO_TEST_CASE(shares_are_kept_under_a_ramp) {
    run    r(plain);
    auto const& s = std::get<0>(plain->stages.all);
    double asked = 0;
    std::int64_t sequence = 0;
    r.trainer.run(r.corpus, [&](mt::report const& p) {
        if (p.stage_number == 2) return;
        for (; sequence < p.at.seen.count / 32; ++sequence) asked += s.mixture.weights(s.at_sequence(sequence))[1];
        BOOST_TEST(std::abs(static_cast<double>(p.source_tokens[1]) / 32 - asked) < 1);
    });
    BOOST_TEST(sequence == 48);
}
BOOST_AUTO_TEST_CASE(a_run_that_stops_at_any_step_of_a_ramp_goes_on_with_the_same_bits) {
    run whole(ema);
    whole.go();
    auto const wanted = whole.now();
    for (std::int64_t stop = 1; stop < 15; ++stop) {
        scratch s;
        run(ema, {.folder = s.path}).go(stop);
        run again(ema, {.folder = s.path});
        BOOST_TEST(again.trainer.state().step == stop);
        again.go();
        BOOST_TEST((again.now() == wanted), "stopped after step " << stop);
        BOOST_TEST((again.trainer.state().record.size() == whole.trainer.state().record.size() && again.trainer.state().tokens == whole.trainer.state().tokens));
        again.trainer.with_average([&] {
            auto const a = again.now();
            whole.trainer.with_average([&] { BOOST_TEST((a == whole.now())); });
        });
    }
}
BOOST_AUTO_TEST_CASE(nothing_is_allocated_while_a_batch_grows) {
    run                       r(plain);
    std::vector<std::int64_t> counts(20);
    std::size_t               step = 0;
    r.trainer.run(r.corpus, [&](mt::report const&) { counts[step++] = allocations.load(); });
    for (std::size_t i = 1; i < 10; ++i) BOOST_TEST(counts[i] == counts[1], "step " << i + 1);
    for (std::size_t i = 11; i < 15; ++i) BOOST_TEST(counts[i] == counts[11], "step " << i + 1);
}
BOOST_AUTO_TEST_CASE(what_a_ramp_may_not_be_is_refused) {
    auto const refusal = [](std::string const& assignment) -> std::string {
        mt::settings to;
        to.set(assignment);
        try {
            (void)plain.with(to);
        } catch (mt::error const& e) {
            return e.what();
        }
        return "";
    };
    // Of the last size there would be no step, though its change lies within the budget.
    for (auto const every : {"700", "900"})
        BOOST_TEST(refusal(std::string("ramp.batch.ramp.every=") + every).starts_with("stage 'ramp': the batch ramp is longer than the stage"), every);
    BOOST_TEST(refusal("ramp.batch.ramp.to=9").starts_with("stage 'ramp': the batch ramp cannot be"));
    BOOST_TEST(refusal("ramp.batch.ramp.every=0").starts_with("stage 'ramp': the batch ramp cannot be"));
    BOOST_TEST(refusal("steps.batch.ramp.points.1.after=1").starts_with("stage 'steps': the batch ramp cannot be"));
    BOOST_TEST(refusal("steps.batch.ramp.points.0.sequences=4") == "");
    BOOST_TEST(refusal("ramp.batch.micro=4").starts_with("stage 'ramp': batch.micro is between 1 and batch.sequences"));
    BOOST_TEST(refusal("steps.batch.micro=1") == "");
    scratch s;
    run(plain, {.folder = s.path}).go(3);
    mt::settings other;
    other.set("ramp.batch.ramp.every=150");
    BOOST_CHECK_EXCEPTION((run(plain.with(other), {.folder = s.path, .accept_changes = true})), mt::error, [](mt::error const& e) {
        return std::string(e.what()).find("whose batch cannot change on the way: ramp.batch.ramp.every there 200, here 150") != std::string::npos;
    });
}
BOOST_AUTO_TEST_CASE(each_size_divides_over_the_ranks) {
    mt::host       device{1};
    pair_of_ranks  ranks;
    model_type     model(device, {});
    sources<store> corpus{.slow = store(1, 40, 29), .fast = store(3, 40, 29)};
    mt::trainer    t(ranks, model, plain);
    BOOST_CHECK_EXCEPTION(t.run(corpus), mt::error, [](mt::error const& e) {
        return std::string(e.what()) == "stage 'ramp': a step of 2 sequences does not divide over 2 ranks in micro-batches of 2; use 4";
    });
}

BOOST_AUTO_TEST_SUITE_END()
