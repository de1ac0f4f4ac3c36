#include <algorithm>
#include <cmath>
#include <vector>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/expert_family.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>
#include <cuda/gpu.hpp>

namespace mt = midtrain;

namespace {

struct grouped : test::small_shape {
    static constexpr mt::expert_shape experts{.count = 9, .chosen = 3, .ffn = 10, .shared_ffn = 12, .scores = mt::router_scores::sigmoid,
                                              .renormalise = true, .scale = 2.5, .biased = true, .grouping = mt::expert_groups::best,
                                              .groups = 3, .top_groups = 2, .first_dense = 1, .devices = 3,
                                              .balance = {.sequence = 0.3, .micro_batch = 0.2, .global_batch = 0.4, .devices = 0.5, .z = 0.1}};
};
template <mt::overflow past>
struct crowded : test::small_shape {
    static constexpr mt::expert_shape experts{.count = 5, .chosen = past == mt::overflow::recycle ? 1 : 2, .ffn = 10, .capacity = 1, .past = past};
};

/// The gradient of a batch, and what its routers counted.
template <class Shape, class Device>
std::vector<double> step(Device& device) {
    mt::trainable<Device, mt::model::expert_decoder, Shape, mt::fp64> m(device, {});
    m.initialise(1);
    m.set_rotary(24, test::plain_rope);
    auto const          owned = test::owned_batch::random(2, 24, 96, 10);
    std::vector<double> by_token(48), found(static_cast<std::size_t>(m.gradient().size()));
    m.zero_gradient();
    m.accumulate(owned.view(), {by_token.data(), 48});
    device.download(mt::row_view<double const>(m.gradient()), found.data());
    auto const& loads = m.read_router_loads();
    found.insert(found.end(), loads.begin(), loads.end());
    return found;
}
/// In double, so that no choice depends on the order of a sum.
template <class Shape>
void equals_host() {
    mt::host   host(1);
    mt::cuda   gpu;
    auto const want = step<Shape>(host), got = step<Shape>(gpu);
    double     most = 0, size = 0;
    for (std::size_t i = 0; i < want.size(); ++i) most = std::max(most, std::abs(got[i] - want[i])), size = std::max(size, std::abs(want[i]));
    BOOST_TEST(most < 1e-12 * size);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(experts_on_a_gpu, *boost::unit_test::precondition(test::has_gpu))

BOOST_AUTO_TEST_CASE(groups_biases_and_losses) { equals_host<grouped>(); }
BOOST_AUTO_TEST_CASE(recycled) { equals_host<crowded<mt::overflow::recycle>>(); }
BOOST_AUTO_TEST_CASE(dropped_late) { equals_host<crowded<mt::overflow::drop_late>>(); }
BOOST_AUTO_TEST_CASE(dropped_improbable) { equals_host<crowded<mt::overflow::drop_improbable>>(); }

BOOST_AUTO_TEST_SUITE_END()
