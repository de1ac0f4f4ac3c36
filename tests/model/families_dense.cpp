#include <boost/test/unit_test.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/olmo.hpp>
#include <midtrain/model/nemotron.hpp>
#include <support/family_laws.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(families)

BOOST_AUTO_TEST_CASE(gpt2) { test::keeps_all_laws<mt::model::gpt2>(mt::io::hf_model::gpt2); }
BOOST_AUTO_TEST_CASE(olmo) { test::keeps_all_laws<mt::model::olmo>(mt::io::hf_model::olmo); }
BOOST_AUTO_TEST_CASE(nemotron) { test::keeps_all_laws<mt::model::nemotron>(mt::io::hf_model::nemotron); }

BOOST_AUTO_TEST_SUITE_END()
