#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/hunyuan_large.hpp>
#include <midtrain/model/pangu_pro_moe.hpp>
#include <midtrain/model/qwen_moe.hpp>
#include <support/expert_laws.hpp>

namespace mt = midtrain;

namespace {

constexpr mt::balance_weights every_loss{.sequence = 0.3, .micro_batch = 0.2, .global_batch = 0.4, .devices = 0.5, .z = 0.1};

struct qwen : test::small_shape {
    static constexpr bool             qk_norm = true;
    static constexpr mt::expert_shape experts{.count = 8, .chosen = 2, .ffn = 10, .renormalise = true, .devices = 4, .balance = every_loss};
};
/// The FFN of DeepSeek-V3, and a dense layer before it.
struct deepseek : test::small_shape {
    static constexpr mt::expert_shape experts{.count = 9, .chosen = 3, .ffn = 10, .shared_ffn = 12, .scores = mt::router_scores::sigmoid,
                                              .renormalise = true, .scale = 2.5, .biased = true, .grouping = mt::expert_groups::best,
                                              .groups = 3, .top_groups = 2, .first_dense = 1, .devices = 3, .balance = every_loss};
};
struct deepseek_family : mt::model::expert_family<deepseek_family> {};
struct pangu : mt::model::pangu_pro_moe_shape {
    static constexpr int    layers = 2, width = 32, heads = 4, kv_heads = 2, ffn = 48, vocab = 96, context = 64;
    static constexpr double deviation = 0.1;
    static constexpr mt::expert_shape experts{.count = 6, .chosen = 3, .ffn = 10, .shared_ffn = 8, .scaled = true,
                                              .grouping = mt::expert_groups::each, .groups = 3, .balance = every_loss};
};
template <mt::overflow past, int chosen>
struct hunyuan : mt::model::hunyuan_large_shape {
    static constexpr int    layers = 2, width = 32, heads = 4, kv_heads = 2, ffn = 48, vocab = 96, context = 64;
    static constexpr double deviation = 0.1;
    static constexpr mt::expert_shape experts{.count = 5, .chosen = chosen, .ffn = 10, .shared_ffn = 8, .capacity = 1, .past = past,
                                              .balance = every_loss};
};
using recycled   = hunyuan<mt::overflow::recycle, 1>;
using late       = hunyuan<mt::overflow::drop_late, 2>;
using improbable = hunyuan<mt::overflow::drop_improbable, 2>;

template <class Family, class Shape>
double worst_slope(mt::pass_mode mode) {
    return test::routed_model<mt::host, Family, Shape, mt::fp64>(mode, 1).worst_slope();
}
template <class Device, class Family, class Shape, class Precision>
auto gradient_of(mt::pass_mode mode = mt::pass_mode::train) {
    return test::routed_model<Device, Family, Shape, Precision>(mode).gradient();
}
template <class Family, class Shape>
double crowd_apart() {
    auto const a = gradient_of<mt::host, Family, Shape, mt::fp64>(), b = gradient_of<mt::crowd, Family, Shape, mt::fp64>();
    double most = 0, size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i])), size = std::max(size, std::abs(a[i]));
    return most / size;
}
template <class Family, class Shape>
bool recomputed_alike() {
    return gradient_of<mt::host, Family, Shape, mt::fp32>() == gradient_of<mt::host, Family, Shape, mt::fp32>(mt::pass_mode::recompute);
}
/// All that holds for every family.
template <class Family, class Shape>
void keeps_the_laws() {
    BOOST_TEST((worst_slope<Family, Shape>(mt::pass_mode::recompute)) < 1e-6);
    BOOST_TEST((crowd_apart<Family, Shape>()) < 1e-12);  // sums of up to 96 products in another order
    BOOST_TEST((recomputed_alike<Family, Shape>()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mixture_of_experts)

BOOST_AUTO_TEST_CASE(qwen3_moe) { keeps_the_laws<mt::model::qwen3_moe, qwen>(); }
BOOST_AUTO_TEST_CASE(deepseek_v3s_experts) { keeps_the_laws<deepseek_family, deepseek>(); }
BOOST_AUTO_TEST_CASE(pangu_pro_moe) { keeps_the_laws<mt::model::pangu_pro_moe, pangu>(); }
BOOST_AUTO_TEST_CASE(hunyuan_large_recycles) { keeps_the_laws<mt::model::hunyuan_large, recycled>(); }
BOOST_AUTO_TEST_CASE(late_tokens_are_dropped) { keeps_the_laws<mt::model::hunyuan_large, late>(); }
BOOST_AUTO_TEST_CASE(improbable_tokens_are_dropped) { keeps_the_laws<mt::model::hunyuan_large, improbable>(); }

BOOST_AUTO_TEST_CASE(a_batch_is_learnt_by_heart) {
    test::routed_model<mt::host, mt::model::qwen3_moe, qwen, mt::fp32> m;
    m.model.balance = {.global_batch = 1e-3, .z = 1e-4};
    m.accumulate();
    double const before = m.loss();
    BOOST_TEST(before > 4);
    BOOST_TEST(m.learn(100) < 0.05);
}

BOOST_AUTO_TEST_SUITE_END()
