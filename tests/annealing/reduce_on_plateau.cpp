#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/cooled.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/excerpt.hpp>
#include <midtrain/annealing/joined.hpp>
#include <midtrain/annealing/reduce_on_plateau.hpp>
#include <midtrain/annealing/scaled_by_batch.hpp>
#include <midtrain/annealing/then.hpp>
#include <midtrain/annealing/warmup.hpp>
#include <midtrain/concepts/annealing_policy.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/train/read_fields.hpp>

namespace mt = midtrain;

namespace {

using policy_type = mt::reduce_on_plateau<mt::constant>;
static_assert(mt::AnnealingPolicy<policy_type> && mt::RateLooksBack<policy_type> && mt::FitsIfItHasFits<policy_type>);

/// A record of one source that was evaluated after every step.
struct record {
    std::vector<double> losses, held_out;

    void add(double loss) {
        losses.insert(losses.end(), {loss, loss});
        held_out.insert(held_out.end(), {static_cast<double>(losses.size() / 2), loss});
    }
    mt::loss_record seen(std::int64_t stage_begin = 0) const {
        return {.values = losses, .sources = 1, .stage_begin = stage_begin, .held_out = held_out};
    }
};

double member(mt::io::json const& of, char const* key) { return *of.find(key)->as<double>(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(reduce_on_plateau)

BOOST_AUTO_TEST_CASE(is_torchs) {
    std::string const         path = MIDTRAIN_SOURCE_DIR "/tests/golden/plateau.json";
    mt::io::mapped_file const file(path);
    auto const                all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
    int                       reduced = 0;
    for (auto const& c : *all.find("cases")->as<mt::io::json::array>()) {
        policy_type const p{.policy    = {.peak = member(c, "peak")},
                            .factor    = member(c, "factor"),
                            .patience  = static_cast<std::int64_t>(member(c, "patience")),
                            .threshold = member(c, "threshold"),
                            .cooldown  = static_cast<std::int64_t>(member(c, "cooldown")),
                            .least     = member(c, "least")};
        auto const&       losses = *c.find("losses")->as<mt::io::json::array>();
        auto const&       rates  = *c.find("rates")->as<mt::io::json::array>();
        record            r;
        double            worst = 0;  // both multiply in the same order: only the last place may differ
        for (std::size_t i = 0; i < losses.size(); ++i) {
            r.add(*losses[i].as<double>());
            worst = std::max(worst, std::abs(p.rate({}, r.seen()) / *rates[i].as<double>() - 1));
        }
        BOOST_TEST(worst < 1e-15);
        reduced += p.rate({}, r.seen()) < member(c, "peak");
    }
    BOOST_TEST(reduced == 6);
}
BOOST_AUTO_TEST_CASE(looks_at_its_own_stage_alone_and_scales_any_policy) {
    mt::reduce_on_plateau<mt::linear> const p{.policy = {.from = 1e-3, .to = 0}, .factor = 0.5, .patience = 1};
    record                                  r;
    for (int i = 0; i < 6; ++i) r.add(2.0);
    mt::progress const half{5, {50}, {100}, {10}};
    BOOST_TEST(p.reductions(r.seen()) == 2);  // evaluations 1 best, 2 and 3 bad: once; 4 and 5: twice
    BOOST_TEST(p.rate(half, r.seen()) == 0.25 * 5e-4);
    BOOST_TEST(p.reductions(r.seen(3)) == 1);  // 4 best, 5 and 6 bad
    BOOST_TEST(p.rate(half, mt::loss_record{}) == 5e-4);
    BOOST_TEST(p.rate(half, r.seen().before(3)) == 0.5 * 5e-4);  // the record as it was
}
BOOST_AUTO_TEST_CASE(a_floor_does_not_lift_what_is_below_it) {
    mt::reduce_on_plateau<mt::linear> const p{.policy = {.from = 1e-3, .to = 0}, .factor = 0.1, .patience = 0, .least = 5e-4};
    record                                  r;
    for (int i = 0; i < 3; ++i) r.add(2.0);
    BOOST_TEST(p.rate({0, {0}, {100}, {10}}, r.seen()) == 5e-4);
    BOOST_TEST(p.rate({9, {90}, {100}, {10}}, r.seen()) == 0.1 * 1e-3, boost::test_tools::tolerance(1e-12));
}
BOOST_AUTO_TEST_CASE(a_file_may_name_it) {
    mt::any_annealing any;
    BOOST_TEST_REQUIRE(any.choose("reduce_on_plateau"));
    any.visit([](auto& p) {
        if constexpr (requires { p.patience; }) p.policy = mt::constant{.peak = 1e-3}, p.patience = 1;
    });
    record r;
    for (int i = 0; i < 3; ++i) r.add(2.0);
    BOOST_TEST(any.rate({}, r.seen()) == 1e-4, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(any.rate({}) == 1e-3);
    BOOST_TEST(mt::rate_of(any, {}, r.seen()) == any.rate({}, r.seen()));
}
BOOST_AUTO_TEST_CASE(numbers_that_make_no_sense_do_not_fit) {
    policy_type const good{.policy = {.peak = 1}};
    BOOST_TEST(good.fits({100}));
    auto const broken = [&](auto change) {
        auto p = good;
        change(p);
        return !p.fits({100});
    };
    BOOST_TEST(broken([](auto& p) { p.factor = 1; }));
    BOOST_TEST(broken([](auto& p) { p.patience = -1; }));
    BOOST_TEST(broken([](auto& p) { p.threshold = -0.1; }));
}

/// The record reaches what looks back also where it is a part: a part sees the evaluations of its own steps.
BOOST_AUTO_TEST_CASE(parts_see_the_record) {
    policy_type const  p{.policy = {.peak = 1}, .factor = 0.5, .patience = 2};
    mt::tokens const   batch{10}, all{400};
    auto const         at = [&](std::int64_t step) { return mt::progress{step, step * batch, all, batch}; };
    record              r;
    std::vector<record> records;  // what was seen before each step; nothing ever gets better
    for (int step = 0; step <= 40; ++step) records.push_back(r), r.add(3);
    auto const after = [&](std::int64_t step) { return records[static_cast<std::size_t>(step)].seen(); };
    double const halved = 0.5;
    BOOST_TEST(p.rate(at(3), after(3)) == 1);
    BOOST_TEST(p.rate(at(4), after(4)) == halved);  // the first is the best so far, and two more are borne

    // Behind a part of ten steps it counts from there on.
    mt::then const late{.first = mt::constant{.peak = 1}, .until = 10 * batch, .second = p};
    static_assert(mt::RateLooksBack<decltype(late)> && !mt::RateLooksBack<mt::then<mt::constant, mt::constant>>);
    mt::annealing::joined<policy_type> const two{.parts = {{.over = 10 * batch, .at_end = mt::joint::jump, .rate = p}, {.rate = p}}};
    mt::warmed<policy_type> const            warm{.over = 10 * batch, .policy = p};
    for (std::int64_t step = 10; step <= 40; ++step) {
        double const want = p.rate(at(step), {after(step).values, 1, 10, after(step).held_out});
        BOOST_TEST(late.rate(at(step), after(step)) == want, step);
        BOOST_TEST(two.rate(at(step), after(step)) == want, step);
        BOOST_TEST(warm.rate(at(step), after(step)) == want, step);
    }
    BOOST_TEST(late.rate(at(13), after(13)) == 1);
    BOOST_TEST(late.rate(at(14), after(14)) == halved);
    BOOST_TEST(late.rate(at(9), after(9)) == 1);
    BOOST_TEST(two.rate(at(9), after(9)) < halved);
    BOOST_TEST(late.rate(at(14)) == 1);  // a plan, without a record

    // A stretch of a longer way sees its stage, and a tail begins at the rate of its joint, whatever comes after.
    BOOST_TEST((mt::excerpt<policy_type>{.of = 3 * all, .skip = all, .policy = p}.rate(at(4), after(4)) == halved));
    mt::cooled<policy_type> const tail{.decay = {200}, .policy = p};
    double const                  joint = p.rate(at(20), after(20));
    BOOST_TEST(joint < 0.1);
    BOOST_TEST(tail.rate(at(20), after(20)) == joint);
    BOOST_TEST(tail.rate(at(30), after(30)) == joint / 2);
    BOOST_TEST((mt::scaled_by_batch<policy_type>{.of = {40}, .policy = p}.rate(at(4), after(4)) == halved / 2));

    // What a file names does the same.
    using mt::annealing::annealing_choice, mt::annealing::one_annealing;
    mt::reduce_on_plateau<annealing_choice<>> const chosen{.policy = mt::constant{.peak = 1}, .factor = 0.5, .patience = 2};
    mt::any_annealing const named = mt::annealing::joined<one_annealing>{.parts = {{.over = 10 * batch, .rate = mt::constant{.peak = 1}}, {.rate = chosen}}};
    BOOST_TEST(named.fits(all, batch));
    mt::any_annealing read;
    mt::read_fields(mt::io::parse_json(R"({"kind": "joined", "parts": [{"over": 100, "rate": {"kind": "constant", "peak": 1}},
        {"rate": {"kind": "reduce_on_plateau", "factor": 0.5, "patience": 2, "policy": {"kind": "constant", "peak": 1}}}]})", "file"), "file", read);
    for (std::int64_t step = 0; step <= 40; ++step) BOOST_TEST(read.rate(at(step), after(step)) == named.rate(at(step), after(step)), step);
    BOOST_TEST((named.looks_back() && mt::any_annealing(chosen).looks_back() && !mt::any_annealing(mt::constant{.peak = 1}).looks_back()));
    for (std::int64_t step = 0; step <= 40; ++step) BOOST_TEST(named.rate(at(step), after(step)) == late.rate(at(step), after(step)), step);
}

BOOST_AUTO_TEST_SUITE_END()
