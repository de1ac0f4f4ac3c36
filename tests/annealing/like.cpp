#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/cooled.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/excerpt.hpp>
#include <midtrain/annealing/joined.hpp>
#include <midtrain/annealing/like/any_trainer.hpp>
#include <midtrain/annealing/like/run_of.hpp>
#include <midtrain/annealing/piecewise.hpp>
#include <midtrain/annealing/then.hpp>
#include <midtrain/annealing/warmup.hpp>
#include <midtrain/concepts/annealing_policy.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/train/read_fields.hpp>

namespace mt   = midtrain;
namespace like = mt::like;
using namespace mt::literals;

namespace {

mt::io::json golden(std::string const& name) {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/like_" + name + ".json");
    return mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
}
like::any_trainer trainer_of(mt::io::json const& one) {
    like::any_trainer t;
    mt::read_fields(*one.find("trainer"), "case", t);
    return t;
}
constexpr mt::progress at(std::int64_t step, std::int64_t batch = 1, std::int64_t budget = 1'000'000) { return {step, {step * batch}, {budget}, {batch}}; }

/// How far two rates may be apart: both are in double and differ by a few roundings, so 1e-12 of the step's own rate, and zero is zero. But
/// llm.c is in float, and where the C library's cosine is not the nearest float to the real one, its cosine is a last place of one apart.
double allowed(like::any_trainer const& t, double want) {
    if (t.kind() != "llmc") return 1e-12 * std::abs(want);
    return t.visit([&](auto const& p) {
        if constexpr (requires { p.train_num_batches; }) return p.type == like::llmc_type::cosine ? 0x1p-23 * p.learning_rate : 0.0;
        else return 0.0;
    });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(annealing_like)

BOOST_AUTO_TEST_CASE(each_step_has_the_rate_that_the_trainer_itself_computes) {
    std::map<std::string, int> cases;
    for (auto const* name : {"hf", "megatron", "olmo_core", "torchtitan", "nanotron", "compiled"}) {
        auto const all = golden(name);
        for (auto const& one : *all.find("cases")->as<mt::io::json::array>()) {
            auto const  t     = trainer_of(one);
            auto const  batch = static_cast<std::int64_t>(*one.find("batch")->as<double>());
            auto const& steps = *one.find("at")->as<mt::io::json::array>();
            auto const& rates = *one.find("rates")->as<mt::io::json::array>();
            BOOST_REQUIRE(steps.size() == rates.size());
            BOOST_TEST_CONTEXT(mt::io::written(*one.find("trainer"))) {
                BOOST_TEST(t.fits(2'500_tok));
                BOOST_TEST(steps.size() >= 50u);
                for (std::int64_t s = 0; s < 9000; s += 7)  // past the end, too
                    BOOST_TEST((t.rate(at(s, batch)) >= 0 && t.rate(at(s, batch)) < 1), "step " << s << " has " << t.rate(at(s, batch)));
                for (std::size_t i = 0; i < steps.size(); ++i) {
                    auto const   s    = static_cast<std::int64_t>(*steps[i].as<double>());
                    double const want = *rates[i].as<double>(), have = t.rate(at(s, batch));
                    BOOST_TEST(std::abs(have - want) <= allowed(t, want), "step " << s << " has " << have << " instead of " << want);
                }
            }
            ++cases[std::string(t.kind())];
        }
    }
    std::map<std::string, int> const wanted{{"hf", 21}, {"megatron", 12}, {"olmo_core", 33}, {"torchtitan", 9}, {"nanotron", 8},
                                            {"nanotron_short_decay", 2}, {"llmc", 12}, {"llmq_unfinished_decay", 6}};
    BOOST_TEST((cases == wanted));
}

// A stage of ours that begins at the trainer's step k, with a batch of its own: what that trainer has at k, k + 1, ...
BOOST_AUTO_TEST_CASE(a_run_goes_on_from_its_middle) {
    for (auto const* name : {"hf", "megatron", "olmo_core", "torchtitan", "nanotron"}) {
        auto const all = golden(name);
        for (auto const& one : *all.find("cases")->as<mt::io::json::array>()) {
            auto const         t     = trainer_of(one);
            auto const         batch = static_cast<std::int64_t>(*one.find("batch")->as<double>());
            std::int64_t const k     = 1234;
            like::run_of<like::any_trainer> const       rest{.trainer = t, .steps_done = k, .tokens_done = {k * batch}};
            mt::excerpt<like::any_trainer> const same{.of = mt::tokens{2500 * batch}, .skip = {k * batch}, .policy = t};
            bool all_same = rest.fits({(2500 - k) * batch});
            for (std::int64_t s = 0; s < 2500 - k; ++s) {
                all_same &= rest.rate(at(s, batch)) == t.rate(at(s + k, batch));
                all_same &= same.rate(at(s, batch)) == t.rate(at(s + k, batch));
            }
            BOOST_TEST(all_same, mt::io::written(*one.find("trainer")));
        }
    }
    // Steps are the run's, whatever our batch is: ours is four times as large here.
    // begin: a_run_of_hf
    constexpr like::hf     theirs{.learning_rate = 1, .max_steps = 100, .warmup_steps = 0, .scheduler = like::hf_linear{}};
    constexpr like::run_of from{.trainer = theirs, .steps_done = 50, .tokens_done = 50_tok};
    // end: a_run_of_hf
    BOOST_TEST(from.rate(at(0, 4)) == 0.5);
    BOOST_TEST(from.rate(at(25, 4)) == 0.25);
    BOOST_TEST(!like::run_of<like::torchtitan>({.trainer = {.lr = 1, .steps = 10}, .steps_done = -1}).fits(1_tok));
}

// A tail hangs on any of them, at the rate that the trainer has in the step of the joint. The tail's first step is the trainer's own.
BOOST_AUTO_TEST_CASE(a_cooldown_begins_where_the_emulation_stands) {
    for (auto const* name : {"hf", "megatron", "olmo_core", "torchtitan", "nanotron", "compiled"}) {
        auto const all = golden(name);
        for (auto const& one : *all.find("cases")->as<mt::io::json::array>()) {
            auto const         t     = trainer_of(one);
            auto const         batch = static_cast<std::int64_t>(*one.find("batch")->as<double>());
            mt::tokens const   budget{2000 * batch}, decay{400 * batch};
            mt::cooled<like::any_trainer> const cut{.decay = decay, .policy = t};
            bool                                good = true;
            double const                        from = t.rate(at(1600, batch));
            for (std::int64_t s = 0; s < 2000; ++s) {
                mt::progress const here{s, {s * batch}, budget, {batch}};
                double const       want = s <= 1600 ? t.rate(here) : from * (1.0 - static_cast<double>(s - 1600) / 400);
                good &= std::abs(cut.rate(here) - want) <= 1e-14 * std::abs(from) && std::isfinite(want) && want >= 0;
            }
            BOOST_TEST(good, mt::io::written(*one.find("trainer")));
        }
    }
}

// A joint beside what counts steps is judged at its step, where the batch stands; where nobody knows the step it must say `jump`.
BOOST_AUTO_TEST_CASE(joints_are_judged_at_the_step) {
    constexpr like::hf   theirs{.learning_rate = 1, .max_steps = 100, .warmup_steps = 0, .scheduler = like::hf_linear{}};
    constexpr mt::tokens batch{4096}, half{50 * 4096 - 100}, all{100 * 4096};  // the 50th step ends behind the joint
    constexpr mt::then   meets{.first = theirs, .until = half, .second = mt::linear{.from = 0.5, .to = 0}};
    constexpr mt::then   apart{.first = theirs, .until = half, .second = mt::linear{.from = 0.4, .to = 0}};
    static_assert(meets.fits(all, batch) && !apart.fits(all, batch) && !meets.fits(all) && !meets.fits(all, {2 * 4096}));
    static_assert(meets.rate({49, {49 * 4096}, all, batch}) == 0.51 && meets.rate({50, {50 * 4096}, all, batch}) < 0.5);
    constexpr mt::piecewise_steps steps{.points = {{.at = 0, .rate = 1}, {.at = 50, .rate = 0.5}}};
    constexpr mt::then            back{.first = mt::constant{.peak = 1}, .until = half, .second = mt::then{.first = steps, .until = half, .second = meets.second}};
    static_assert(back.fits(3 * half, batch) && !back.fits(3 * half));
    static_assert(steps.fits({50 * 4096}, batch) && !steps.fits({49 * 4096}, batch) && steps.fits(half));

    // The same for parts that a file names, under a warm-up and in an excerpt.
    using part = mt::annealing::joined<mt::annealing::one_annealing>::part;
    like::any_trainer const trainer = like::hf<like::any_hf_scheduler>{.learning_rate = 1, .max_steps = 100, .warmup_steps = 0, .scheduler = like::hf_linear{}};
    for (double from : {0.5, 0.4}) {
        mt::annealing::joined<mt::annealing::one_annealing> const parts{
            .parts = {part{.over = half, .rate = like::run_of<like::any_trainer>{.trainer = trainer}}, part{.rate = mt::linear{.from = from, .to = 0}}}};
        BOOST_TEST(mt::any_annealing(parts).fits(all, batch) == (from == 0.5));
        BOOST_TEST(!mt::any_annealing(parts).fits(all));
        BOOST_TEST((mt::warmed<mt::any_annealing>{.over = 4 * batch, .policy = parts}.fits(all + 4 * batch, batch)) == (from == 0.5));
        BOOST_TEST((mt::excerpt<mt::any_annealing>{.of = all, .policy = parts}.fits(half, batch)) == (from == 0.5));
    }
}

// Where the first step stands, and the last of ten, with a warm-up of two.
BOOST_AUTO_TEST_CASE(conventions_of_counting) {
    constexpr like::hf                hf{.learning_rate = 1, .max_steps = 10, .warmup_steps = 2, .scheduler = like::hf_linear{}};
    constexpr like::megatron   megatron{.lr = 1, .seq_length = 1, .global_batch_size = 1, .lr_decay_iters = 10, .lr_warmup_iters = 2};
    constexpr like::torchtitan titan{.lr = 1, .steps = 10, .warmup_steps = 2};
    constexpr like::nanotron   nano{.learning_rate = 1, .train_steps = 10, .lr_warmup_steps = 2, .min_decay_lr = 0};
    constexpr like::llmc       llmc{.learning_rate = 1, .train_num_batches = 10, .warmup_iterations = 2, .final_learning_rate_frac = 0,
                                    .type = like::llmc_type::linear};
    constexpr like::olmo_core  olmo{.lr = 1, .max_duration = 10, .scheduler = like::olmo_linear_with_warmup{.alpha_f = 0, .warmup = 2}};
    static_assert(hf.rate(at(0)) == 0 && megatron.rate(at(0)) == 0 && nano.rate(at(0)) == 0);
    static_assert(titan.rate(at(0)) == 0.5 && llmc.rate(at(0)) == 0.5 && olmo.rate(at(0)) == 0.5);
    static_assert(hf.rate(at(9)) == 0.125 && megatron.rate(at(9)) == 0.125 && nano.rate(at(9)) == 0.125 && llmc.rate(at(9)) == 0.125);
    static_assert(titan.rate(at(9)) == 0.125);  // its decay ends a step after the run
    static_assert(olmo.rate(at(9)) == 0);       // its last step is the very end
    BOOST_TEST(titan.rate(at(10)) == 0);
    BOOST_TEST(titan.rate(at(999)) == 0);
    // transformers' cosine rises again after its end, and its WSD starts at its floor.
    like::hf const cosine{.learning_rate = 1, .max_steps = 10, .warmup_steps = 0, .scheduler = like::hf_cosine{}};
    BOOST_TEST(cosine.rate(at(15)) > 0.4);
    like::hf const wsd{.learning_rate = 1, .max_steps = 10, .warmup_steps = 2,
                       .scheduler = like::hf_warmup_stable_decay{.num_decay_steps = 3, .min_lr_ratio = 0.25}};
    BOOST_TEST(wsd.rate(at(0)) == 0.25);
    // A share of the steps is rounded up.
    like::hf const share{.learning_rate = 1, .max_steps = 10, .warmup_steps = 0.31, .scheduler = like::hf_linear{}};
    BOOST_TEST(share.rate(at(1)) == 0.25);
}

// A batch that grows counts its samples for Megatron-LM and its tokens for OLMo-core.
BOOST_AUTO_TEST_CASE(a_growing_batch_is_counted_as_there) {
    like::megatron const  m{.lr = 1, .seq_length = 4, .global_batch_size = 8, .lr_decay_samples = 100};
    like::olmo_core const o{.lr = 1, .max_duration = 400, .units = like::olmo_units::tokens,
                            .scheduler = like::olmo_linear_with_warmup{.alpha_f = 0, .warmup = 0}};
    BOOST_TEST(m.rate({7, 200_tok, 400_tok, 32_tok}) == 0.5);
    BOOST_TEST(o.rate({7, 100_tok, 400_tok, 100_tok}) == 0.5);
}

BOOST_AUTO_TEST_CASE(defects_have_names_of_their_own) {
    // nanotron 0.4 with no length of the decay: at its floor W = 100 steps before the end.
    like::nanotron_short_decay const early{.learning_rate = 1, .train_steps = 1000, .lr_decay_starting_step = 800, .lr_warmup_steps = 100,
                                           .min_decay_lr = 0.1};
    BOOST_TEST(early.rate(at(899)) > 0.1);
    BOOST_TEST(early.rate(at(900)) == 0.1);
    like::nanotron open{.learning_rate = 1, .train_steps = 1000, .lr_warmup_steps = 100, .lr_decay_starting_step = 800, .min_decay_lr = 0.1};
    BOOST_TEST(!open.fits(1_tok));
    BOOST_TEST(open.rate(at(900)) > 0.5);
    open.lr_decay_steps = 200;
    BOOST_TEST(open.fits(1_tok));
    BOOST_TEST(!like::nanotron({.learning_rate = 1, .train_steps = 10, .lr_decay_steps = 0}).fits(1_tok));
    // llmq's cosine ends above its floor, at what field measurements of the real code gave: 0.12246 of the peak in step 999.
    like::llmq_unfinished_decay const high{.lr = 1, .steps = 1000, .warmup = 100, .final_lr_fraction = 0.1};
    BOOST_TEST(std::abs(high.rate(at(999)) - 0.12246) < 5e-6);
    BOOST_TEST(std::abs(high.rate(at(550)) - 0.62040) < 5e-6);
}

BOOST_AUTO_TEST_CASE(what_the_trainer_would_refuse_does_not_fit) {
    auto const hf = [](auto scheduler) {
        return like::hf<decltype(scheduler)>{.learning_rate = 1e-4, .max_steps = 10, .scheduler = scheduler}.fits(1_tok);
    };
    BOOST_TEST(!hf(like::hf_cosine_with_min_lr{}));
    BOOST_TEST(!hf(like::hf_cosine_with_min_lr{.min_lr = 1e-5, .min_lr_rate = 0.1}));
    BOOST_TEST(!hf(like::hf_cosine_warmup_with_min_lr{}));
    BOOST_TEST(!hf(like::hf_polynomial{.lr_end = 1e-3}));
    BOOST_TEST(!hf(like::hf_cosine_with_restarts{.num_cycles = 0}));
    BOOST_TEST(hf(like::hf_linear{}));
    like::megatron const good{.lr = 1, .seq_length = 1, .global_batch_size = 1, .lr_decay_iters = 10, .lr_warmup_iters = 2};
    auto const megatron = [&](auto change) {
        auto m = good;
        change(m);
        return m.fits(1_tok);
    };
    BOOST_TEST(megatron([](auto&) {}));
    BOOST_TEST(!megatron([](auto& m) { m.lr_warmup_iters = 10; }));
    BOOST_TEST(!megatron([](auto& m) { m.min_lr = 2; }));
    BOOST_TEST(!megatron([](auto& m) { m.lr_warmup_init = 2; }));
    BOOST_TEST(!megatron([](auto& m) { m.lr_decay_iters = 0; }));
    BOOST_TEST(!megatron([](auto& m) { m.lr_decay_style = like::megatron_decay::wsd; }));
    auto const olmo = [](auto scheduler) { return like::olmo_core<decltype(scheduler)>{.lr = 1, .max_duration = 10, .scheduler = scheduler}.fits(1_tok); };
    BOOST_TEST(!olmo(like::olmo_power_lr{}));
    BOOST_TEST(!olmo(like::olmo_composable{}));
    BOOST_TEST(!olmo(like::olmo_composable{.stages = {{.duration = 5}}}));
    BOOST_TEST(olmo(like::olmo_composable{.stages = {{.duration = 5, .end_lr = 0}}}));
    BOOST_TEST(!olmo(like::olmo_wsds{.period_lengths = {5, 5}, .warmup = 3, .decay = 3}));
    BOOST_TEST(!olmo(like::olmo_sequential<like::olmo_constant>{.schedulers = {{}, {}}, .schedulers_max = {10}}));
    BOOST_TEST(!like::llmc({.learning_rate = 1, .train_num_batches = 10, .warmup_iterations = 10}).fits(1_tok));
}

BOOST_AUTO_TEST_CASE(rounding_as_in_python) {
    static_assert(like::rounded(0.5) == 0 && like::rounded(1.5) == 2 && like::rounded(2.5) == 2 && like::rounded(2.51) == 3);
    static_assert(like::rounded(-0.5) == 0 && like::rounded(-1.5) == -2 && like::rounded(7) == 7);
    static_assert(like::ceiled(2.0) == 2 && like::ceiled(2.1) == 3 && like::floored(-2.1) == -3);
    for (int k = -200; k <= 200; ++k) BOOST_TEST(like::rounded(k * 0.25) == std::llrint(k * 0.25));
}

// With a peak of one and a floor of a tenth the half begins at 0.55.
BOOST_AUTO_TEST_CASE(half_a_cosine_is_olmo_cores) {
    like::olmo_half_cos_with_warmup const theirs{.alpha_f = 0.1};
    mt::half_cosine const                 ours{.from = 0.55, .to = 0.1};
    for (std::int64_t step : {0, 1, 17, 500, 999, 1000})
        BOOST_TEST(std::abs(ours.rate(at(step, 1, 1000)) / theirs.lr({.initial_lr = 1, .current = step, .t_max = 1000}) - 1) < 1e-14, "step " << step);
}

BOOST_AUTO_TEST_SUITE_END()
