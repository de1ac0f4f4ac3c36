#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/comm/self.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/mixture/any_order.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/evaluate.hpp>
#include <midtrain/train/trainer.hpp>
#include <support/striding_store.hpp>
#include <train/counted_new.hpp>

namespace mt = midtrain;

namespace orders_in_training {

/// Documents of 1 to 40 tokens, the harder the longer.
struct store {
    std::vector<std::vector<std::int32_t>> all;
    bool                                   scored = true;
    explicit store(int stride, int documents = 60) {
        for (int d = 0; d < documents; ++d) {
            all.emplace_back();
            for (int i = 0; i <= (d * 7) % 40; ++i) all.back().push_back((7 * d + stride * i) % 90);
        }
    }
    std::size_t                      documents() const { return all.size(); }
    std::vector<std::int32_t> const& document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
    double                           score(std::int64_t d) const { return static_cast<double>(document(d).size()); }
};
template <class T>
struct sources {
    T slow, fast;
};
using shape = test::ending_shape;

constexpr mt::data::fim half{.rate = .5, .spm = .5, .prefix = 92, .suffix = 93, .middle = 94, .only = {"fast"}};

/// Two stages of which the form is given: 8 steps of 4 x 32, then 5 of 2 x 64.
template <class Order>
auto recipe_of(mt::data::packing_kind packing, Order order, mt::data::fim fim = {}) {
    auto const batch = [&](mt::index_t sequences, mt::index_t length) {
        return mt::batch_form{.sequences = sequences, .length = length, .packing = packing, .window = 10};
    };
    return mt::judged(
        mt::recipe{.optimizer = mt::adamw{},
                   .stages    = mt::stages{mt::stage{.name     = "first",
                                                     .budget   = mt::tokens{8 * 4 * 32},
                                                     .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .4, .fast = .6}},
                                                     .rate     = mt::linear{.from = 3e-3, .to = 1e-3},
                                                     .batch    = batch(4, 32),
                                                     .position = mt::rope{.base = 1e4, .length = 64},
                                                     .order    = order,
                                                     .fim      = fim},
                                           mt::stage{.name     = "second",
                                                     .budget   = mt::tokens{5 * 2 * 64},
                                                     .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                                     .rate     = mt::linear{.from = 1e-3, .to = 0},
                                                     .batch    = batch(2, 64),
                                                     .position = mt::rope{.base = 1e4, .length = 64},
                                                     .order    = order,
                                                     .fim      = fim}}},
        shape{});
}

using model_type = mt::trainable<mt::host, mt::model::llama, shape, mt::fp32>;

struct run {
    mt::host       device{2};
    mt::self       ranks;
    model_type     model{device, {}};
    sources<store> corpus{.slow = store(1), .fast = store(3)};
    run() { model.initialise(1); }
};
struct scratch {
    std::string path;
    explicit scratch(std::string const& name) : path((std::filesystem::temp_directory_path() / ("midtrain_orders_" + name)).string()) {
        std::filesystem::remove_all(path);
    }
    ~scratch() { std::filesystem::remove_all(path); }
};

/// A run that is lost again and again and begins anew from its checkpoint ends with the bits of one that does not stop.
template <class Recipe>
void resumes_bit_for_bit(Recipe const& recipe, std::string const& name) {
    run         whole;
    mt::trainer t(whole.ranks, whole.model, recipe);
    t.run(whole.corpus);
    scratch const         folder(name);
    std::vector<float>    master;
    mt::run_state         state;
    for (std::int64_t stop : {3, 6, 8, 10, 12, 100}) {  // the step it is lost in; it goes on from the one before
        run         r;
        mt::trainer again(r.ranks, r.model, recipe, mt::checkpoints(mt::checkpoints::options{.folder = folder.path, .every_steps = 1, .background = false}));
        struct lost {};
        try {
            again.run(r.corpus, [&](mt::report const& now) {
                if (now.step == stop) throw lost();
            });
        } catch (lost const&) {
        }
        master.assign(r.model.master().begin(), r.model.master().end());
        state = again.state();
    }
    BOOST_TEST((state.record == t.state().record && state.cursors == t.state().cursors && state.buckets == t.state().buckets), name);
    BOOST_TEST(std::equal(master.begin(), master.end(), whole.model.master().begin()), name);
}

}  // namespace orders_in_training

using namespace orders_in_training;
using mt::data::packing_kind;

BOOST_AUTO_TEST_SUITE(orders)

BOOST_AUTO_TEST_CASE(every_way_of_packing_and_drawing_resumes_bit_for_bit) {
    mt::by_length const lengths{.from = {0, 10, 25}, .shares = {.2, .3, .5}, .at_end = {.5, .3, .2}, .only = {"slow"}};
    mt::by_score const  scores{.from = {0, .25}, .to = {0, 1}, .pace = .5, .grades = 4};
    for (auto kind : {packing_kind::concatenate, packing_kind::best_fit, packing_kind::pad}) {
        auto const name = std::string(mt::enum_name(kind));
        resumes_bit_for_bit(recipe_of(kind, mt::shuffled{}), name + "_shuffled");
        resumes_bit_for_bit(recipe_of(kind, mt::any_order(lengths), half), name + "_by_length");
        resumes_bit_for_bit(recipe_of(kind, mt::any_order(scores)), name + "_by_score");
    }
}
BOOST_AUTO_TEST_CASE(nothing_is_allocated_after_a_stages_first_step) {
    auto const check = [](auto const& recipe) {
        run                       r;
        mt::trainer               t(r.ranks, r.model, recipe);
        std::vector<std::int64_t> counts(20);
        std::size_t               step = 0;
        t.run(r.corpus, [&](mt::report const&) { counts[step++] = allocations.load(); });
        for (std::size_t i = 1; i < 8; ++i) BOOST_TEST(counts[i] == counts[1], "step " << i + 1);
        for (std::size_t i = 9; i < 13; ++i) BOOST_TEST(counts[i] == counts[9], "step " << i + 1);
    };
    check(recipe_of(packing_kind::best_fit, mt::by_length{.from = {0, 10, 25}, .shares = {.2, .3, .5}}, half));
    check(recipe_of(packing_kind::pad, mt::shuffled{}));
}
BOOST_AUTO_TEST_CASE(the_loss_of_a_padded_batch_is_that_of_its_documents) {
    // Every document fits into a sequence, so that packed, padded and one by one they are the same texts; sums in float differ in order.
    for (auto kind : {packing_kind::pad, packing_kind::best_fit}) {
        run                        r;
        std::vector<store>         stores{store(3, 16)};
        mt::data::packing_form const form{.packing = kind};
        mt::index_t                sequences = 16;
        if (kind == packing_kind::best_fit) {
            std::int64_t tokens = 0;
            for (auto const& d : stores[0].all) tokens += static_cast<std::int64_t>(d.size()) + 1;
            sequences = (tokens + 63) / 64;
        }
        mt::batches<store> drawn(std::span<store const>(stores), 95, 4, sequences, 64, sequences, form);
        r.model.set_rotary(64, mt::rope{.base = 1e4, .length = 64});
        drawn.draw([](std::int64_t, std::span<double> w) { w[0] = 1; });
        BOOST_TEST(drawn.cursors()[0].epoch == 1);  // exactly the store's documents
        BOOST_TEST(drawn.cursors()[0].tokens + drawn.cursors()[0].padding == sequences * 64);
        mt::adamw const    optimizer;
        std::vector<mt::step_part> parts;
        mt::step_result    result;
        r.model.prepare(optimizer);
        auto const documents = mt::evaluate_documents(r.model, stores[0], 95, {.sequences = 4, .length = 64});
        mt::take_step(r.ranks, r.model, optimizer, drawn, {.rate = 1e-3, .micro_batch = 2}, parts, result);
        std::int64_t targets = 0;
        for (auto const& d : documents) targets += d.targets;
        BOOST_TEST(drawn.targets() == targets);
        BOOST_TEST(result.loss == mt::mean_loss(documents), boost::test_tools::tolerance(1e-6));
    }
}
BOOST_AUTO_TEST_CASE(lengths_have_the_shares_that_were_asked_within_a_sequence) {
    std::vector<store>           stores{store(1), store(3)};
    std::vector<std::string>     names{"slow", "fast"};
    mt::by_length const          order{.from = {0, 10, 25}, .shares = {.2, .3, .5}, .only = {"slow"}};
    mt::batches<store>           drawn(std::span<store const>(stores), 95, 4, 1, 32, 300, {}, mt::document_wishes<mt::by_length>{order, {}, names});
    std::vector<std::int64_t>    of(3);
    std::int64_t                 slow = 0, apart = 0;
    for (int n = 0; n < 300; ++n) {
        drawn.draw(1, [](std::int64_t, std::span<double> w) { w[0] = w[1] = .5; }, [&](std::size_t b) { return order.share(b, {}); });
        if (drawn.source_of(0) != 0) continue;
        ++slow;
        auto const size = static_cast<std::int64_t>(stores[0].document(drawn.begins_at(0).document).size());
        ++of[order.bucket_of({size, 0})];
        for (std::size_t b = 0; b < 3; ++b)
            if (std::abs(static_cast<double>(of[b]) - order.share(b, {}) * static_cast<double>(slow)) >= 1) ++apart;
    }
    BOOST_TEST((slow == 150 && apart == 0));
    auto const state = drawn.now();
    BOOST_TEST((state.buckets[0].cursors.size() == 3 && state.buckets[1].cursors.empty()));
    BOOST_TEST((state.cursors[0].tokens == 150 * 32 && state.cursors[0].document == 0 && state.cursors[1].epoch > 0));
}
BOOST_AUTO_TEST_CASE(a_curriculum_goes_from_the_easy_to_all) {
    std::vector<store>       stores{store(1, 400)};
    std::vector<std::string> names{"slow"};
    mt::by_score const       order{.from = {0, .25}, .to = {0, 1}, .grades = 4};
    mt::batches<store>       drawn(std::span<store const>(stores), 95, 4, 1, 32, 400, {.packing = packing_kind::pad},
                                   mt::document_wishes<mt::by_score>{order, {}, names});
    // A quarter of the tokens is in documents of at most so many.
    std::vector<std::int64_t> sizes;
    std::int64_t              all = 0, below = 0;
    for (auto const& d : stores[0].all) sizes.push_back(static_cast<std::int64_t>(d.size())), all += sizes.back() + 1;
    std::sort(sizes.begin(), sizes.end());
    std::size_t quarter = 0;
    while (4 * below < all) below += sizes[quarter++] + 1;
    std::int64_t longest = 0, last_quarter = 0, harder = 0;
    for (int n = 0; n < 400; ++n) {
        mt::progress const at{n, {n * 32}, {400 * 32}, {32}};
        drawn.draw(1, [](std::int64_t, std::span<double> w) { w[0] = 1; }, [&](std::size_t b) { return order.share(b, at); });
        auto const size = static_cast<std::int64_t>(stores[0].document(drawn.begins_at(0).document).size());
        if (n < 5) longest = std::max(longest, size);
        if (n >= 300) ++last_quarter, harder += size > sizes[quarter - 1];
    }
    BOOST_TEST(longest <= sizes[quarter]);
    BOOST_TEST(static_cast<double>(harder) / static_cast<double>(last_quarter) > .6);
}
BOOST_AUTO_TEST_CASE(what_an_order_lacks_is_said_before_the_first_step) {
    struct plain {
        std::vector<std::vector<std::int32_t>> all;
        std::size_t                            documents() const { return all.size(); }
        std::vector<std::int32_t> const&       document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
    };
    auto const said = [](auto const& recipe, auto const& corpus) {
        run r;
        std::string what;
        try {
            mt::trainer t(r.ranks, r.model, recipe);
            t.run(corpus);
        } catch (mt::error const& e) {
            what = e.what();
        }
        return what;
    };
    sources<plain> const unscored{.slow = {store(1).all}, .fast = {store(3).all}};
    BOOST_TEST(said(recipe_of(packing_kind::pad, mt::by_score{}), unscored) == "source 'slow' has no scores, and the stage draws by them");
    BOOST_TEST(said(recipe_of(packing_kind::pad, mt::by_length{.from = {0, 50}, .shares = {.5, .5}}), unscored) ==
               "source 'slow' has no documents for bucket 1 of 2 of the stage's order, which gives it a share");
    BOOST_TEST(said(recipe_of(packing_kind::pad, mt::by_length{.from = {0, 50}, .shares = {1, 0}}), unscored) == "");
}
BOOST_AUTO_TEST_CASE(an_order_from_a_file_makes_the_same_bits) {
    mt::by_score const order{.from = {0, .5}, .to = {.5, 1}, .grades = 4};
    run                 a, b;
    mt::trainer         typed(a.ranks, a.model, recipe_of(packing_kind::best_fit, order));
    mt::trainer         chosen(b.ranks, b.model, recipe_of(packing_kind::best_fit, mt::any_order(order)));
    typed.run(a.corpus), chosen.run(b.corpus);
    BOOST_TEST((typed.state().record == chosen.state().record && typed.state().buckets == chosen.state().buckets));
}

BOOST_AUTO_TEST_SUITE_END()
