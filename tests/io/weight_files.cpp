#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>
#include <midtrain/concepts/weight_source.hpp>
#include <midtrain/io/safetensors_writer.hpp>
#include <midtrain/io/weight_files.hpp>

namespace mt = midtrain;
namespace fs = std::filesystem;

namespace {

std::string const goldens = std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/";

struct scratch {
    std::string path = "/tmp/midtrain_test_weights_" + std::to_string(::getpid());
    scratch() { fs::create_directories(path); }
    ~scratch() { fs::remove_all(path); }
    std::string file(std::string const& name) const { return path + "/" + name; }
    void        text(std::string const& name, std::string const& bytes) const { std::ofstream(file(name)) << bytes; }
    /// A file of tensors of one row with one value.
    void tensors(std::string const& name, std::vector<std::pair<std::string, float>> const& all) const {
        mt::io::safetensors_writer out(file(name));
        for (auto const& [n, x] : all) out.declare(n, "F32", {1, 1});
        for (auto const& [n, x] : all) out.add(n, std::as_bytes(std::span(&x, 1)));
        out.finish();
    }
    std::string refusal() const {
        try {
            mt::io::weight_files const w(path);
        } catch (mt::error const& e) {
            return e.what();
        }
        return "";
    }
    bool says(std::string const& part) const {
        auto const s = refusal();
        BOOST_TEST_MESSAGE(s);
        return s.find(part) != s.npos;
    }
};
float one(mt::io::weight_files const& w, std::string const& name) {
    float x = 0;
    w(name, 1, 1, {&x, 1});
    return x;
}
mt::parameter_layout layout(std::vector<std::string> const& names) {
    mt::parameter_layout all;
    for (auto const& n : names) all.add({.name = n, .rows = 1, .columns = 1, .role = mt::role::matrix, .begins = {}, .parts = {}}, 0);
    all.close();
    return all;
}
std::string const index_name = "model.safetensors.index.json";

}  // namespace

BOOST_AUTO_TEST_SUITE(weight_files)

static_assert(mt::WeightSource<mt::io::weight_files>);

BOOST_AUTO_TEST_CASE(one_thing_opens_every_form) {
    scratch const s;
    s.tensors("model.safetensors", {{"a", 1.f}, {"b", 2.f}});
    mt::io::weight_files const folder(s.path), file(s.file("model.safetensors"));
    BOOST_TEST((one(folder, "b") == 2 && one(file, "a") == 1));
    BOOST_TEST((folder.names() == std::vector<std::string>{"a", "b"}));
    BOOST_TEST((folder.shape("a") == std::vector<std::int64_t>{1, 1}));
    mt::io::weight_files const torch(goldens + "tiny_state.bin"), gguf(goldens + "tiny.gguf");
    BOOST_TEST((torch.shape("turned") == std::vector<std::int64_t>{4, 6}));
    BOOST_TEST((gguf.shape("model.layers.0.self_attn.k_proj.weight") == std::vector<std::int64_t>{16, 32}));
    std::vector<float> a(512), b(512);
    gguf("model.layers.0.self_attn.k_proj.weight", 16, 32, a);
    mt::io::gguf(goldens + "tiny.gguf")("k.expected", 16, 32, b);
    BOOST_TEST(a == b);
    fs::remove(s.file("model.safetensors"));
    fs::copy_file(goldens + "tiny_state.bin", s.file("pytorch_model.bin"));
    BOOST_TEST(mt::io::weight_files(s.path).has("bf16"));
}
BOOST_AUTO_TEST_CASE(shards_make_one_model) {
    scratch const s;
    s.tensors("m-1.safetensors", {{"a", 1.f}, {"b", 2.f}});
    s.tensors("m-2.safetensors", {{"c", 3.f}});
    auto const index = [&](std::string const& c) {
        s.text(index_name, R"({"metadata":{"total_size":12},"weight_map":{"a":"m-1.safetensors","b":"m-1.safetensors",)" + c + "}}");
    };
    index(R"("c":"m-2.safetensors")");
    mt::io::weight_files const w(s.path);
    BOOST_TEST((one(w, "a") == 1 && one(w, "b") == 2 && one(w, "c") == 3 && w.names().size() == 3));
    index(R"("c":"m-3.safetensors")");
    BOOST_TEST(s.says("its shard 'm-3.safetensors' is missing"));
    index(R"("c":"m-2.safetensors","d":"m-2.safetensors")");
    BOOST_TEST(s.says("tensor 'd' is not in its shard 'm-2.safetensors'"));
    index(R"("c":"m-1.safetensors")");
    BOOST_TEST(s.says("tensor 'c' is not in its shard 'm-1.safetensors'"));
    index(R"("e":"m-2.safetensors")");
    BOOST_TEST(s.says("m-2.safetensors: has tensor 'c', which the index does not place there"));
    for (std::string const away : {"../m-2.safetensors", "/etc/passwd", "sub/m-2.safetensors", "..", "", ".hidden", "..\\\\x"}) {
        index("\"c\":\"" + away + "\"");
        BOOST_TEST(s.says("which is no file beside this one"));
    }
    index(R"("c":"m\u0000/x")");  // the sentence ends at the zero
    BOOST_TEST(s.says("tensor 'c' lies in 'm"));
    index(R"("c":7)");
    BOOST_TEST(s.says("tensor 'c' has a file that is no text"));
    s.text(index_name, R"({"weight_map":{}})");
    BOOST_TEST(s.says("has no 'weight_map' with tensors"));
    s.text(index_name, "[1,");
    BOOST_TEST(s.says("JSON, byte 3"));
}
BOOST_AUTO_TEST_CASE(missing_and_surplus_tensors_are_named) {
    scratch const s;
    BOOST_TEST(s.says("holds no model.safetensors and no pytorch_model.bin"));
    s.tensors("model.safetensors", {{"h.0.w", 1.f}, {"h.0.attn.bias", 0.f}, {"lm_head.weight", 2.f}});
    mt::io::weight_files const w(s.path);
    w.check_names(layout({"transformer.h.0.w"}));  // a base model's names, a buffer, and a head that the model ties
    BOOST_TEST(one(w, "transformer.h.0.w") == 1);
    auto const said = [&](std::vector<std::string> const& names) -> std::string {
        try {
            w.check_names(layout(names));
        } catch (mt::error const& e) {
            return e.what();
        }
        return "";
    };
    BOOST_TEST(said({"h.0.w", "x", "y"}).ends_with("lacks tensors that the model has: 'x', 'y'"));
    BOOST_TEST(said({"lm_head.weight"}).ends_with("has tensors that the model does not know: 'h.0.w'"));
    std::vector<std::string> many;
    for (char c = 'a'; c < 'k'; ++c) many.emplace_back(1, c);
    BOOST_TEST(said(many).ends_with("'g', 'h' and more"));
    BOOST_CHECK_THROW(one(w, "z"), mt::error);
    BOOST_CHECK_THROW(mt::io::weight_files("/etc/passwd"), mt::error);
    BOOST_CHECK_THROW(mt::io::weight_files("/no/such.bin"), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
