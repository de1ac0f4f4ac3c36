#include <boost/test/unit_test.hpp>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/train/evaluator.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/choice_model.hpp>
#include <train/counted_new.hpp>

namespace mt = midtrain;

namespace evaluated_in_the_loop {

struct store {
    std::vector<std::vector<std::int32_t>> all;
    std::int64_t                     documents() const { return static_cast<std::int64_t>(all.size()); }
    std::vector<std::int32_t> const& document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
};
template <class T>
struct sources {
    T web, code;
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{
        .optimizer = mt::adamw{},
        .stages    = mt::stages{mt::stage{.name     = "first",
                                          .budget   = mt::tokens{7 * 2 * 16},
                                          .mixture  = mt::fixed_mixture<sources>{.share = {.web = .5, .code = .5}},
                                          .rate     = mt::linear{.from = 1e-3, .to = 5e-4},
                                          .batch    = {.sequences = 2, .length = 16},
                                          .position = mt::rope{.base = 1e4, .length = 64}},
                                mt::stage{.name     = "second",
                                          .budget   = mt::tokens{5 * 2 * 32},
                                          .mixture  = mt::fixed_mixture<sources>{.share = {.web = .5, .code = .5}},
                                          .rate     = mt::linear{.from = 5e-4, .to = 0},
                                          .batch    = {.sequences = 2, .length = 32},
                                          .position = mt::yarn{.base = 1e4, .trained = 16, .extended = 64}}}};
}, test::choice_shape{});

struct run {
    test::choice_model m;
    mt::self           ranks;
    sources<store>     corpus;
    run() {
        for (int d = 0; d < 8; ++d) {
            corpus.web.all.push_back(m.tokenizer.encode("the quick brown fox number " + std::to_string(d) + " jumps over the dog"));
            corpus.code.all.push_back(m.tokenizer.encode("int main() { return " + std::to_string(100 * d) + "; }"));
        }
    }
    using stages_type = std::remove_cvref_t<decltype(recipe->stages)>;
    mt::evaluator<test::choice_model::model_type, stages_type> all_evaluations(mt::evaluator_options how, std::function<void(mt::evaluation_record const&)> sink) {
        mt::evaluator<test::choice_model::model_type, stages_type> e(m.model, recipe->stages, how, std::move(sink));
        e.held_out(std::vector<mt::named_store<store>>{{"web", &corpus.web}, {"code", &corpus.code}}, 0, {.documents = 4, .sequences = 2, .length = 48}, mt::token_bytes(m.tokenizer),
                   {.resamples = 50});
        e.choices("piqa", m.tokenizer, mt::read_choice_items(MIDTRAIN_SOURCE_DIR "/tests/golden/choices/piqa.jsonl"), {.length = 64, .items = 2});
        e.ranks(std::vector<mt::named_store<store>>{{"web", &corpus.web}, {"code", &corpus.code}}, 0, 30, 48);
        return e;
    }
    std::vector<float> weights() { return {m.model.master().begin(), m.model.master().end()}; }
};

}  // namespace evaluated_in_the_loop

using namespace evaluated_in_the_loop;

BOOST_AUTO_TEST_SUITE(evaluator)

BOOST_AUTO_TEST_CASE(a_run_has_the_same_bits_with_and_without) {
    run plain, watched;
    mt::trainer(plain.ranks, plain.m.model, recipe).run(plain.corpus);
    std::vector<mt::evaluation_record> got;
    auto evaluate = watched.all_evaluations({.every_steps = 2, .share = 1e9}, [&](mt::evaluation_record const& r) { got.push_back(r); });
    evaluate.run(1, 0, 0);
    mt::trainer(watched.ranks, watched.m.model, recipe).run(watched.corpus, evaluate);
    auto const a = plain.weights(), b = watched.weights();
    BOOST_TEST(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
    std::vector<std::int64_t> steps, tokens;
    for (auto const& r : got) steps.push_back(r.step), tokens.push_back(r.tokens);
    BOOST_TEST((steps == std::vector<std::int64_t>{0, 2, 4, 6, 7, 8, 10, 12}));  // 7 and 12 end stages
    BOOST_TEST((tokens == std::vector<std::int64_t>{0, 64, 128, 192, 224, 288, 416, 544}));
    for (auto const& r : got) {
        BOOST_TEST_REQUIRE(r.held_out.size() == 2u);
        BOOST_TEST(r.held_out[1].source == "code");
        BOOST_TEST(r.positions[0].loss.size() > 3u);
        BOOST_TEST(r.choice.at(0).items == 2);
        BOOST_TEST(r.rank.size() == static_cast<std::size_t>(test::choice_shape::layers) + 1);
        BOOST_TEST(r.choice.at(0).accuracy.low <= r.choice.at(0).accuracy.value);
    }
    BOOST_TEST(got.back().held_out[0].loss.value < got.front().held_out[0].loss.value);  // it learns
    BOOST_TEST(evaluate.seconds() > 0);
}
BOOST_AUTO_TEST_CASE(an_evaluation_has_the_positions_of_its_stage) {
    run r;
    std::vector<mt::evaluation_record> got;
    auto evaluate = r.all_evaluations({}, [&](mt::evaluation_record const& x) { got.push_back(x); });
    evaluate.run(2, 0, 0);
    BOOST_TEST(r.m.model.rotary_length() == 64);
    // The model's own table is rope's; a yarn's gives other losses.
    auto const same = [&](auto const& policy) {
        r.m.model.set_rotary(64, policy);
        std::vector<mt::named_store<store>> const web{{"web", &r.corpus.web}};
        auto const x = mt::evaluate_held_out(r.m.model, std::span(web), 0, {.documents = 4, .sequences = 2, .length = 48}, mt::token_bytes(r.m.tokenizer));
        return mt::mean_loss(x.sources[0].documents) == got[0].held_out[0].loss.value;
    };
    BOOST_TEST(same(std::get<1>(recipe->stages.all).position));
    BOOST_TEST(!same(std::get<0>(recipe->stages.all).position));
    BOOST_CHECK_EXCEPTION(evaluate.add(65, [](auto&, auto&) {}), mt::error,
                          [](mt::error const& e) { return std::string(e.what()).find("stage 'first': its positions reach 64 tokens, an evaluation needs 65") == 0; });
}
BOOST_AUTO_TEST_CASE(tokens_and_a_share_of_time_say_when) {
    run r;
    std::vector<std::int64_t> steps;
    auto by_tokens = r.all_evaluations({.every = {100}, .stage_ends = false, .share = 1e9}, [&](mt::evaluation_record const& x) { steps.push_back(x.step); });
    mt::trainer(r.ranks, r.m.model, recipe).run(r.corpus, by_tokens);
    BOOST_TEST((steps == std::vector<std::int64_t>{4, 7, 9, 10, 12}));  // after 128, 224, 352, 416 and 544 tokens, in steps of 32, then 64
    steps.clear();
    run  s;
    auto rarely = s.all_evaluations({.every_steps = 1, .share = 1e-9}, [&](mt::evaluation_record const& x) { steps.push_back(x.step); });
    mt::trainer(s.ranks, s.m.model, recipe).run(s.corpus, rarely);
    BOOST_TEST((steps == std::vector<std::int64_t>{1, 7, 12}));  // the first says what one costs; then the stages' ends alone
}
BOOST_AUTO_TEST_CASE(the_loop_allocates_nothing_between_evaluations) {
    run  r;
    auto evaluate = r.all_evaluations({.every_steps = 3, .stage_ends = false, .share = 1e9}, [](mt::evaluation_record const&) {});
    std::vector<std::int64_t> before(13), after(13);
    mt::trainer(r.ranks, r.m.model, recipe).run(r.corpus, [&](mt::report const& p) { before[static_cast<std::size_t>(p.step)] = allocations.load(); }, evaluate,
                                                [&](mt::report const& p) { after[static_cast<std::size_t>(p.step)] = allocations.load(); });
    for (std::size_t step : {2u, 3u, 4u, 5u, 6u, 7u, 9u, 10u, 11u, 12u}) BOOST_TEST(before[step] == after[step - 1], "step " << step);
    for (std::size_t step : {2u, 4u, 5u, 7u, 10u, 11u}) BOOST_TEST(before[step] == after[step], "step " << step);
}

BOOST_AUTO_TEST_SUITE_END()
