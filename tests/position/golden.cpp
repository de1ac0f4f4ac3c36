#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/position/any_position.hpp>

namespace mt = midtrain;

namespace {

struct golden_case {
    mt::io::json const& all;

    bool        has(char const* key) const { return all.find(key) != nullptr; }
    double      number(char const* key) const { return *all.find(key)->as<double>(); }
    double      number(char const* key, double absent) const { return has(key) ? number(key) : absent; }
    mt::index_t whole(char const* key) const { return static_cast<mt::index_t>(number(key)); }
    std::string type() const { return *all.find("type")->as<std::string>(); }
    mt::pair_factors list(char const* key) const {
        mt::pair_factors f;
        for (auto const& x : *all.find(key)->as<mt::io::json::array>()) f.push_back(*x.as<double>());
        return f;
    }
};

/// Our policy for what transformers was told, heads turned as a whole.
mt::position::whole_head whole_head_of(golden_case const& c) {
    double const base = c.number("base"), factor = c.number("factor", 1);
    auto const   trained = c.whole("trained"), extended = c.whole("extended");
    if (c.type() == "default") return mt::rope{.base = base, .length = extended};
    if (c.type() == "linear") return mt::interpolated{.base = base, .trained = trained, .extended = extended};
    if (c.type() == "dynamic") return mt::dynamic_ntk{.base = base, .trained = trained, .extended = extended, .factor = factor};
    if (c.type() == "ntk_alpha") return mt::ntk_alpha{.base = base, .alpha = c.number("alpha_of_ntk"), .length = extended};
    if (c.type() == "llama3")
        return mt::llama3{.base = base, .trained = trained, .extended = extended, .factor = factor, .slow = c.number("low_freq_factor"),
                          .fast = c.number("high_freq_factor")};
    if (c.type() == "yarn")
        return mt::yarn{.base = base, .trained = trained, .extended = extended, .fast = c.number("beta_fast", 32),
                        .slow = c.number("beta_slow", 1), .factor = factor, .truncate = !c.has("truncate"), .mscale = c.number("mscale", 0),
                        .mscale_all_dim = c.number("mscale_all_dim", 0), .attention_factor = c.number("attention_factor", 0)};
    if (c.type() == "longrope")
        return mt::longrope{.base = base, .trained = trained, .extended = extended, .long_factor = c.list("long_factor"),
                            .short_factor = c.list("short_factor"), .factor = factor, .attention_factor = c.number("attention_factor", 0)};
    BOOST_REQUIRE(c.type() == "proportional");
    return mt::proportional{.base = base, .length = extended, .share = c.number("partial_rotary_factor"), .factor = factor};
}

/// Frequencies are those of transformers' code run in double: 1e-12 is a few roundings of a power whose exponent is up to 16.
template <class Policy>
void equals(golden_case const& c, Policy const& policy) {
    auto const& wanted = *c.all.find("frequencies")->as<mt::io::json::array>();
    auto const  width = mt::rotary_width_of(policy, c.whole("head")), length = c.whole("length"), count = c.whole("count");
    BOOST_REQUIRE(count == width / 2);
    double worst = 0;
    for (std::size_t k = 0; k < 10; ++k) {
        auto const   pair = static_cast<mt::index_t>(std::nearbyint(static_cast<double>(k) * static_cast<double>(count - 1) / 9));
        double const ours = policy.inverse_frequency(pair, width, length), theirs = *wanted[k].template as<double>();
        worst             = std::max(worst, theirs == 0 ? std::abs(ours) : std::abs(ours / theirs - 1));
    }
    BOOST_TEST(worst < 1e-12);
    BOOST_TEST(std::abs(policy.temperature(length) / c.number("alpha") - 1) < 1e-14);
    BOOST_TEST((mt::position_fault_of(policy, c.whole("head")) == mt::position_fault::none));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(position_against_transformers)

BOOST_AUTO_TEST_CASE(every_type_shape_and_length) {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/position.json");
    auto const all   = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    auto const cases = all.find("cases")->as<mt::io::json::array>();
    std::map<std::string, int> seen;
    for (auto const& one : *cases) {
        golden_case const c{one};
        ++seen[c.type()];
        BOOST_TEST_CONTEXT(c.type() << ", head " << c.whole("head") << ", " << c.whole("trained") << " to " << c.whole("extended")) {
            auto const policy = whole_head_of(c);
            if (c.has("partial_rotary_factor") && c.type() != "proportional")
                equals(c, mt::partial{.share = c.number("partial_rotary_factor"), .policy = policy});
            else equals(c, mt::any_position(policy.visit([](auto const& p) { return mt::any_position(p); })));
        }
    }
    // Five shapes and three lengths each.
    for (char const* type : {"default", "linear", "dynamic", "ntk_alpha", "llama3", "yarn", "longrope", "proportional"})
        BOOST_TEST(seen[type] >= 15, type);
}
// The temperature of DeepSeek-V3 is on the softmax's scale; ours, too, if it is said.
BOOST_AUTO_TEST_CASE(deepseek_heats_the_scores) {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/position.json");
    auto const all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    int        seen = 0;
    for (auto const& one : *all.find("cases")->as<mt::io::json::array>()) {
        golden_case const c{one};
        if (c.type() != "yarn" || !(c.has("mscale") && c.has("mscale_all_dim"))) continue;
        ++seen;
        mt::yarn const p{.base = c.number("base"), .trained = c.whole("trained"), .extended = c.whole("extended"), .factor = c.number("factor"),
                         .mscale = c.number("mscale"), .mscale_all_dim = c.number("mscale_all_dim"), .heat = mt::yarn_heat::scores};
        BOOST_TEST(std::abs(p.score_factor(c.whole("length")) / c.number("scores") - 1) < 1e-14);
        BOOST_TEST(std::abs(p.temperature(c.whole("length")) / c.number("alpha") - 1) < 1e-14);
    }
    BOOST_TEST(seen >= 30);
}
// The paper's ramp, in turns, is Llama 3.1's with other ends, which transformers has.
BOOST_AUTO_TEST_CASE(by_parts_is_the_ramp_of_llama3) {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/position.json");
    auto const all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    int        seen = 0;
    for (auto const& one : *all.find("cases")->as<mt::io::json::array>()) {
        golden_case const c{one};
        if (c.type() != "llama3" || c.number("high_freq_factor") != 32) continue;
        ++seen;
        equals(c, mt::by_parts{.base = c.number("base"), .trained = c.whole("trained"), .extended = c.whole("extended")});
        equals(c, mt::yarn{.base = c.number("base"), .trained = c.whole("trained"), .extended = c.whole("extended"),
                           .ramp = mt::yarn_ramp::turns, .attention_factor = 1});
    }
    BOOST_TEST(seen == 15);
}

BOOST_AUTO_TEST_SUITE_END()
