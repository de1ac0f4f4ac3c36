#pragma once
#include <boost/test/unit_test.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/exec/cuda/cuda.cuh>

namespace test {

/// Precondition of every case that runs on a GPU: elsewhere it is skipped, with the reason.
inline boost::test_tools::assertion_result has_gpu(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result found(true);
    try {
        midtrain::cuda device;
    } catch (midtrain::error const& e) {
        found = boost::test_tools::assertion_result(false);
        found.message() << e.what();
    }
    return found;
}

}  // namespace test
