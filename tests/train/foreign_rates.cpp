#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/train/foreign/read.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(foreign_rates)

// Every step of every schedule against the trainer's own scheduler, relative to that step's rate: what is read from a configuration is an
// emulation of the trainer, which is in double as the trainer is and differs by a few roundings.
BOOST_AUTO_TEST_CASE(each_step_has_the_rate_that_the_other_trainer_gives_it) {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/foreign_rates.json");
    auto const all   = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    auto const cases = all.find("cases")->as<mt::io::json::array>();
    BOOST_TEST(cases->size() == 67u);
    std::map<std::string, double> worst;
    for (auto const& c : *cases) {
        auto const& trainer = *c.find("trainer")->as<std::string>();
        auto const& rates   = *c.find("rates")->as<mt::io::json::array>();
        auto const& config  = *c.find("config");
        auto const  text    = config.as<std::string>() ? *config.as<std::string>() : mt::io::written(config);
        BOOST_TEST_CONTEXT(trainer << ": " << *c.find("name")->as<std::string>()) {
            auto const r = mt::foreign::read_run(text, "case");
            BOOST_REQUIRE(r.steps == std::ssize(rates));
            BOOST_TEST(r.rate.fits(r.at(r.steps).seen));
            double apart = 0;
            for (std::int64_t s = 0; s < r.steps; ++s) {
                double const want = *rates[static_cast<std::size_t>(s)].as<double>();
                apart             = std::max(apart, std::abs(r.rate_of(s) - want) / std::max(want, 1e-300));  // zero must be zero
            }
            BOOST_TEST(apart < 1e-12);
            worst[trainer] = std::max(worst[trainer], apart);
        }
    }
    for (auto const& [trainer, apart] : worst) BOOST_TEST_MESSAGE(trainer << ": at most " << apart << " of the rate apart");
}

BOOST_AUTO_TEST_SUITE_END()
