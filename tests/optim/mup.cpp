#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <midtrain/core/enum_names.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/optim/by_role.hpp>

// Against Microsoft's mup: see tests/oracle/mup_rates.py.
namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(mup)

BOOST_AUTO_TEST_CASE(rates_by_width_are_those_of_the_published_package) {
    mt::io::mapped_file const file{MIDTRAIN_SOURCE_DIR "/tests/golden/mup_rates.json"};
    auto const all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    int        compared = 0;
    for (auto const& c : *all.as<mt::io::json::array>()) {
        auto const number = [](mt::io::json const& of, char const* name) { return *of.find(name)->as<double>(); };
        auto const rates  = mt::by_role{.base_width = static_cast<mt::index_t>(number(c, "base"))}.at_width(
            static_cast<mt::index_t>(number(c, "width")));
        for (auto const& w : *c.find("weights")->as<mt::io::json::array>()) {
            auto const& name = *w.find("role")->as<std::string>();
            auto const  role = mt::enum_value<mt::role>(name);
            BOOST_TEST_REQUIRE(role.has_value(), name);
            double const got = rates.factor(*role, static_cast<mt::index_t>(number(w, "rows")), static_cast<mt::index_t>(number(w, "columns")));
            BOOST_TEST(std::abs(got / number(w, "factor") - 1) < 1e-15, name << " at width " << rates.width << ": " << got);
            ++compared;
        }
    }
    BOOST_TEST(compared == 30);
}

BOOST_AUTO_TEST_SUITE_END()
