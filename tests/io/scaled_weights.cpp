// Weights in eight bits with scales by tiles, read as what they stand for: against transformers, across files, and what is refused.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>
#include <unistd.h>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/hf_config_writer.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/weight_files.hpp>

namespace mt = midtrain;
namespace fs = std::filesystem;

namespace {

std::string const golden = std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/fp8_weights.safetensors";

struct scratch {
    std::string path = "/tmp/midtrain_test_scaled_" + std::to_string(::getpid());
    scratch() { fs::create_directories(path); }
    ~scratch() { fs::remove_all(path); }
    void write(std::string const& name, std::string const& bytes) const { std::ofstream(path + "/" + name, std::ios::binary) << bytes; }
};
struct piece {
    std::string name, dtype, shape, bytes;
};
/// A .safetensors file, byte by byte.
std::string file_of(std::vector<piece> const& all) {
    std::string header = "{", data;
    for (auto const& p : all) {
        header += (data.empty() ? "\"" : ",\"") + p.name + R"(":{"dtype":")" + p.dtype + R"(","shape":)" + p.shape +
                  R"(,"data_offsets":[)" + std::to_string(data.size()) + "," + std::to_string(data.size() + p.bytes.size()) + "]}";
        data += p.bytes;
    }
    header += "}";
    std::uint64_t const n = header.size();
    std::string         s(8, '\0');
    std::memcpy(s.data(), &n, 8);
    return s + header + data;
}
std::string floats(std::vector<float> const& v) { return {reinterpret_cast<char const*>(v.data()), 4 * v.size()}; }

/// 130 x 2 values of one (0x38 in e4m3), two tiles high.
piece const weight{"model.w", "F8_E4M3", "[130,2]", std::string(260, '\x38')};
piece const scales{"model.w_scale_inv", "F32", "[2,1]", floats({0.5f, 3.0f})};

mt::parameter_layout layout() {
    mt::parameter_layout all;
    all.add({.name = "model.w", .rows = 130, .columns = 2, .role = mt::role::matrix, .begins = {}, .parts = {}}, 0);
    all.close();
    return all;
}
std::string refusal(auto const& f) {
    try {
        f();
    } catch (mt::error const& e) {
        BOOST_TEST_MESSAGE(e.what());
        return e.what();
    }
    return "";
}
bool has(std::string const& all, std::string const& part) { return all.find(part) != std::string::npos; }

std::string config_with(std::string const& quantisation) {
    return R"({"model_type":"llama","hidden_size":32,"num_hidden_layers":2,"num_attention_heads":4,"intermediate_size":48,"vocab_size":96,)"
           R"("quantization_config":)" + quantisation + "}";
}
mt::io::hf_config read(std::string const& text) { return mt::io::hf_config_from(mt::io::parse_json(text, "c"), "c"); }

}  // namespace

BOOST_AUTO_TEST_SUITE(scaled_weights)

BOOST_AUTO_TEST_CASE(values_are_those_of_transformers) {
    mt::io::safetensors const  file(golden);
    mt::io::weight_files const files(golden);
    for (std::string const name : {"floats", "powers", "edges"}) {
        auto const         shape = file.at(name + ".weight").shape;
        std::vector<float> want(static_cast<std::size_t>(shape[0] * shape[1])), one(want.size()), other(want.size());
        file(name + ".expected", shape[0], shape[1], want);
        file(name + ".weight", shape[0], shape[1], one);
        files(name + ".weight", shape[0], shape[1], other);
        BOOST_TEST((one == want), name);
        BOOST_TEST((other == want), name);
    }
}
BOOST_AUTO_TEST_CASE(scales_may_stand_in_another_file) {
    scratch const s;
    s.write("one.safetensors", file_of({weight}));
    s.write("two.safetensors", file_of({scales}));
    s.write("model.safetensors.index.json", R"({"weight_map":{"model.w":"one.safetensors","model.w_scale_inv":"two.safetensors"}})");
    mt::io::weight_files const w(s.path);
    w.check_names(layout());
    std::vector<float> x(260);
    w("model.w", 130, 2, x);
    BOOST_TEST((x[0] == 0.5f && x[255] == 0.5f && x[256] == 3 && x[259] == 3));
}
BOOST_AUTO_TEST_CASE(what_is_missing_or_wrong_is_said) {
    scratch const      s;
    std::vector<float> x(260);
    auto const         said = [&](std::vector<piece> const& all, bool alone) {
        s.write("model.safetensors", file_of(all));
        return refusal([&] {
            if (alone) return mt::io::safetensors(s.path + "/model.safetensors")("model.w", 130, 2, x);
            mt::io::weight_files const w(s.path);
            w.check_names(layout());
            w("model.w", 130, 2, x);
        });
    };
    BOOST_TEST(said({weight, scales}, false) == "");
    BOOST_TEST(said({weight, scales}, true) == "");
    BOOST_TEST(has(said({weight}, false), "lacks tensors that the model has: 'model.w_scale_inv'"));
    BOOST_TEST(has(said({weight}, true), "has no tensor 'model.w_scale_inv'"));
    auto const wrong = scales.name + "' has shape (1, 2) where a weight of shape (130, 2) has (2, 1) tiles of 128 x 128";
    for (bool const alone : {false, true}) BOOST_TEST(has(said({weight, {scales.name, "F32", "[1,2]", scales.bytes}}, alone), wrong));
    BOOST_TEST(has(said({{"model.w", "F8_E4M3", "[1,130,2]", weight.bytes}, scales}, false), "scales are known for matrices"));
    // Scales of what needs none are a tensor that nobody knows.
    piece const plain{"model.w", "F32", "[130,2]", floats(std::vector<float>(260, 1.0f))};
    BOOST_TEST(has(said({plain, scales}, false), "has tensors that the model does not know: 'model.w_scale_inv'"));
}
BOOST_AUTO_TEST_CASE(a_config_says_which_quantisation) {
    auto const c = read(config_with(R"({"quant_method":"fp8","fmt":"e4m3","activation_scheme":"dynamic","weight_block_size":[128,128]})"));
    BOOST_TEST(c.width == 32);
    auto const written = mt::io::written(mt::io::hf_config_json(c.family, c, c.rotary, {}, "bfloat16"));
    BOOST_TEST(!has(written, "quantization_config"));  // what is written is not quantised
    read(config_with(R"({"quant_method":"fp8","weight_block_size":[128,128],"scale_fmt":"ue8m0","modules_to_not_convert":["lm_head"]})"));
    auto const said = [](std::string const& q) { return refusal([&] { read(config_with(q)); }); };
    BOOST_TEST(has(said("{}"), "has the quant_method ''"));
    BOOST_TEST(has(said("3"), "is no JSON object"));
    BOOST_TEST(has(said(R"({"quant_method":"gptq"})"), "has the quant_method 'gptq'"));
    BOOST_TEST(has(said(R"({"quant_method":"fp8","fmt":"e5m2"})"), "has the fmt 'e5m2'"));
    BOOST_TEST(has(said(R"({"quant_method":"fp8","activation_scheme":"static"})"), "has the activation_scheme 'static'"));
    for (std::string const size : {"null", "[128]", "[64,128]", "[128,64]", "128"})
        BOOST_TEST(has(said(R"({"quant_method":"fp8","weight_block_size":)" + size + "}"), "weight_block_size than [128, 128]"), size);
    BOOST_TEST(has(said(R"({"quant_method":"fp8"})"), "another weight_block_size than [128, 128]"));
}

BOOST_AUTO_TEST_SUITE_END()
