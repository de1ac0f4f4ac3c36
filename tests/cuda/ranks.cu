// NCCL keeps the laws of communicators, on one GPU with one rank: numbers of the host, numbers of the GPU, verbs under way, and a
// run whose steps are one graph each, exchange included.
#include <vector>
#include <midtrain/comm/self.hpp>
#include <midtrain/cuda.cuh>
#include <cuda/gpu.hpp>
#include <laws/communicator.hpp>
#include <support/rank_runs.hpp>

#if __has_include(<nccl.h>)
namespace mt = midtrain;

static_assert(mt::Communicator<mt::nccl>);

BOOST_AUTO_TEST_SUITE(ranks_on_a_gpu, *boost::unit_test::precondition(test::has_gpu))

BOOST_AUTO_TEST_CASE(one_rank_keeps_the_laws) {
    mt::cuda device;
    mt::nccl ranks(device, mt::launch{});
    BOOST_TEST(laws::communicator(ranks) == "");
}

BOOST_AUTO_TEST_CASE(the_key_may_come_by_another_communicator) {
    mt::cuda device;
    mt::self alone;
    mt::nccl ranks(device, alone);
    BOOST_TEST(ranks.size() == 1);
    auto   inner = ranks.split(0);
    double x[]   = {3};
    inner.sum(mt::row_view<double>{x, 1});
    BOOST_TEST(x[0] == 3);
}

BOOST_AUTO_TEST_CASE(what_lies_on_the_gpu_stays_there) {
    mt::cuda           device;
    mt::nccl           ranks(device, mt::launch{});
    std::vector<float> v(1000), got(1000);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i);
    auto const a = device.make<float>(1000), b = device.make<float>(1000);
    device.upload(v.data(), a.view());
    auto sum   = ranks.sum_async(a.view());
    auto parts = ranks.reduce_scatter_async(mt::row_view<float const>(a.view()), b.view());
    parts.wait(), sum.wait();
    device.download(mt::row_view<float const>(b.view()), got.data());
    BOOST_TEST((got == v));
}

BOOST_AUTO_TEST_CASE(a_run_whose_steps_are_repeated_has_the_bits_of_one_without_ranks) {
    mt::cuda   one, other;
    mt::self   alone;
    mt::nccl   ranks(other, mt::launch{});
    auto const plain = test::run_on<mt::bf16_mixed>(one, alone, {}), by_nccl = test::run_on<mt::bf16_mixed>(other, ranks, {});
    BOOST_TEST(plain.norms.size() == 12);
    BOOST_TEST(test::same_bits(by_nccl, plain));
}

BOOST_AUTO_TEST_SUITE_END()
#endif
