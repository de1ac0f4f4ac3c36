#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <span>
#include <string>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/any_mixture.hpp>
#include <midtrain/mixture/bounded.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/check_sizes.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/striding_store.hpp>

// What becomes of a mixture in a run: weights that look back, and what is drawn by moving weights.
namespace mt = midtrain;
using namespace mt::literals;

namespace mixing {

/// Documents that count by `stride`; sizes differ, so that epochs end at odd places.
struct store {
    std::vector<std::vector<std::int32_t>> all;
    store(int stride, int documents) {
        for (int d = 0; d < documents; ++d) {
            all.emplace_back();
            for (int i = 0; i < 11 + (d * 5) % 13; ++i) all.back().push_back((7 * d + stride * i) % 90);
        }
    }
    std::size_t                      documents() const { return all.size(); }
    std::vector<std::int32_t> const& document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
    std::int64_t                     tokens() const {
        return std::accumulate(all.begin(), all.end(), std::int64_t{0}, [](auto n, auto const& d) { return n + static_cast<std::int64_t>(d.size()); });
    }
};
template <class T>
struct sources {
    T slow, fast, odd;
};
using shape = test::ending_shape;
constexpr sources<mt::weight> even{.slow = 1 / 3., .fast = 1 / 3., .odd = 1 / 3.};
constexpr int                 hold = 5, steps = 33, sequences = 4, length = 32;

/// Two stages of it, so that the second one must begin anew.
template <class Mixture>
constexpr auto recipe_of(Mixture mixture) {
    auto const named = [&](char const* name) {
        return mt::stage{.name     = name,
                         .budget   = mt::tokens{steps * sequences * length},
                         .mixture  = mixture,
                         .rate     = mt::wsd{.peak = 3e-3, .decay = mt::tokens{4 * 4 * 32}},
                         .batch    = {.sequences = sequences, .length = length, .micro = 2},
                         .position = mt::rope{.base = 1e4, .length = 64}};
    };
    return mt::recipe{.optimizer = mt::adamw{}, .stages = mt::stages{named("one"), named("two")}};
}
constexpr auto bandit = mt::checked([] { return recipe_of(mt::odm_mixture<sources>{.prior = even, .hold = hold, .memory = .3}); }, shape{});
constexpr auto doremi = mt::checked([] {
    return recipe_of(mt::floored_mixture<sources, mt::doremi_mixture<sources>>{
        .of = {.prior = even, .reference = {.slow = 4, .fast = 1, .odd = 2}, .hold = hold, .step_size = .2}, .floor = {.1, .1, .1}});
}, shape{});

using model_type = mt::trainable<mt::host, mt::model::llama, shape, mt::fp32>;

struct told {
    std::vector<std::vector<double>>       weights;
    std::vector<std::vector<std::int64_t>> tokens, epochs;
    mt::run_state                          end;
    std::vector<float>                     model;
};
template <class Recipe>
void go(Recipe const& recipe, mt::checkpoints where, std::int64_t fail_after, told& to) {
    mt::host   device(1);
    mt::self   ranks;
    model_type model(device, {});
    model.initialise(1);
    mt::trainer t(ranks, model, recipe, std::move(where));
    t.run(sources<store>{.slow{1, 12}, .fast{3, 9}, .odd{5, 3}}, [&](mt::report const& r) {
        to.weights.emplace_back(r.weights.begin(), r.weights.end());
        to.tokens.emplace_back(r.source_tokens.begin(), r.source_tokens.end());
        to.epochs.emplace_back(r.source_epochs.begin(), r.source_epochs.end());
        if (r.step == fail_after) throw mt::error("the machine went away");
    });
    to.end = t.state();
    to.model.assign(model.master().begin(), model.master().end());
}
bool same(std::vector<double> const& a, std::vector<double> const& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}
template <class Recipe>
void resumes(Recipe const& recipe, std::int64_t fail_after, std::int64_t every) {
    auto const folder = std::filesystem::temp_directory_path() / ("midtrain_mixing_" + std::to_string(fail_after));
    std::filesystem::remove_all(folder);
    mt::checkpoints::options const how{.folder = folder.string(), .every_steps = every};
    told whole, parts;
    go(recipe, {}, -1, whole);
    BOOST_CHECK_THROW(go(recipe, mt::checkpoints(how), fail_after, parts), mt::error);
    auto const known = static_cast<std::size_t>(fail_after / every * every);
    parts.weights.resize(known), parts.tokens.resize(known), parts.epochs.resize(known);
    go(recipe, mt::checkpoints(how), -1, parts);
    BOOST_TEST((whole.weights == parts.weights));
    BOOST_TEST((whole.tokens == parts.tokens));
    BOOST_TEST((whole.epochs == parts.epochs));
    BOOST_TEST(same(whole.end.record, parts.end.record));
    BOOST_TEST((whole.model == parts.model));
    std::filesystem::remove_all(folder);
}

/// All that a source hands out, from one reader that is never interrupted.
std::vector<std::int32_t> stream(store const& s, std::size_t number, std::int64_t sequences_of_it) {
    mt::data::packing<store>  reader(s, 95, mt::mix_bits(4 + number));
    mt::data::cursor          at;
    std::vector<std::int32_t> all, row(4 * length);
    for (std::int64_t n = 0; n < sequences_of_it; ++n) {
        auto const cut = [&](int k) { return std::span(row).subspan(static_cast<std::size_t>(k * length), length); };
        reader.fill(at, {cut(0), cut(1), cut(2), cut(3)});
        all.insert(all.end(), row.begin(), row.begin() + length);
    }
    return all;
}

}  // namespace mixing

using namespace mixing;

BOOST_AUTO_TEST_SUITE(mixtures_in_a_run)

BOOST_AUTO_TEST_CASE(weights_move_with_the_losses_and_are_held_for_a_window) {
    for (int which : {0, 1}) {
        told t;
        which ? go(doremi, {}, -1, t) : go(bandit, {}, -1, t);
        BOOST_REQUIRE(t.weights.size() == 2u * steps);
        for (int n = 0; n < 2 * steps; ++n) {
            int const step = n % steps, first = n - step % hold, last = std::min(first + hold, n - step + steps);
            BOOST_REQUIRE((t.weights[n] == t.weights[first]));
            if (n + 1 < last) continue;
            // Whole sequences of the window, and at its end all of them are drawn, to the sequence.
            for (std::size_t i = 0; i < 3; ++i) {
                double const asked = t.weights[n][i] * (last - first) * sequences;
                BOOST_REQUIRE(std::abs(asked - std::round(asked)) < 1e-9);
                auto const before = first % steps == 0 ? 0 : t.tokens[first - 1][i];
                BOOST_REQUIRE((t.tokens[n][i] - before == std::llround(asked) * length));
            }
        }
        BOOST_TEST((t.weights[steps - 1] != t.weights[0]));  // ODM explores alone for three windows
        BOOST_TEST((t.weights[steps] == t.weights[0]));  // a stage begins anew
        // Whole passes over documents and their end tokens, through both stages.
        store const  corpus[] = {{1, 12}, {3, 9}, {5, 3}};
        for (std::size_t i = 0; i < 3; ++i)
            BOOST_TEST(t.epochs.back()[i] == (t.tokens[steps - 1][i] + t.tokens.back()[i]) / (corpus[i].tokens() + static_cast<std::int64_t>(corpus[i].all.size())));
    }
}
BOOST_AUTO_TEST_CASE(a_resumed_run_makes_the_same_choices_bit_for_bit) {
    resumes(bandit, 18, 7);  // from step 14, within a window
    resumes(bandit, 51, 6);  // from step 48, in the second stage
    resumes(doremi, 31, 10);
    resumes(doremi, 40, 36);
}
BOOST_AUTO_TEST_CASE(nothing_is_lost_or_repeated_whatever_weights_stops_and_ranks_do) {
    std::vector<store> const stores{store(1, 12), store(3, 9), store(5, 3)};
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        mt::random_stream const                dice{seed, 5};
        std::uint64_t                          tosses = 0;
        auto const                             skewed = [&] { return std::pow(dice.uniform(tosses++), 2.0) + 1e-3; };
        std::vector<std::vector<std::int32_t>> seen(3);
        std::vector<std::int64_t>              drawn(3);
        std::vector<mt::data::cursor>          cursors(3);
        for (int stage = 0; stage < 3; ++stage) {  // each with other weights, which move
            double from[3], to[3], sums[2] = {};
            for (auto& x : from) sums[0] += x = skewed();
            for (auto& x : to) sums[1] += x = skewed();
            auto const weights = [&](std::int64_t at, std::span<double> w) {
                for (int i = 0; i < 3; ++i) w[i] = from[i] / sums[0] * (1 - at / 120.0) + to[i] / sums[1] * at / 120.0;
            };
            mt::batches<store>        first(std::span<store const>(stores), 95, 4, sequences, length, 120);
            first.start_at(cursors);
            auto state = first.now();
            for (int step = 0; step < 30; ++step) {
                mt::batches<store> b(std::span<store const>(stores), 95, 4, sequences, length, 120);  // each step another process
                step == 0 ? b.start_at(cursors) : b.resume(state);
                b.draw(weights);
                int const ranks = 1 << (dice.bits(tosses++) % 3);
                for (int rank = 0; rank < ranks; ++rank)
                    for (mt::index_t s = sequences * rank / ranks; s < sequences * (rank + 1) / ranks; ++s) {
                        auto const row = b.part(s, 1).inputs;
                        auto&      to_ = seen[static_cast<std::size_t>(b.source_of(s))];
                        to_.insert(to_.end(), row.begin(), row.end());
                        ++drawn[static_cast<std::size_t>(b.source_of(s))];
                    }
                state   = b.now();
                cursors = b.cursors();
                // Within Tijdeman's bound for three, at every step.
                for (int i = 0; i < 3; ++i)
                    BOOST_REQUIRE(std::abs(state.drawn.asked[i] - static_cast<double>(state.drawn.drawn[i])) <= .75 + 1e-9);
            }
        }
        for (std::size_t i = 0; i < 3; ++i) BOOST_REQUIRE((seen[i] == stream(stores[i], i, drawn[i])));
    }
}
BOOST_AUTO_TEST_CASE(a_cap_holds_over_stages_to_a_sequence_a_stage) {
    // 'odd' has 41 tokens and ends: four passes are less than the 1,056 that a quarter of both stages would draw.
    auto const size = store(5, 3).tokens() + 3;
    for (double const epochs : {1.0, 4.0, 9.5}) {
        auto capped = mt::capped_mixture<sources>{.of     = {{.slow = .5, .fast = .25, .odd = .25}},
                                                  .sizes  = {{10'000_tok}, {10'000_tok}, {mt::tokens{size}}},
                                                  .epochs = {.slow = 1, .fast = 1, .odd = epochs}};
        mt::tokens const     budget{12 * sequences * length};
        std::int64_t         total = 0;
        for (int stage = 0; stage < 2; ++stage) {
            mt::data::sampler s(3, 12 * sequences, 1);
            for (std::int64_t n = 0; n < 12 * sequences; ++n)
                s.next([&](std::int64_t at, std::span<double> to) {
                    auto const w = capped.weights({at / sequences, {at * length}, budget, {sequences * length}});
                    std::copy(w.begin(), w.end(), to.begin());
                });
            total += s.now().drawn[2] * length;
            capped.used = {{0_tok}, {0_tok}, {mt::tokens{total}}};
        }
        BOOST_TEST(static_cast<double>(total) <= epochs * static_cast<double>(size) + length);
        BOOST_TEST(static_cast<double>(total) >= std::min(epochs * static_cast<double>(size), 2 * .25 * 12 * sequences * length) - length);
    }
}
/// Half of two stages of a million tokens is 3 in 1000 more than may be drawn: less than the 200 moments of a compiler show, more than the 5000 before a run.
BOOST_AUTO_TEST_CASE(caps_are_judged_more_closely_before_a_run_than_by_a_compiler) {
    static constexpr auto recipe = [] {
        mt::capped_mixture<sources> const capped{.of = {{.slow = .25, .fast = .5, .odd = .25}}, .sizes = {{10_Mtok}, {997_ktok}, {10_Mtok}}, .epochs = {1, 1, 1}};
        auto const stage = [=](char const* name) {
            return mt::stage{.name = name, .budget = 1_Mtok, .mixture = capped, .rate = mt::linear{.from = 1e-4, .to = 0}, .batch = {.sequences = 8, .length = 512},
                             .position = mt::rope{.base = 1e4, .length = 1024}};
        };
        return mt::recipe{.optimizer = mt::adamw{}, .stages = mt::stages{stage("anneal"), stage("more")}};
    }();
    static_assert((mt::detail::judge_caps(recipe, mt::compiler_judge{}), true));
    BOOST_CHECK_EXCEPTION(mt::detail::judge_caps(recipe, mt::run_judge{}), mt::error,
                          [](mt::error const& e) { return std::string(e.what()).find("a source is drawn past its cap over all stages") != std::string::npos; });
}
BOOST_AUTO_TEST_CASE(sizes_are_held_against_the_files) {
    std::vector<std::string> const  names{"slow", "fast", "odd"};
    std::vector<std::int64_t> const files{1'000'000, 2'005'000, -1};
    auto const capped = [](mt::tokens fast) {
        return mt::capped_mixture<sources, mt::tempered_mixture<sources>>{
            {{{1_Mtok}, {fast}, {1_ktok}}, 2}, {{1_Mtok}, {2_Mtok}, {1_ktok}}, {4, 4, 4}, {}};
    };
    mt::check_sizes(capped(2_Mtok), "decay", names, files);
    struct own : mt::fixed_mixture<sources> {
        sources<double> sizes{9, 9, 9};  // in whatever unit
    };
    mt::check_sizes(own{{even}}, "decay", names, files);
    BOOST_CHECK_EXCEPTION(mt::check_sizes(capped(3_Mtok), "decay", names, files), mt::error, [](mt::error const& e) {
        return std::string(e.what()) ==
               "stage 'decay': the mixture says that source 'fast' has 3000000 tokens; its file has 2005000";
    });
}

BOOST_AUTO_TEST_SUITE_END()
