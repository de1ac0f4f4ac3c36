#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/hf_config_writer.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/model/mamba.hpp>
#include <midtrain/model/mamba2.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/model/zamba.hpp>
#include <midtrain/precision/precision.hpp>

namespace mt = midtrain;
namespace io = midtrain::io;

namespace {

io::hf_config read(std::string const& text) {
    std::string const path = "hf_state_config.json";
    std::ofstream(path) << text;
    struct gone {
        std::string path;
        ~gone() { std::remove(path.c_str()); }
    } const after{path};
    return io::read_hf_config(path);
}
bool says(std::string const& text, std::string const& part) {
    try {
        read(text);
    } catch (mt::error const& e) {
        if (std::string(e.what()).find(part) != std::string::npos) return true;
        BOOST_TEST_MESSAGE("said: " << e.what());
    }
    return false;
}
template <class Family>
mt::index_t parameters_of(io::hf_config const& c) {
    mt::counting_device nobody;
    return mt::trainable<mt::counting_device, Family, io::hf_config, mt::fp32>(nobody, c).parameters().count();
}
std::string const zamba_numbers = R"("model_type":"zamba","num_hidden_layers":76,"hidden_size":3712,"num_attention_heads":16,"intermediate_size":14848,"vocab_size":32000)";

std::string const mamba2_numbers =
    R"("model_type":"mamba2","num_hidden_layers":24,"hidden_size":768,"vocab_size":50288,"num_heads":24,"n_groups":1,"tie_word_embeddings":true)";

struct small_zamba : mt::decoder_shape {
    static constexpr int             layers = 4, width = 14, heads = 3, kv_heads = 1, head_size = 5, ffn = 11, vocab = 96, context = 64;
    static constexpr mt::state_shape state{.states = 5, .inner = 28, .rank = 2, .heads = 2, .step_most = 1.0};
    static constexpr bool            hybrid(int n) { return n % 2 == 1; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(state_spaces)

// transformers counts 159,308,544 parameters of MambaConfig(), 128,989,632 of mamba2-130m's and 7,232,490,496 of ZambaConfig(), which is Zamba-7B-v1.
BOOST_AUTO_TEST_CASE(models_with_transformers_defaults_have_as_many_parameters) {
    auto const mamba = read(R"({"model_type":"mamba","num_hidden_layers":32,"hidden_size":768,"vocab_size":50280})");
    BOOST_TEST((mamba.state.states == 16 && mamba.state.taps == 4 && mamba.state.inner == 1536 && mamba.state.rank == 48));
    BOOST_TEST(parameters_of<mt::model::mamba>(mamba) == 159'308'544);
    auto const zamba = read("{" + zamba_numbers + "}");
    BOOST_TEST((zamba.state.heads == 2 && zamba.state.rank == 232 && zamba.head_size == 464 && zamba.hybrid(2) && zamba.hybrid(7) && !zamba.hybrid(8)));
    BOOST_TEST(parameters_of<mt::model::zamba>(zamba) == 7'232'490'496);
    auto const mamba2 = read("{" + mamba2_numbers + "}");
    BOOST_TEST((mamba2.state.states == 128 && mamba2.state.rates == 24 && mamba2.state.heads == 1 && mamba2.state.rank == 0));
    BOOST_TEST(parameters_of<mt::model::mamba2>(mamba2) == 128'989'632);
    BOOST_TEST((!io::turns(mamba2.family) && !io::turns(mamba.family) && !io::turns(zamba.family)));
}
BOOST_AUTO_TEST_CASE(what_is_written_reads_back) {
    auto const mamba = read(R"({"model_type":"mamba","num_hidden_layers":2,"hidden_size":24,"vocab_size":96,"expand":3,"time_step_rank":5,"use_bias":true,)"
                            R"("use_conv_bias":false,"conv_kernel":3,"time_step_scale":2,"tie_word_embeddings":false})");
    auto const text = io::written(io::hf_config_json(io::hf_family::mamba, mamba, {}, {}, "float32"));
    auto const back = read(text);
    BOOST_CHECK_NO_THROW(io::check_hf_shape(back, io::hf_family::mamba, mamba));
    BOOST_TEST((back.state.inner == 72 && back.state.rank == 5 && back.state.bias && !back.state.convolution_bias && back.state.taps == 3));
    BOOST_TEST((std::abs(back.state.step_scale - 2) < 1e-15 * 4 && !back.tied));
    auto const mamba2 = read(R"({"model_type":"mamba2","num_hidden_layers":2,"hidden_size":24,"vocab_size":96,"num_heads":6,"head_dim":8,"n_groups":3,)"
                             R"("state_size":10,"time_step_limit":[0.0,Infinity]})");
    auto const again = read(io::written(io::hf_config_json(io::hf_family_of(io::hf_model::mamba2, mamba2), mamba2, {}, {}, "float32")));
    BOOST_CHECK_NO_THROW(io::check_hf_shape(again, io::hf_family::mamba2, mamba2));
    BOOST_TEST((again.state.inner == 48 && again.state.rates == 6 && again.state.heads == 3 && again.state.states == 10 && !again.tied));
    auto const zamba = read(io::written(io::hf_config_json(io::hf_family_of(io::hf_model::zamba, small_zamba{}), small_zamba{}, {}, {}, "float32")));
    BOOST_CHECK_NO_THROW(io::check_hf_shape(zamba, io::hf_family::zamba, small_zamba{}));
    BOOST_TEST((zamba.hybrid(1) && !zamba.hybrid(2) && std::abs(zamba.state.step_most - 1) < 1e-15));
}
BOOST_AUTO_TEST_CASE(what_differs_or_is_not_known_is_named) {
    std::string const mamba = R"("model_type":"mamba","num_hidden_layers":2,"hidden_size":24,"vocab_size":96)";
    BOOST_TEST(says("{" + mamba + R"(,"hidden_act":"gelu"})", "'hidden_act' is 'gelu'; midtrain's state spaces have silu"));
    BOOST_TEST(says("{" + mamba + R"(,"conv_kernel":9})", "'conv_kernel' is 9"));
    BOOST_TEST(says("{" + mamba + R"(,"time_step_rank":"some"})", "'time_step_rank' is no number"));
    BOOST_TEST(says("{" + zamba_numbers + R"(,"mamba_proj_bias":true})", "'mamba_proj_bias' is true"));
    BOOST_TEST(says("{" + zamba_numbers + R"(,"attention_hidden_size":3712})", "'attention_hidden_size' is not twice 'hidden_size'"));
    BOOST_TEST(says("{" + zamba_numbers + R"(,"layers_block_type":["hybrid"]})", "'layers_block_type' is no list of a kind for each layer"));
    BOOST_TEST(says("{" + zamba_numbers + R"(,"hidden_act":"silu"})", "'hidden_act' is 'silu'"));
    BOOST_TEST(says("{" + mamba2_numbers + R"(,"head_dim":32})", "'num_heads' times 'head_dim' is not"));
    BOOST_TEST(says("{" + mamba2_numbers + R"(,"time_step_limit":[0.0,0.1]})", "'time_step_limit' is not 0 to infinity"));
    BOOST_TEST(says("{" + mamba2_numbers + R"(,"time_step_limit":[0.001,{"__float__":"Infinity"}]})", "'time_step_limit' is not 0 to infinity"));
    auto other = read("{" + mamba + "}");
    auto shape = other;
    shape.state.states = 8;
    try {
        io::check_hf_shape(other, io::hf_family::mamba, shape);
        BOOST_TEST(false);
    } catch (mt::error const& e) {
        BOOST_TEST(std::string(e.what()).find("the number of states is 16 where the shape has 8") != std::string::npos);
    }
}

BOOST_AUTO_TEST_SUITE_END()
