#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <string>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/position/soft_cap.hpp>
#include <midtrain/precision/fp8.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/plan.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

/// A device that has more than one way of attention, and says which.
struct two_ways_device : mt::host {
    std::vector<mt::attention_size> asked;

    two_ways_device() : mt::host(1) {}
    bool multiplies_fp8(mt::fp8_scaling s) const { return s == mt::fp8_scaling::tensor; }
};
mt::attention_plan plan_of(two_ways_device& device, std::vector<mt::attention_size> all) {
    device.asked = all;
    return {.way = all.front().modified ? "tiled (score modifiers)" : "fused", .bytes = 1000};
}

namespace {

struct capped_shape : test::small_shape {
    static constexpr mt::soft_cap scores(int) { return {.cap = 2}; }
};

template <class Shape>
std::vector<mt::attention_size> asked_of(std::string const& way, mt::pass_mode mode) {
    two_ways_device device;
    mt::trainable<two_ways_device, mt::model::llama, Shape, mt::bf16_mixed> model(device, Shape{}, mode);
    auto const plan = model.plan_attention(3, 40, mode);
    BOOST_TEST(plan.way == way);
    BOOST_TEST(plan.bytes == 1000);
    return device.asked;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plans_of_attention)

BOOST_AUTO_TEST_CASE(a_device_is_asked_for_each_layer_forward_and_backward) {
    auto const asked = asked_of<test::small_shape>("fused", mt::pass_mode::train);
    BOOST_TEST(asked.size() == 4u);  // two layers
    auto const& p = asked.back();
    BOOST_TEST((p.sequences == 3 && p.length == 40 && p.heads == 4 && p.kv_heads == 2 && p.head_size == 8 && p.values() == 8));
    BOOST_TEST((p.qkv_stride == 64 && p.output_stride == 32 && p.log_sum_stride == 120 && p.value_bytes == 2 && p.documents > 3));
    BOOST_TEST((p.backward && !asked.front().backward && !p.modified && !p.far && p.forms == 1 && p.key_forms == 1));
    BOOST_TEST(asked_of<test::small_shape>("fused", mt::pass_mode::evaluate).size() == 2u);
    BOOST_TEST(asked_of<capped_shape>("tiled (score modifiers)", mt::pass_mode::train).back().modified);
}
BOOST_AUTO_TEST_CASE(a_device_says_how_it_multiplies_in_eight_bits) {
    mt::host                                                                           host(1);
    two_ways_device                                                                    other;
    mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::bf16_mixed>        plain(host, {});
    mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::fp8_tensor>        emulated(host, {});
    mt::trainable<two_ways_device, mt::model::llama, test::small_shape, mt::fp8_tensor> by_cores(other, {});
    mt::trainable<two_ways_device, mt::model::llama, test::small_shape, mt::fp8_block>  by_tiles(other, {});
    BOOST_TEST(plain.plan_eight_bits() == "");
    BOOST_TEST(emulated.plan_eight_bits() == "emulated");
    BOOST_TEST(by_cores.plan_eight_bits().starts_with("by tensor cores"));
    BOOST_TEST(by_tiles.plan_eight_bits() == "emulated");
}
BOOST_AUTO_TEST_CASE(a_plan_says_it_and_counts_the_workspace) {
    mt::run_plan p;
    p.activations = 500;
    BOOST_TEST(p.memory() == 500);
    p.attention = "tiled (score modifiers)", p.attention_work = 2'000'000, p.eight_bits = "emulated";
    BOOST_TEST(p.memory() == 2'000'500);
    std::FILE* const file = std::tmpfile();
    mt::print(p, file);
    std::rewind(file);
    std::string text(4096, ' ');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    BOOST_TEST(text.find("attention: tiled (score modifiers)\n") != std::string::npos);
    BOOST_TEST(text.find("products in eight bits: emulated\n") != std::string::npos);
    BOOST_TEST(text.find("work of attention " + mt::written_bytes(2e6)) != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
