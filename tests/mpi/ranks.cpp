// MPI begins before the first case and ends behind the last one.
#include <boost/test/unit_test.hpp>
#include <optional>
#include <mpi/ranks.hpp>

namespace {

std::optional<midtrain::mpi> all;

struct begun {
    begun() { all.emplace(); }
    ~begun() { all.reset(); }
};

}  // namespace

midtrain::mpi& test::ranks() { return *all; }

BOOST_TEST_GLOBAL_FIXTURE(begun);
