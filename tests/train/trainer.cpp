#include <boost/test/unit_test.hpp>
#include <atomic>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/problem/attention.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/striding_store.hpp>
#include <train/counted_new.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace trainer_under_test {

using store = test::striding_store;

template <class T>
struct sources {
    T slow, fast;
};
using shape = test::ending_shape;

constexpr auto recipe = mt::checked([] {
    return mt::recipe{
        .optimizer = mt::adamw{},
        .stages    = mt::stages{mt::stage{.name     = "first",
                                          .budget   = mt::tokens{10 * 4 * 32},
                                          .mixture  = mt::annealed_mixture<sources>{.from = {.slow = 1, .fast = 0}, .to = {.slow = 0, .fast = 1}},
                                          .rate     = mt::wsd{.peak = 3e-3, .decay = mt::tokens{4 * 4 * 32}},
                                          .batch    = {.sequences = 4, .length = 32, .micro = 2},
                                          .position = mt::rope{.base = 1e4, .length = 64}},
                                mt::stage{.name     = "second",
                                          .budget   = mt::tokens{5 * 2 * 64 + 17},
                                          .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                          .rate     = mt::linear{.from = 1e-3, .to = 0},
                                          .batch    = {.sequences = 2, .length = 64},
                                          .position = mt::yarn{.base = 1e4, .trained = 32, .extended = 64}}}};
}, shape{});

using model_type = mt::trainable<mt::host, mt::model::llama, shape, mt::fp32>;

struct run {
    mt::host       device{2};
    mt::self       ranks;
    model_type     model{device, {}};
    sources<store> corpus{.slow = store(1), .fast = store(3)};
    run() { model.initialise(1); }
};

/// One of several ranks that never meet: what each does by itself.
struct apart : mt::self {
    int my_rank, all;
    apart(int r, int n) : my_rank(r), all(n) {}
    int rank() const { return my_rank; }
    int size() const { return all; }
};

}  // namespace trainer_under_test

using namespace trainer_under_test;

BOOST_AUTO_TEST_SUITE(trainer)

BOOST_AUTO_TEST_CASE(the_plan_says_what_the_run_does) {
    run         r;
    mt::trainer t(r.ranks, r.model, recipe);
    auto const  plan = t.plan(r.corpus);
    BOOST_TEST(plan.stages[0].steps == 10);
    BOOST_TEST(plan.stages[1].steps == 5);
    BOOST_TEST(plan.stages[1].tokens == 5 * 2 * 64);
    BOOST_TEST(plan.stages[0].rate_highest == 3e-3);
    BOOST_TEST(std::abs(plan.stages[0].rate_last - 3e-3 / 4) < 1e-12);
    BOOST_TEST(plan.stages[0].weights_first[0] == 1);
    BOOST_TEST(plan.stages[0].weights_last[1] == 1);
    BOOST_TEST(std::abs(std::accumulate(plan.stages[0].source_tokens.begin(), plan.stages[0].source_tokens.end(), 0.0) - 10 * 4 * 32) < 1e-6);
    std::vector<mt::index_t> activations;
    t.run(r.corpus, [&](mt::report const&) { activations.push_back(r.model.activation_bytes()); });
    BOOST_TEST(activations.back() == plan.activations);
}
BOOST_AUTO_TEST_CASE(reports_tell_each_step) {
    run          r;
    mt::trainer  t(r.ranks, r.model, recipe);
    std::int64_t seen = 0;
    std::string  order;
    auto const   end = t.run(r.corpus, [&](mt::report const& p) {
        BOOST_TEST(p.step == ++seen);
        BOOST_TEST(p.stage_count == 2);
        BOOST_TEST(p.stage_number == (seen <= 10 ? 1 : 2));
        BOOST_TEST(p.at.step == (seen <= 10 ? seen : seen - 10));
        auto const& s    = std::get<0>(recipe->stages.all);
        if (seen <= 10) BOOST_TEST(p.rate == s.rate.rate(s.at(seen - 1)));
        if (seen <= 10) BOOST_TEST(std::abs(p.weights[1] - 0.1 * double(seen - 1)) < 1e-12);
        BOOST_TEST(p.source_tokens[0] + p.source_tokens[1] == p.at.seen.count);
        BOOST_TEST(p.sources[1] == "fast");
        BOOST_TEST((p.seconds > 0 && p.seconds_left >= 0 && std::isfinite(p.loss)));
        order += p.stage.substr(0, 1);
    });
    BOOST_TEST((end == mt::outcome::finished));
    BOOST_TEST(order == "ffffffffffsssss");
    BOOST_TEST(t.state().record.size() == 15u * 3);
    BOOST_TEST(t.state().tokens == 10 * 4 * 32 + 5 * 2 * 64);
}
BOOST_AUTO_TEST_CASE(nothing_is_allocated_after_a_stages_first_step) {
    run                       r;
    mt::trainer               t(r.ranks, r.model, recipe);
    std::vector<std::int64_t> counts(20);
    std::size_t               step = 0;
    t.run(r.corpus, [&](mt::report const&) { counts[step++] = allocations.load(); });
    for (std::size_t i = 1; i < 10; ++i) BOOST_TEST(counts[i] == counts[1], "step " << i + 1);
    for (std::size_t i = 11; i < 15; ++i) BOOST_TEST(counts[i] == counts[11], "step " << i + 1);
}
BOOST_AUTO_TEST_CASE(a_thread_that_gets_its_first_task_late_allocates_nothing) {
    constexpr mt::index_t     all = 64;
    std::vector<float>        qkv(all * 8 * 12, 0.1f), out(all * 8 * 4), gradient(out.size(), 1.0f), result(qkv.size()), log_sum(all * 8), dot(all * 8);
    std::vector<std::int32_t> begin(all * 8, 0);
    auto const run = [&](mt::host& device, mt::index_t sequences) {
        auto const n = 8 * sequences;
        mt::attention_gradient_problem<float> const g{{mt::as_matrix<float const>(qkv.data(), n, 12), {begin.data(), n}, mt::as_matrix(out.data(), n, 4),
                                                       mt::as_matrix(log_sum.data(), 1, n), sequences, 8, 1, 1, 4, 0.5f},
                                                      mt::as_matrix<float const>(gradient.data(), n, 4), mt::as_matrix(result.data(), n, 12),
                                                      mt::as_matrix(dot.data(), 1, n)};
        device.run(g.forward), device.run(g);
    };
    mt::host one(1), two(2);
    run(one, all);  // what this thread keeps is as large as it gets
    run(two, 1);    // one task, which the caller has done before the other thread looks
    auto const first = allocations.load();
    for (int i = 0; i < 200; ++i) run(two, all);
    BOOST_TEST(allocations.load() == first);
}
BOOST_AUTO_TEST_CASE(what_is_not_a_number_names_step_documents_and_checkpoint) {
    run        r;
    auto const folder = (std::filesystem::temp_directory_path() / "midtrain_nan").string();
    std::filesystem::remove_all(folder);
    mt::trainer t(r.ranks, r.model, recipe, mt::checkpoints(mt::checkpoints::options{.folder = folder, .every_steps = 2}));
    std::string said;
    try {
        t.run(r.corpus, [&](mt::report const& p) {
            if (p.step != 3) return;
            r.model.master()[0] = std::numeric_limits<float>::quiet_NaN();
            r.model.refresh();
        });
    } catch (mt::error const& e) {
        said = e.what();
    }
    BOOST_TEST(said.starts_with("stage 'first', step 4: the loss is "), said);
    BOOST_TEST(said.find("; its sequences begin in ") != std::string::npos, said);
    BOOST_TEST(said.find("the last good checkpoint is " + folder + "/step-00000002") != std::string::npos, said);
    std::filesystem::remove_all(folder);
}
BOOST_AUTO_TEST_CASE(a_signal_ends_the_run_after_the_step) {
    run         r;
    mt::trainer t(r.ranks, r.model, recipe);
    auto const  end = t.run(r.corpus, [&](mt::report const& p) {
        if (p.step == 3) std::raise(SIGTERM);
    });
    BOOST_TEST((end == mt::outcome::interrupted));
    BOOST_TEST(t.state().step == 3);
}
BOOST_AUTO_TEST_CASE(an_empty_source_is_named) {
    run r;
    r.corpus.fast.all.clear();
    mt::trainer t(r.ranks, r.model, recipe);
    BOOST_CHECK_EXCEPTION(t.run(r.corpus), mt::error, [](mt::error const& e) { return std::string(e.what()) == "source 'fast' has no documents"; });
}
BOOST_AUTO_TEST_CASE(a_source_of_another_vocabulary_is_named) {
    struct wide_store : store {
        using store::store;
        std::int64_t vocabulary() const { return 97; }
    };
    run         r;
    mt::trainer t(r.ranks, r.model, recipe);
    BOOST_CHECK_EXCEPTION(t.run(sources<wide_store>{.slow = wide_store(1), .fast = wide_store(3)}), mt::error, [](mt::error const& e) {
        return std::string(e.what()) == "source 'slow' was made with a vocabulary of 97 tokens where the model has 96";
    });
}
BOOST_AUTO_TEST_CASE(a_token_outside_the_vocabulary_stops_the_step) {
    run r;
    r.corpus.slow.all[0][3] = 96;
    r.corpus.fast           = r.corpus.slow;
    mt::trainer t(r.ranks, r.model, recipe);
    BOOST_CHECK_EXCEPTION(t.run(r.corpus), mt::error, [](mt::error const& e) {
        return std::string(e.what()).find("a batch holds a token that is not in the vocabulary") != std::string::npos;
    });
}
BOOST_AUTO_TEST_CASE(ranks_share_one_batch_and_their_gradients_sum_to_that_of_one) {
    auto const gradient = [](int rank, int size, std::vector<std::int32_t>& targets) {
        run                           r;
        apart                         ranks(rank, size);
        std::vector<store>            stores{r.corpus.slow, r.corpus.fast};
        mt::batches<store>            drawn(std::span<store const>(stores), 95, 4, 8, 32, 80);
        std::vector<mt::step_part>            parts;
        mt::step_result               result;
        mt::adamw const               optimizer;
        r.model.prepare(optimizer);
        r.model.set_rotary(32, test::plain_rope);
        drawn.draw([](std::int64_t, std::span<double> w) { w[0] = w[1] = 0.5; });
        for (mt::index_t i = 0; i < 8 * 32; ++i) targets.push_back(drawn.target(i));
        mt::take_step(ranks, r.model, optimizer, drawn, {.rate = 1e-3, .micro_batch = 2}, parts, result);
        return std::vector<double>(r.model.gradient().begin(), r.model.gradient().end());
    };
    std::vector<std::int32_t> alone_targets;
    auto const                alone = gradient(0, 1, alone_targets);
    double                    size  = 0;
    for (double g : alone) size = std::max(size, std::abs(g));
    for (int ranks : {2, 4}) {
        std::vector<double> total(alone.size(), 0.0);
        for (int rank = 0; rank < ranks; ++rank) {
            std::vector<std::int32_t> targets;
            auto const                part = gradient(rank, ranks, targets);
            BOOST_TEST((targets == alone_targets));
            for (std::size_t i = 0; i < total.size(); ++i) total[i] += part[i];
        }
        for (std::size_t i = 0; i < total.size(); ++i) BOOST_REQUIRE(std::abs(total[i] - alone[i]) < 1e-5 * size);
    }
}

BOOST_AUTO_TEST_SUITE_END()
