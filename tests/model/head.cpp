#include <boost/test/unit_test.hpp>
#include <cmath>
#include <type_traits>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

/// A host that notes how many rows the loss is asked for at once; logits of a chunk may take so many bytes.
template <mt::index_t bytes>
struct noting : mt::host {
    static constexpr mt::index_t logits_bytes = bytes;
    std::vector<mt::index_t>     chunks;

    noting() : mt::host(1) {}
    template <class F>
    void rows(mt::index_t n, F const& f) {
        if constexpr (std::is_same_v<F, mt::op::cross_entropy<double>>) chunks.push_back(n);
        mt::host::rows(n, f);
    }
};
struct long_shape : test::small_shape {
    static constexpr int layers = 1, context = 256;
};

struct outcome {
    std::vector<double>      loss, gradient;
    std::vector<mt::index_t> chunks;
};
template <class Device>
outcome one_batch() {
    Device                                                               device;
    mt::trainable<Device, mt::model::llama, long_shape, mt::fp64> m(device, {});
    m.initialise(1);
    m.set_rotary(256, test::plain_rope);
    auto const owned = test::owned_batch::random(3, 256, 96, 10);
    outcome    o;
    o.loss.resize(768);
    m.zero_gradient();
    m.accumulate(owned.view(), {o.loss.data(), 768});
    o.chunks = device.chunks;
    o.gradient.assign(m.gradient().begin(), m.gradient().end());
    return o;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(head)

// 768 rows in chunks of 256, or of 512 and 256: the table's gradient is a sum of the same products, cut elsewhere.
BOOST_AUTO_TEST_CASE(a_device_with_room_takes_more_rows_at_once) {
    auto const few = one_batch<noting<0>>(), many = one_batch<noting<600 * 96 * 8>>();
    BOOST_TEST((few.loss == many.loss));
    double apart = 0, size = 0;
    for (std::size_t i = 0; i < few.gradient.size(); ++i) {
        apart = std::max(apart, std::abs(few.gradient[i] - many.gradient[i]));
        size  = std::max(size, std::abs(few.gradient[i]));
    }
    BOOST_TEST(apart < 1e-14 * size);
    BOOST_TEST((few.chunks == std::vector<mt::index_t>{256, 256, 256}));
    BOOST_TEST((many.chunks == std::vector<mt::index_t>{512, 256}));
}

BOOST_AUTO_TEST_SUITE_END()
