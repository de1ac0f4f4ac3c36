#include <boost/test/unit_test.hpp>
#include <midtrain/model/deepseek_v3.hpp>
#include <support/family_laws.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(families)

BOOST_AUTO_TEST_CASE(deepseek_v3) { test::keeps_all_laws<mt::model::deepseek_v3>(mt::io::hf_model::deepseek_v3); }

BOOST_AUTO_TEST_SUITE_END()
