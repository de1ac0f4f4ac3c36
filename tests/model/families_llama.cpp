#include <boost/test/unit_test.hpp>
#include <midtrain/model/llama.hpp>
#include <support/family_laws.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(families)

BOOST_AUTO_TEST_CASE(llama) { test::keeps_all_laws<mt::model::llama>(mt::io::hf_model::llama); }

BOOST_AUTO_TEST_SUITE_END()
