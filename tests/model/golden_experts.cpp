#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/model/expert_family.hpp>
#include <midtrain/model/hunyuan_large.hpp>
#include <midtrain/model/mixtral.hpp>
#include <midtrain/model/qwen_moe.hpp>
#include <support/golden.hpp>

namespace mt = midtrain;

namespace {

struct tiny : mt::decoder_shape {
    static constexpr int layers = 2, width = 18, heads = 3, kv_heads = 1, head_size = 6, ffn = 24, vocab = 96, context = 64;
};
struct tiny_qwen3_moe : tiny {
    static constexpr bool             qk_norm = true;
    static constexpr mt::expert_shape experts{.count = 7, .chosen = 3, .ffn = 10, .renormalise = true, .first_dense = 1,
                                              .naming = mt::expert_naming::qwen};
};
struct tiny_qwen2_moe : tiny {
    static constexpr int              layers   = 1;
    static constexpr bool             qkv_bias = true;
    static constexpr mt::expert_shape experts{.count = 5, .chosen = 2, .ffn = 10, .shared_ffn = 14, .shared_gate = true,
                                              .naming = mt::expert_naming::qwen};
};
struct tiny_mixtral : tiny {
    static constexpr mt::expert_shape experts{.count = 4, .chosen = 2, .ffn = 10, .renormalise = true,
                                              .naming = mt::expert_naming::mixtral};
};
template <bool renormalise>
struct tiny_hunyuan : mt::model::hunyuan_moe_shape {
    static constexpr int layers = 2, width = 18, heads = 3, kv_heads = 1, head_size = 6, ffn = 24, vocab = 96, context = 64;
    static constexpr mt::expert_shape experts{.count = 5, .chosen = 2, .ffn = 10, .shared_ffn = 10, .renormalise = renormalise,
                                              .naming = mt::expert_naming::hunyuan};
};

/// One layer with its weights, in fp32.
class lone_experts {
  public:
    lone_experts(mt::io::safetensors const& f, mt::expert_shape const& s, mt::index_t width)
        : layer_(layout_, 1, "", s, width, 0.1, 0.1), memory_(1 << 20) {
        layout_.close();
        auto const n = static_cast<std::size_t>(layout_.size());
        weights_.resize(n), gradients_.resize(n);
        for (auto const& e : layout_.entries())
            for (auto const& p : e.parts)
                f("weight." + p.name, p.rows, e.columns,
                  {weights_.data() + e.offset + p.first_row * e.columns, static_cast<std::size_t>(p.rows * e.columns)});
    }
    /// y of x, and then dx of dy.
    std::pair<std::vector<float>, std::vector<float>> both_ways(std::vector<float> const& x, std::vector<float> const& dy, mt::index_t width) {
        auto const n = static_cast<mt::index_t>(weights_.size()), rows = static_cast<mt::index_t>(x.size()) / width;
        mt::pass<mt::host, mt::fp32> p{.device = device_, .layout = layout_, .weights = {weights_.data(), n},
                                       .gradients = {gradients_.data(), n}, .masters = {weights_.data(), n}};
        p.memory    = mt::arena({memory_.data(), static_cast<mt::index_t>(memory_.size())});
        auto const y  = layer_.forward(p, mt::as_matrix(x.data(), rows, width)).flat();
        std::vector<float> const out(y.begin(), y.end());
        auto const dx = layer_.backward(p, mt::as_matrix(dy.data(), rows, width)).flat();
        return {out, {dx.begin(), dx.end()}};
    }
    std::vector<float> gradient(mt::parameter_info const& e, mt::parameter_part const& p) const {
        auto const from = gradients_.begin() + e.offset + p.first_row * e.columns;
        return {from, from + p.rows * e.columns};
    }
    mt::parameter_layout const& layout() const { return layout_; }

  private:
    mt::host               device_{2};
    mt::parameter_layout   layout_;
    mt::model::experts     layer_;
    std::vector<float>     weights_, gradients_;
    std::vector<std::byte> memory_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(experts_against_pytorch)

BOOST_AUTO_TEST_CASE(qwen3_moe_behind_a_dense_layer) {
    test::equals_pytorch<mt::model::qwen3_moe, tiny_qwen3_moe>("tiny_qwen3_moe.safetensors");
}
BOOST_AUTO_TEST_CASE(qwen2_moe_with_a_gated_shared_expert) {
    test::equals_pytorch<mt::model::qwen2_moe, tiny_qwen2_moe>("tiny_qwen2_moe.safetensors");
}
BOOST_AUTO_TEST_CASE(mixtral) { test::equals_pytorch<mt::model::mixtral, tiny_mixtral>("tiny_mixtral.safetensors"); }
BOOST_AUTO_TEST_CASE(hunyuan_v1_moe_renormalises) {
    test::equals_pytorch<mt::model::hunyuan_large, tiny_hunyuan<true>>("tiny_hunyuan_v1_moe.safetensors");
}
/// Hunyuan-Large's own code does not, and the difference is seen: its weights are smaller.
BOOST_AUTO_TEST_CASE(hunyuan_large_does_not) {
    mt::io::safetensors const f(test::golden + "tiny_hunyuan_v1_moe.safetensors");
    mt::host                  device(2);
    mt::trainable<mt::host, mt::model::hunyuan_large, tiny_hunyuan<false>, mt::fp32> m(device, {});
    m.load([&](std::string const& name, mt::index_t rows, mt::index_t columns, std::span<float> to) { f("weight." + name, rows, columns, to); });
    m.set_rotary(24, test::plain_rope);
    test::owned_batch owned(2, 24);
    owned.inputs = test::integers(f, "input"), owned.targets = test::integers(f, "target");
    std::vector<float> logits(48 * 96);
    m.logits(owned.view(), mt::as_matrix(logits.data(), 48, 96));
    BOOST_TEST(test::relative(logits, test::floats(f, "logits")) > 1e-2);
}

BOOST_AUTO_TEST_CASE(experts_of_deepseek_v3) {
    mt::io::safetensors const f(test::golden + "tiny_deepseek_v3_moe.safetensors");
    lone_experts layer(f,
                       {.count = 12, .chosen = 3, .ffn = 10, .shared_ffn = 20, .scores = mt::router_scores::sigmoid, .renormalise = true,
                        .scale = 2.5, .biased = true, .grouping = mt::expert_groups::best, .groups = 4, .top_groups = 2},
                       18);
    auto const [y, dx] = layer.both_ways(test::floats(f, "x"), test::floats(f, "dy"), 18);
    BOOST_TEST(test::relative(y, test::floats(f, "y")) < 1e-6);
    BOOST_TEST(test::relative(dx, test::floats(f, "dx")) < 1e-5);
    double worst = 0;
    for (auto const& e : layer.layout().entries())
        for (auto const& p : e.parts)
            if (!p.name.ends_with("e_score_correction_bias"))
                worst = std::max(worst, test::relative(layer.gradient(e, p), test::floats(f, "gradient." + p.name)));
    BOOST_TEST(worst < 1e-5);
    BOOST_TEST_MESSAGE("deepseek_v3's experts: y " << test::relative(y, test::floats(f, "y")) << ", dx "
                                                   << test::relative(dx, test::floats(f, "dx")) << ", gradients " << worst);
}

BOOST_AUTO_TEST_SUITE_END()
