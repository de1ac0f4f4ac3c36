#include <boost/test/unit_test.hpp>
#include <midtrain/model/mamba.hpp>
#include <midtrain/model/mamba2.hpp>
#include <midtrain/model/zamba.hpp>
#include <support/family_laws.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(families)

BOOST_AUTO_TEST_CASE(mamba) { test::keeps_all_laws<mt::model::mamba>(mt::io::hf_model::mamba); }
BOOST_AUTO_TEST_CASE(mamba2) { test::keeps_all_laws<mt::model::mamba2>(mt::io::hf_model::mamba2); }
BOOST_AUTO_TEST_CASE(zamba) { test::keeps_all_laws<mt::model::zamba>(mt::io::hf_model::zamba); }

BOOST_AUTO_TEST_SUITE_END()
