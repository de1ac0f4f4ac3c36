#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/core/error.hpp>
#include <midtrain/train/fits_memory.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(fits_memory)

BOOST_AUTO_TEST_CASE(a_plan_that_needs_more_than_there_is_is_refused) {
    mt::run_plan p;
    p.weights = 6'000'000, p.gradients = 4'000'000, p.slots = 8'000'000, p.activations = 2'000'000, p.average = 500'000, p.saved_copy = 500'000;
    BOOST_TEST(p.memory() == 21'000'000);
    BOOST_CHECK_NO_THROW(mt::fits_memory(p, 21'000'000));
    BOOST_CHECK_NO_THROW(mt::fits_memory(p, 0));  // unknown
    BOOST_CHECK_EXCEPTION(mt::fits_memory(p, 20'999'999), mt::error, [](mt::error const& e) {
        std::string const said = e.what();
        return said.find("needs 21 MB") != std::string::npos && said.find("activations 2.0 MB") != std::string::npos &&
               said.find("batch.micro") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(this_machine_has_some) {
    BOOST_TEST(mt::usable_memory() > 64'000'000);
    BOOST_TEST(mt::usable_memory() < (std::int64_t{1} << 50));
}

BOOST_AUTO_TEST_SUITE_END()
