#define BOOST_TEST_MODULE midtrain
#include <boost/test/unit_test.hpp>
