#include <boost/test/unit_test.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/export.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;
namespace fs = std::filesystem;

namespace {

struct untied_shape : test::small_shape {
    static constexpr bool tied = false;
};
template <class Family, class Shape = test::small_shape, class Precision = mt::fp32>
struct fresh {
    mt::host                                                device{1};
    mt::trainable<mt::host, Family, Shape, Precision> model{device, {}};
    explicit fresh(std::uint64_t seed = 1) { model.initialise(seed); }
    template <class T>
    std::vector<T> master() {
        auto const v = model.master();
        return {v.data, v.data + v.size()};
    }
};

struct scratch {
    fs::path path = fs::temp_directory_path() / ("midtrain_export_" + std::to_string(::getpid()));
    scratch() { fs::create_directories(path); }
    ~scratch() { fs::remove_all(path); }
    std::string operator/(char const* name) const { return (path / name).string(); }
    std::set<std::string> names(char const* in = "") const {
        std::set<std::string> all;
        for (auto const& e : fs::directory_iterator(path / in)) all.insert(e.path().filename().string());
        return all;
    }
};
std::string content(fs::path const& path) {
    std::ifstream f(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(f), {}};
}
template <class F>
std::string refusal(F const& f) {
    try {
        f();
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}
bool has(std::string const& s, char const* part) {
    BOOST_TEST_MESSAGE(s);
    return s.find(part) != std::string::npos;
}

constexpr mt::rope plain{.base = 10'000, .length = 64};
std::set<std::string> const three{"config.json", "generation_config.json", "model.safetensors"};

/// Exported as float and loaded again: the same bits in every weight.
template <class Family, class Shape>
void comes_back() {
    scratch const        dir;
    fresh<Family, Shape> a, b(2);
    mt::export_model(a.model, dir / "out", plain, {.weights = mt::weight_type::f32});
    BOOST_TEST((dir.names("out") == three && dir.names().size() == 1));
    mt::io::safetensors const file(dir / "out/model.safetensors");
    b.model.load(file);
    BOOST_TEST(a.template master<float>() == b.template master<float>());
    auto const config = mt::io::read_hf_config(dir / "out/config.json");
    mt::io::check_hf_shape(config, mt::detail::hf_family_of(a.model), Shape{});
    BOOST_TEST(file.tensors().contains("lm_head.weight") == !Shape::tied);
    // A shape read from the file makes the same model.
    mt::trainable<mt::host, Family, mt::io::hf_config, mt::fp32> c(a.device, config);
    c.load(file);
    BOOST_TEST(std::memcmp(c.master().data, a.model.master().data, static_cast<std::size_t>(c.master().size()) * 4) == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(export_model)

BOOST_AUTO_TEST_CASE(a_llama_comes_back) { comes_back<mt::model::llama, test::small_shape>(); }
BOOST_AUTO_TEST_CASE(an_untied_llama_comes_back) { comes_back<mt::model::llama, untied_shape>(); }
BOOST_AUTO_TEST_CASE(a_gpt2_comes_back) { comes_back<mt::model::gpt2, test::small_shape>(); }

// From a mixed run the master weights are exported, rounded once.
BOOST_AUTO_TEST_CASE(bfloat16_is_the_master_rounded) {
    scratch const                                                  dir;
    fresh<mt::model::llama, test::small_shape, mt::bf16_mixed> a, b(2);
    mt::export_model(a.model, dir / "out", plain);
    mt::io::safetensors const file(dir / "out/model.safetensors");
    BOOST_TEST(file.at("model.embed_tokens.weight").dtype == "BF16");
    b.model.load(file);
    auto const want = a.master<float>(), got = b.master<float>();
    for (std::size_t i = 0; i < want.size(); ++i) BOOST_REQUIRE(got[i] == float(mt::bf16(want[i])));
}
BOOST_AUTO_TEST_CASE(shapes_are_those_of_transformers) {
    scratch const           dir;
    fresh<mt::model::gpt2> a;
    mt::export_model(a.model, dir / "out", plain);
    mt::io::safetensors const f(dir / "out/model.safetensors");
    BOOST_TEST((f.at("transformer.h.0.attn.c_attn.weight").shape == std::vector<std::int64_t>{32, 96}));
    BOOST_TEST((f.at("transformer.h.0.attn.c_attn.bias").shape == std::vector<std::int64_t>{96}));
    BOOST_TEST((f.at("transformer.ln_f.weight").shape == std::vector<std::int64_t>{32}));
    BOOST_TEST((f.at("transformer.wpe.weight").shape == std::vector<std::int64_t>{64, 32}));
}
BOOST_AUTO_TEST_CASE(positions_go_along) {
    scratch const           dir;
    fresh<mt::model::llama> a;
    mt::yarn const          yarn{.base = 10'000, .trained = 64, .extended = 256};
    mt::export_model(a.model, dir / "out", yarn);
    auto const c = mt::io::read_hf_config(dir / "out/config.json");
    mt::io::check_hf_positions(c, yarn);
    BOOST_TEST(c.context == 256);
}
BOOST_AUTO_TEST_CASE(a_tokenizer_goes_along) {
    scratch const            dir;
    fresh<mt::model::llama> a;
    mt::data::byte_level_bpe const t({.tokens = {"a", "b", "ab", "<end>"}, .merges = {{"a", "b"}}, .added = {{3, true}}});
    mt::data::tokenizer_notes notes;
    notes.end = 3;
    mt::export_model(a.model, dir / "out", plain, {.tokenizer = &t, .notes = notes});
    BOOST_TEST(mt::data::read_tokenizer(dir / "out/tokenizer.json").hash() == t.hash());
    BOOST_TEST(mt::io::read_hf_config(dir / "out/config.json").end_token == 3);
    // The next export without one leaves none behind.
    mt::export_model(a.model, dir / "out", plain);
    BOOST_TEST((dir.names("out") == three));
    std::vector<std::string> many;
    for (int i = 0; i < 97; ++i) many.push_back(std::string(static_cast<std::size_t>(i + 1), 'a'));
    mt::data::byte_level_bpe const large({.tokens = many, .merges = {}, .added = {}});
    BOOST_TEST(has(refusal([&] { mt::export_model(a.model, dir / "out", plain, {.tokenizer = &large}); }),
                   "97 tokens where the model has 96"));
}
BOOST_AUTO_TEST_CASE(a_new_export_takes_the_place_of_the_old_one) {
    scratch const           dir;
    fresh<mt::model::llama> a, b(2);
    mt::export_model(a.model, dir / "out", plain);
    auto const old = content(dir / "out/model.safetensors");
    mt::export_model(b.model, dir / "out/", plain);
    BOOST_TEST(content(dir / "out/model.safetensors") != old);
    BOOST_TEST((dir.names() == std::set<std::string>{"out"}));
    // Through a link the folder is replaced, not the link.
    fs::create_directory_symlink(dir / "out", dir / "link");
    mt::export_model(a.model, dir / "link", plain);
    BOOST_TEST(fs::is_symlink(dir / "link"));
    BOOST_TEST(content(dir / "out/model.safetensors") == old);
}
BOOST_AUTO_TEST_CASE(an_export_that_fails_leaves_the_old_one_and_nothing_else) {
    scratch const           dir;
    fresh<mt::model::llama> a, b(2);
    mt::export_model(a.model, dir / "out", plain);
    auto const old              = content(dir / "out/model.safetensors");
    b.model.master().data[2000] = std::numeric_limits<float>::quiet_NaN();
    BOOST_TEST(has(refusal([&] { mt::export_model(b.model, dir / "out", plain); }), "are not finite: nothing is exported"));
    BOOST_TEST(content(dir / "out/model.safetensors") == old);
    BOOST_TEST((dir.names() == std::set<std::string>{"out"}));
}
BOOST_AUTO_TEST_CASE(a_folder_with_other_things_is_refused) {
    scratch const           dir;
    fresh<mt::model::llama> a;
    fs::create_directories(dir / "mine");
    std::ofstream(dir / "mine/thesis.tex") << "years of work";
    BOOST_TEST(has(refusal([&] { mt::export_model(a.model, dir / "mine", plain); }),
                   "holds 'thesis.tex', which is no part of an exported model"));
    BOOST_TEST(content(dir / "mine/thesis.tex") == "years of work");
    BOOST_TEST(has(refusal([&] { mt::export_model(a.model, dir / "mine/thesis.tex", plain); }), "is a file where a folder is wanted"));
    BOOST_TEST((dir.names() == std::set<std::string>{"mine"}));
}

BOOST_AUTO_TEST_SUITE_END()
