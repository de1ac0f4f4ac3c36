#include <boost/test/unit_test.hpp>
#include <midtrain/model/expert_family.hpp>
#include <support/family_laws.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(families)

BOOST_AUTO_TEST_CASE(experts) { test::keeps_all_laws<mt::model::expert_decoder>(mt::io::hf_model::experts); }

BOOST_AUTO_TEST_SUITE_END()
