#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/torch_adamw.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/sgd.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/load_adamw_state.hpp>

namespace mt = midtrain;

namespace {

std::string const goldens = std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/";

/// The model of tests/oracle/torch_files.py.
struct tiny_shape : mt::decoder_shape {
    static constexpr int layers = 2, width = 8, heads = 2, kv_heads = 1, ffn = 12, vocab = 16;
};
template <class Family>
using tiny = mt::trainable<mt::host, Family, tiny_shape, mt::fp32>;

template <class Act>
std::string refusal(Act const& act) {
    try {
        act();
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(load_adamw_state)

// Bit for bit what PyTorch keeps for each parameter of transformers' own model of the same shape, in the groups of its Trainer.
BOOST_AUTO_TEST_CASE(an_optimizer_of_hugging_face_becomes_slots) {
    mt::host               device{1};
    tiny<mt::model::llama> m{device, {}};
    m.prepare(mt::adamw{});
    mt::io::torch_adamw const file(goldens + "tiny_optimizer.pt");
    BOOST_TEST(mt::load_adamw_state(m, file) == 7);
    mt::io::safetensors const want(goldens + "tiny_optimizer.safetensors");
    mt::index_t const         n = m.parameters().size();
    std::size_t               compared = 0;
    for (auto const& e : m.parameters().entries())
        for (auto const& p : e.parts)
            for (int s = 0; s < 2; ++s, ++compared) {
                auto const         got = m.part(mt::row_view<float const>(m.slots().part(s * n, n)), e, p);
                std::vector<float> expected(got.size());
                want(p.name + (s ? ".exp_avg_sq" : ".exp_avg"), p.rows, e.columns, expected);
                BOOST_TEST(got == expected, p.name);
            }
    BOOST_TEST(compared == want.tensors().size());
}
BOOST_AUTO_TEST_CASE(order_follows_the_groups) {
    mt::host               device{1};
    tiny<mt::model::gpt2> m{device, {}};
    auto const             one = mt::hf_parameter_names(m.parameters(), 1), two = mt::hf_parameter_names(m.parameters(), 2);
    BOOST_TEST(one.front() == "transformer.wte.weight");
    BOOST_TEST(one[2] == "transformer.h.0.ln_1.weight");
    BOOST_TEST(one[4] == "transformer.h.0.attn.c_attn.weight");
    BOOST_TEST(one[5] == "transformer.h.0.attn.c_attn.bias");
    BOOST_TEST(one.back() == "transformer.ln_f.bias");
    BOOST_TEST(two[2] == "transformer.h.0.attn.c_attn.weight");
    BOOST_TEST(two[10] == "transformer.h.0.ln_1.weight");
    BOOST_TEST(std::is_permutation(one.begin(), one.end(), two.begin(), two.end()));
}
BOOST_AUTO_TEST_CASE(another_model_is_refused) {
    mt::host                  device{1};
    mt::io::torch_adamw const file(goldens + "tiny_optimizer.pt");
    tiny<mt::model::gpt2>     other{device, {}};
    other.prepare(mt::adamw{});
    BOOST_TEST(refusal([&] { mt::load_adamw_state(other, file); }).ends_with("has state for 20 parameters where the model has 28"));
    tiny<mt::model::llama> m{device, {}};
    m.prepare(mt::sgd{});
    BOOST_TEST(refusal([&] { mt::load_adamw_state(m, file); }).ends_with("which the model's optimizer has not"));
    m.prepare(mt::adamw{});
    auto names = mt::hf_parameter_names(m.parameters(), 1);
    BOOST_TEST(refusal([&] { mt::load_adamw_state(m, file, names); }).find("has shape") != std::string::npos);
    names    = mt::hf_parameter_names(m.parameters(), 2);
    names[3] = "another";
    BOOST_TEST(refusal([&] { mt::load_adamw_state(m, file, names); }).find("has no state for 'model") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
