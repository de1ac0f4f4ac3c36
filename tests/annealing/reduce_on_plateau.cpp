#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/reduce_on_plateau.hpp>
#include <midtrain/concepts/annealing_policy.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>

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

BOOST_AUTO_TEST_SUITE_END()
