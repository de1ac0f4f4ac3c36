// Runs that fork, average, skip, rewind and go on: what they end with, to the bit.
#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <csignal>
#include <filesystem>
#include <functional>
#include <limits>
#include <new>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/averaging/ema.hpp>
#include <midtrain/averaging/tail.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/evaluator.hpp>
#include <midtrain/train/inspect.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/far_device.hpp>
#include <support/striding_store.hpp>

namespace mt = midtrain;
namespace fs = std::filesystem;

namespace trusted {

/// Documents of one token each, so that what a step trains on is told by its first tokens; `look` sees each document that is read.
struct store {
    int                                              stride;
    std::function<void(std::int64_t)>                look = [](std::int64_t) {};
    std::size_t                                      documents() const { return 400; }
    std::vector<std::int32_t>                        document(std::int64_t d) const {
        look(d);
        std::vector<std::int32_t> v;
        for (int i = 0; i < 31; ++i) v.push_back(static_cast<std::int32_t>((7 * d + stride * i) % 90));
        return v;
    }
};
template <class T>
struct sources {
    T slow, fast;
};
using shape = test::ending_shape;

template <class Average>
consteval auto make(double peak, Average average) {
    return mt::checked([=] {
        return mt::recipe{.optimizer = mt::adamw{},
                          .stages    = mt::stages{mt::stage{.name     = "only",
                                                            .budget   = mt::tokens{24 * 4 * 32},
                                                            .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                                            .rate     = mt::linear{.from = peak, .to = 0},
                                                            .batch    = {.sequences = 4, .length = 32, .micro = 2},
                                                            .position = mt::rope{.base = 1e4, .length = 64}}},
                          .average   = average};
    }, shape{});
}
constexpr auto plain = make(3e-3, mt::averaging::none{});
constexpr auto other = make(1e-3, mt::averaging::none{});
constexpr auto ema   = make(3e-3, mt::ema{.decay = 0.9});
constexpr auto tail  = make(3e-3, mt::polyak_tail{.fraction = 0.5});

// A recipe without an average weighs and does what it did before there were any.
struct without {
    mt::adamw                                              optimizer;
    std::remove_cvref_t<decltype(plain->stages)>           stages;
    double                                                 clip, clip_block, z_loss, bias_speed, mtp_weight;
    std::uint64_t                                          seed;
};
static_assert(sizeof(*plain) == sizeof(without));

template <class Device>
using model_of = mt::trainable<Device, mt::model::llama, shape, mt::fp32>;

struct scratch {
    std::string path = (fs::temp_directory_path() / ("midtrain-trusted-" + std::to_string(getpid()))).string();
    scratch() { fs::remove_all(path); }
    ~scratch() { fs::remove_all(path); }
};
using options = mt::checkpoints::options;

/// One of several ranks that never meet.
struct apart : mt::self {
    int my_rank, all;
    apart(int r, int n) : my_rank(r), all(n) {}
    int rank() const { return my_rank; }
    int size() const { return all; }
};

template <class Device, class Trainer>
std::vector<float> weights(Device& device, Trainer& model) {
    std::vector<float> v(static_cast<std::size_t>(model.master().size()));
    device.download(mt::row_view<float const>(model.master()), v.data());
    return v;
}

/// A run to its end, or until step `until` is done.
template <class Recipe>
struct run {
    mt::host             device{1};
    mt::self             ranks;
    model_of<mt::host>   model{device, {}};
    sources<store>       corpus{.slow{1}, .fast{3}};
    mt::trainer<mt::self, model_of<mt::host>, std::remove_cvref_t<decltype(*std::declval<Recipe>())>, shape> trainer;

    run(Recipe const& recipe, options how) : trainer((model.initialise(1), ranks), model, recipe, mt::checkpoints(std::move(how))) {}
    mt::outcome go(std::int64_t until = 1000) {
        return trainer.run(corpus, [&](mt::report const& r) {
            if (r.step == until) std::raise(SIGTERM);
        });
    }
    std::vector<float> now() { return weights(device, model); }
};
template <class Recipe>
run(Recipe const&, options) -> run<Recipe>;

}  // namespace trusted

using namespace trusted;

BOOST_AUTO_TEST_SUITE(trusted_runs)

BOOST_AUTO_TEST_CASE(a_checkpoint_loads_on_other_devices_and_numbers_of_ranks) {
    scratch s;
    run     first(plain, options{.folder = s.path});
    first.go(5);
    auto const wanted = first.now();
    {
        test::far_device           far;
        model_of<test::far_device> m(far, {});
        mt::trainer const          t(first.ranks, m, plain, mt::checkpoints(s.path));
        BOOST_TEST(t.state().step == 5);
        BOOST_TEST((weights(far, m) == wanted));
    }
    {
        mt::crowd           crowd(2);
        model_of<mt::crowd> m(crowd, {});
        mt::trainer const   t(first.ranks, m, plain, mt::checkpoints(s.path));
        BOOST_TEST((weights(crowd, m) == wanted));
    }
    for (int size : {2, 4})
        for (int rank = 0; rank < size; ++rank) {
            apart              ranks(rank, size);
            model_of<mt::host> m(first.device, {});
            mt::trainer const  t(ranks, m, plain, mt::checkpoints(s.path));
            BOOST_TEST((weights(first.device, m) == wanted));
        }
}
BOOST_AUTO_TEST_CASE(another_recipe_is_refused_accepted_and_remembered) {
    scratch s;
    run(plain, options{.folder = s.path}).go(5);
    BOOST_CHECK_EXCEPTION((run(other, options{.folder = s.path})), mt::error, [](mt::error const& e) {
        return std::string(e.what()).find("only.rate.from there 0.003, here 0.001") != std::string::npos;
    });
    run bold(other, options{.folder = s.path, .accept_changes = true});
    BOOST_TEST((bold.go() == mt::outcome::finished));
    BOOST_TEST((bold.trainer.state().lineage == std::vector<mt::run_state::event>{{5, "only.rate.from: 0.003 -> 0.001"}}));
    run again(other, options{.folder = s.path});
    BOOST_TEST(again.trainer.state().lineage.size() == 1u);
    // A stage that is shorter than what is done, and a batch that changes on the way, are refused whatever is accepted.
    scratch  second;
    run(plain, options{.folder = second.path + "/b"}).go(5);
    mt::settings shorter, wider;
    shorter.set("only.budget=384"), wider.set("only.batch.sequences=8");
    auto const says = [](char const* part) { return [=](mt::error const& e) { return std::string(e.what()).find(part) != std::string::npos; }; };
    options const bolder{.folder = second.path + "/b", .accept_changes = true};
    BOOST_CHECK_EXCEPTION((run(plain.with(shorter), bolder)), mt::error, says("stage 'only' has 3 steps in this recipe, and the checkpoint has done 5"));
    BOOST_CHECK_EXCEPTION((run(plain.with(wider), bolder)), mt::error, says("whose batch cannot change on the way: only.batch.sequences there 4, here 8"));
}
BOOST_AUTO_TEST_CASE(a_fork_begins_with_its_parents_weights_slots_and_place_in_the_data) {
    scratch s;
    run     parent(plain, options{.folder = s.path + "/parent"});
    parent.go(7);
    run fork(other, options{.folder = s.path + "/child", .fork_from = s.path + "/parent"});
    BOOST_TEST((fork.now() == parent.now()));
    BOOST_TEST((fork.trainer.state().step == 0 && fork.trainer.state().optimizer_step == 7 && !fork.trainer.resumed()));
    auto const place = fork.trainer.state().cursors;
    BOOST_TEST((place == parent.trainer.state().cursors));
    fork.go(3);
    BOOST_TEST((fork.trainer.state().step == 3 && fork.trainer.state().optimizer_step == 10));
    run again(other, options{.folder = s.path + "/child", .fork_from = s.path + "/parent"});
    BOOST_TEST((again.trainer.resumed() && again.trainer.state().step == 3));
    BOOST_TEST(again.trainer.state().parent.step == 7);
    run continuing(other, options{.folder = s.path + "/on", .fork_from = s.path + "/parent", .fork = {.counters = true}});
    continuing.go();
    BOOST_TEST((continuing.trainer.state().step == 7 + 24 && continuing.trainer.state().record.size() == 31u * 3));
    auto const seen = mt::inspect(s.path + "/child");
    BOOST_TEST((seen.size() == 1u && seen[0].problems.empty()));
    bool told = false;
    for (auto const& [key, value] : seen[0].facts) told |= key == "parent" && value.find("/parent/step-00000007 at step 7 with 896 tokens") != std::string::npos;
    BOOST_TEST(told);
    BOOST_TEST(seen[0].tensors.front().lowest.has_value());
}
template <class Recipe>
void stopped_and_straight(Recipe const& recipe) {
    scratch s;
    run     straight(recipe, options{});
    straight.go();
    std::vector<float> whole, resumed;
    auto const         own = straight.now();
    straight.trainer.with_average([&] { whole = straight.now(); });
    BOOST_TEST((straight.now() == own));  // swapped back without loss
    BOOST_TEST((whole != own));
    for (std::int64_t until : {5, 14, 21}) run(recipe, options{.folder = s.path}).go(until);
    run last(recipe, options{.folder = s.path});
    last.go();
    last.trainer.with_average([&] { resumed = last.now(); });
    BOOST_TEST((resumed == whole));
    BOOST_TEST((last.now() == own));
}
BOOST_AUTO_TEST_CASE(an_average_of_a_run_that_was_stopped_has_the_bits_of_one_that_was_not) {
    stopped_and_straight(ema);
    stopped_and_straight(tail);
}
BOOST_AUTO_TEST_CASE(an_average_on_a_device_of_its_own_is_the_one_of_the_host) {
    scratch                    s;
    test::far_device           far;
    model_of<test::far_device> m(far, {});
    m.initialise(1);
    mt::self       ranks;
    sources<store> corpus{.slow{1}, .fast{3}};
    {
        mt::trainer t(ranks, m, ema, mt::checkpoints(s.path));
        t.run(corpus, [](mt::report const& r) { if (r.step == 9) std::raise(SIGTERM); });
    }
    run there(ema, options{.folder = s.path});
    std::vector<float> a, b;
    there.trainer.with_average([&] { a = there.now(); });
    model_of<test::far_device> n(far, {});
    mt::trainer                t(ranks, n, ema, mt::checkpoints(s.path));
    t.with_average([&] { b = weights(far, n); });
    BOOST_TEST((a == b));
}

/// A run whose weights an observer spoils before step `at`, and heals when the step is over.
struct faulty {
    mt::fault_policy                     policy;
    std::int64_t                         at;  ///< the step whose loss is not a number
    std::vector<std::string>             told{};
    std::vector<float>                   end{};
    mt::run_state                        state{};
    std::string                          said{};

    void go(std::string const& folder) {
        run r(plain, options{.folder = folder, .every_steps = 4, .keep = 3});
        r.trainer.on_faults(policy);
        float kept = 0;
        bool  done = false;
        try {
            r.trainer.run(r.corpus, [&](mt::report const& p) {
                if (!p.fault.empty()) told.push_back(std::string(p.fault) + " at " + std::to_string(p.step));
                if (done && p.step <= at && !std::isfinite(r.model.master()[0])) r.model.master()[0] = kept, r.model.refresh();
                if (p.step == at - 1 && !done) done = true, kept = std::exchange(r.model.master()[0], std::numeric_limits<float>::quiet_NaN()), r.model.refresh();
            });
        } catch (mt::error const& e) {
            said = e.what();
        }
        end = r.now(), state = r.trainer.state();
    }
};

BOOST_AUTO_TEST_CASE(a_loss_that_is_no_number_is_skipped_and_the_run_goes_on) {
    scratch s;
    faulty  f{.policy = {.not_a_number = mt::fault_action::skip}, .at = 10};
    // The weights are healed after the step: a skip alone leaves them as they are.
    f.go(s.path);
    BOOST_TEST(f.said.empty(), f.said);
    BOOST_TEST((f.told == std::vector<std::string>{"skipped at 10"}));
    BOOST_TEST((f.state.step == 24 && f.state.optimizer_step == 23 && f.state.faults.size() == 1u));
    BOOST_TEST(f.state.faults[0].what.starts_with("step 10 skipped: the loss is "), f.state.faults[0].what);
    // Its batch is spent: the data stand where those of an undisturbed run stand.
    run undisturbed(plain, options{});
    undisturbed.go();
    BOOST_TEST((undisturbed.trainer.state().cursors == f.state.cursors));
    run again(plain, options{.folder = s.path});
    BOOST_TEST((again.trainer.state().faults == f.state.faults));
}
BOOST_AUTO_TEST_CASE(a_rewound_run_goes_on_with_other_data) {
    scratch s;
    faulty  f{.policy = {.not_a_number = mt::fault_action::rewind}, .at = 11};
    f.go(s.path);
    BOOST_TEST(f.said.empty(), f.said);
    BOOST_TEST((f.told == std::vector<std::string>{"rewound at 8"}));
    BOOST_TEST((f.state.step == 24 && f.state.optimizer_step == 24 && f.state.record.size() == 24u * 3));
    for (float x : f.end) BOOST_REQUIRE(std::isfinite(x));
    // 24 steps count, and steps 9 to 11 of the first attempt were drawn besides: 27 batches, none of them twice.
    std::int64_t tokens = 0;
    for (auto const& c : f.state.cursors) tokens += c.tokens;
    BOOST_TEST(tokens == 27 * 4 * 32);
    BOOST_TEST(f.state.tokens == 24 * 4 * 32);
}
BOOST_AUTO_TEST_CASE(too_many_faults_stop_the_run) {
    scratch s;
    faulty  f{.policy = {.not_a_number = mt::fault_action::rewind, .at_most = 0}, .at = 6};
    f.go(s.path);
    BOOST_TEST(f.said.find("step 6 rewound: the loss is ") != std::string::npos, f.said);
    BOOST_TEST(f.said.find("that is more than the 0 faults that the policy allows") != std::string::npos, f.said);
}
BOOST_AUTO_TEST_CASE(spikes_stand_out_from_running_medians) {
    mt::fault_watch watch({.spike = mt::fault_action::rewind, .loss_deviations = 8, .norm_ratio = 5, .window = 32, .at_least = 8});
    mt::run_state   s;
    for (int i = 0; i < 20; ++i) {
        s.record.push_back(i == 3 ? std::numeric_limits<double>::quiet_NaN() : 3.0 + 0.05 * std::sin(i)), s.norms.push_back(1.0 + 0.1 * std::cos(i));
        ++s.step, ++s.step_in_stage;
    }
    auto const found = [&](double loss, double norm) {
        mt::step_result r;
        r.loss = loss, r.gradient_norm = norm;
        auto const f = watch.find(s, r);
        return f ? f->what : std::string();
    };
    BOOST_TEST(found(3.1, 1.0) == "");
    BOOST_TEST(found(2.0, 1.0) == "");  // a fall is none
    BOOST_TEST(found(4.0, 1.0).starts_with("the loss is 4 where 3"), found(4.0, 1.0));
    BOOST_TEST(found(3.0, 6.0).starts_with("the gradient's norm is 6 where "), found(3.0, 6.0));
    s.step_in_stage = 7;  // a new stage has other losses
    BOOST_TEST(found(9.0, 50.0) == "");
    BOOST_CHECK_THROW(mt::fault_watch({.window = 1}), mt::error);
}

/// A run on documents of one token each, which it learns by heart, and in which document `bad` is noise: a loss spike when its turn comes.
struct poisoned {
    struct store {
        std::int64_t              bad;
        std::size_t               documents() const { return 200; }
        std::vector<std::int32_t> document(std::int64_t d) const {
            std::vector<std::int32_t> v(31, 7);
            if (d == bad)
                for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<std::int32_t>(mt::mix_bits(i) % 90);
            return v;
        }
    };
    mt::fault_policy             policy;
    std::int64_t                 bad = 61;
    std::vector<std::string>     told{};
    std::vector<double>          losses{};
    mt::run_state                state{};

    void go(std::string const& folder) {
        mt::host             device{1};
        mt::self             ranks;
        model_of<mt::host>   model{device, {}};
        sources<store> const corpus{.slow{bad}, .fast{-1}};
        model.initialise(1);
        mt::trainer trainer(ranks, model, plain, mt::checkpoints(options{.folder = folder, .every_steps = 4, .keep = 6}));
        trainer.on_faults(policy);
        trainer.run(corpus, [&](mt::report const& p) {
            losses.push_back(p.loss);
            if (!p.fault.empty()) told.push_back(std::string(p.fault) + ": " + std::string(p.fault_text));
        });
        state = trainer.state();
    }
};

BOOST_AUTO_TEST_CASE(a_poisoned_document_is_a_spike_that_is_skipped_or_rewound) {
    poisoned careless{.policy = {}};
    careless.go("");
    auto const at = std::max_element(careless.losses.begin() + 10, careless.losses.end()) - careless.losses.begin() + 1;  // the step that reads it
    BOOST_TEST_REQUIRE((at > 10 && at < 24), "it comes at step " << at);
    BOOST_TEST(careless.told.empty());
    for (auto const action : {mt::fault_action::skip, mt::fault_action::rewind}) {
        scratch    s;
        bool const back = action == mt::fault_action::rewind;
        poisoned   p{.policy = {.spike = action, .loss_deviations = 6, .window = 8, .at_least = 8}};
        p.go(s.path);
        BOOST_TEST_REQUIRE(p.told.size() == 1u);
        auto const begins = std::string(back ? "rewound" : "skipped") + ": step " + std::to_string(at) + (back ? " rewound" : " skipped") + ": the loss is ";
        BOOST_TEST(p.told[0].starts_with(begins), p.told[0]);
        BOOST_TEST(p.told[0].find("slow document 61") != std::string::npos, p.told[0]);  // whose sequence it is
        BOOST_TEST(p.state.step == 24);
        BOOST_TEST(p.state.optimizer_step == (back ? 24 : 23));
        // A skip spends its batch. A rewind goes on with the data behind it, so the steps since the checkpoint were drawn besides.
        std::int64_t tokens = 0;
        for (auto const& c : p.state.cursors) tokens += c.tokens;
        BOOST_TEST(tokens == (24 + (back ? at - (at - 1) / 4 * 4 : 0)) * 4 * 32);
        BOOST_TEST(p.losses.back() < 0.5 * p.losses.front());
    }
}
BOOST_AUTO_TEST_CASE(a_watchdog_says_which_step_hangs_and_at_what) {
    run                      r(plain, options{});
    std::vector<std::string> said;
    std::atomic<int>         count{0};
    r.trainer.watch({.times = 10, .at_least = 0.2, .say = [&](std::string const& s) { said.push_back(s), ++count; }});
    bool hung        = false;
    r.corpus.fast.look = [&](std::int64_t d) {
        if (d < 0 || hung || r.trainer.state().step != 6) return;
        hung = true;
        for (int i = 0; i < 400 && count == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    };
    r.go();
    BOOST_REQUIRE(said.size() == 1u);
    BOOST_TEST(said[0].starts_with("step 7 has taken "), said[0]);
    BOOST_TEST(said[0].ends_with("it is at drawing data"), said[0]);
}
BOOST_AUTO_TEST_CASE(a_watchdog_that_may_ends_the_program) {
    // In a child, since it ends by SIGABRT; the run before it has saved.
    scratch s;
    auto const child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        ::signal(SIGABRT, SIG_DFL);  // the test's own handler would catch it
        run r(plain, options{.folder = s.path, .every_steps = 2, .background = false});
        r.trainer.watch({.times = 10, .at_least = 0.2, .abort = true, .say = [](std::string const&) {}});
        r.corpus.fast.look = [&](std::int64_t) {
            if (r.trainer.state().step == 6) std::this_thread::sleep_for(std::chrono::seconds(30));
        };
        r.go();
        ::_exit(0);
    }
    int ended = 0;
    BOOST_REQUIRE(::waitpid(child, &ended, 0) == child);
    BOOST_TEST((WIFSIGNALED(ended) && WTERMSIG(ended) == SIGABRT));
    run again(plain, options{.folder = s.path});
    BOOST_TEST(again.trainer.state().step == 6);  // the last good checkpoint loads, and the run can go on
    BOOST_TEST((again.go() == mt::outcome::finished));
}
BOOST_AUTO_TEST_CASE(out_of_memory_is_a_sentence_with_the_plans_figures) {
    scratch s;
    run     r(ema, options{.folder = s.path});
    r.corpus.fast.look = [](std::int64_t) { throw std::bad_alloc(); };
    BOOST_CHECK_EXCEPTION(r.go(), mt::error, [](mt::error const& e) {
        std::string const said = e.what();
        return said.starts_with("out of memory; memory: weights ") && said.find(", average ") != said.npos && said.find(", copy for saving ") != said.npos;
    });
}
BOOST_AUTO_TEST_CASE(steps_tell_what_they_spend_their_time_on) {
    scratch s;
    run     r(plain, options{.folder = s.path, .every_steps = 2});
    double  saved = 0;
    r.trainer.run(r.corpus, [&](mt::report const& p) {
        BOOST_TEST((p.phases.data > 0 && p.phases.compute > 0 && p.phases.update > 0));
        BOOST_TEST(p.phases.data + p.phases.compute + p.phases.update <= p.seconds * 1.0001);
        BOOST_TEST((p.step % 2 == 1 && p.step > 1) == (p.phases.checkpoint > 0));
        saved += p.phases.checkpoint;
        if (p.step == 6) BOOST_TEST(p.phases.evaluation >= 0.05);
        if (p.step == 5) std::this_thread::sleep_for(std::chrono::milliseconds(50));  // as an evaluation does
    });
    BOOST_TEST(saved > 0);
}
BOOST_AUTO_TEST_CASE(the_time_of_an_evaluator_is_that_of_the_phase) {
    run    r(plain, options{});
    double measured = 0;
    mt::evaluator evaluate(r.model, plain->stages, {.every_steps = 6, .share = 1e9}, [](mt::evaluation_record const&) {});
    evaluate.add(32, [](auto&, auto&) { std::this_thread::sleep_for(std::chrono::milliseconds(20)); });
    r.trainer.run(r.corpus, [&](mt::report const& p) { measured += p.phases.evaluation; }, evaluate);
    BOOST_TEST(measured >= 3 * 0.02);  // after steps 6, 12 and 18; nobody hears of what comes after the last step
    BOOST_TEST(evaluate.seconds() >= 4 * 0.02);
}
BOOST_AUTO_TEST_CASE(each_save_is_told) {
    scratch s;
    run     r(plain, options{.folder = s.path, .every_steps = 5});
    std::vector<std::pair<std::int64_t, std::int64_t>> told;
    r.trainer.when_saved([&](mt::saved_step at) { told.emplace_back(at.step, at.tokens); });
    r.go(12);
    BOOST_TEST((told == std::vector<std::pair<std::int64_t, std::int64_t>>{{5, 640}, {10, 1280}, {12, 1536}}));
    run none(plain, options{});
    none.trainer.when_saved([](mt::saved_step) { BOOST_ERROR("nothing is saved without a folder"); });
    none.go(3);
}

BOOST_AUTO_TEST_SUITE_END()
