#pragma once
#include <midtrain/comm/mpi.hpp>

namespace test {

/// All processes of this test; MPI is begun once.
midtrain::mpi& ranks();

}  // namespace test
