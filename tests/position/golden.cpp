#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <string>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/position/llama3.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/scaled.hpp>

namespace mt = midtrain;

namespace {

double number(mt::io::json const& of, char const* key) { return *of.find(key)->as<double>(); }

/// Our frequencies and temperature against those of a case, which are fp32: a base of a million to a power has an error of a few times
/// ln(1e6) 2^-24 = 8e-7 there.
template <class Policy>
void equals(mt::io::json const& wanted, Policy const& policy) {
    auto const& frequencies = *wanted.find("frequencies")->as<mt::io::json::array>();
    auto const  size = static_cast<mt::index_t>(number(wanted, "head_size")), length = policy.context();
    BOOST_REQUIRE(static_cast<mt::index_t>(frequencies.size()) == size / 2);
    double worst = 0;
    for (mt::index_t i = 0; i < size / 2; ++i) {
        double const theirs = *frequencies[static_cast<std::size_t>(i)].as<double>();
        worst               = std::max(worst, std::abs(policy.inverse_frequency(i, size, length) / theirs - 1));
    }
    BOOST_TEST(worst < 1e-6);
    BOOST_TEST(std::abs(policy.temperature(length) / number(wanted, "attention_factor") - 1) < 1e-14);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(position_against_transformers)

BOOST_AUTO_TEST_CASE(every_type_and_setting) {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/position.json");
    auto const all   = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    auto const cases = all.find("cases")->as<mt::io::json::array>();
    BOOST_TEST(cases->size() >= 15u);
    for (auto const& c : *cases) {
        auto const& type = *c.find("type")->as<std::string>();
        double const base = number(c, "base");
        auto const   trained = static_cast<mt::index_t>(number(c, "trained")), extended = static_cast<mt::index_t>(number(c, "extended"));
        BOOST_TEST_CONTEXT(type << ", base " << base << ", " << trained << " to " << extended) {
            if (type == "default") equals(c, mt::rope{.base = base, .length = extended});
            else if (type == "linear") equals(c, mt::interpolated{.base = base, .trained = trained, .extended = extended});
            else if (type == "dynamic") equals(c, mt::ntk{.base = base, .trained = trained, .extended = extended});
            else {
                double const fast = number(c, "fast"), slow = number(c, "slow");
                if (type == "yarn") equals(c, mt::yarn{.base = base, .trained = trained, .extended = extended, .fast = fast, .slow = slow});
                else
                    equals(c, mt::llama3{.base = base, .trained = trained, .extended = extended, .factor = number(c, "factor"),
                                         .slow = slow, .fast = fast});
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
