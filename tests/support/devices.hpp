#pragma once
#include <boost/test/unit_test.hpp>  // first: with MPL before it, nvcc has suites without decorators
#include <boost/mpl/list.hpp>
#include <support/moved.hpp>
#ifdef __CUDACC__
#include <cuda/gpu.hpp>
#else
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <support/far_device.hpp>
#endif

// One body, every device: what a test of test::devices says is shown on the host, by a crowd and where the host reads no memory when g++ builds
// its source, and on a GPU when nvcc builds the very same file. Numbers go there and come back by support/moved.hpp.
namespace test {

#ifdef __CUDACC__
using devices       = boost::mpl::list<midtrain::cuda>;
using tuned_devices = devices;
using far_devices   = devices;

/// Precondition of a suite of test::devices: without a GPU its cases are skipped, with the reason.
inline boost::test_tools::assertion_result has_devices(boost::unit_test::test_unit_id id) { return has_gpu(id); }
/// Whether they round as the host does: a GPU makes one rounding of a product and a sum.
inline constexpr bool same_arithmetic = false;
#else
struct host : midtrain::host {
    host() : midtrain::host(2) {}
};
struct crowd : midtrain::crowd {
    crowd() : midtrain::crowd(4) {}  // more would wait for cores; wider ones are in tests/laws
};
using devices       = boost::mpl::list<host, crowd, far_device>;
using tuned_devices = boost::mpl::list<host>;  ///< those that have ways of their own, to be compared with the plain ones
using far_devices   = boost::mpl::list<far_device>;  ///< those whose memory the host does not read

inline boost::test_tools::assertion_result has_devices(boost::unit_test::test_unit_id) { return true; }
inline constexpr bool same_arithmetic = true;
#endif

}  // namespace test
