#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <unistd.h>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/safetensors_writer.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/average_models.hpp>
#include <midtrain/train/inspect.hpp>

namespace mt = midtrain;
namespace fs = std::filesystem;

namespace {

struct scratch {
    std::string path = (fs::temp_directory_path() / ("midtrain-average-" + std::to_string(getpid()))).string();
    scratch() { fs::remove_all(path), fs::create_directories(path); }
    ~scratch() { fs::remove_all(path); }

    /// A model of two tensors that hold x and 2 x.
    std::string model(std::string const& name, float x, std::string const& dtype = "F32", std::int64_t rows = 3) const {
        auto const folder = path + "/" + name;
        fs::create_directories(folder);
        mt::io::safetensors_writer file(folder + "/model.safetensors");
        file.declare("a", dtype, {rows, 2}), file.declare("b", dtype, {4});
        for (auto const& [tensor, count, value] : {std::tuple{"a", 2 * rows, x}, {"b", std::int64_t{4}, 2 * x}}) {
            std::vector<float> const    wide(static_cast<std::size_t>(count), value);
            std::vector<mt::bf16> const narrow(static_cast<std::size_t>(count), mt::bf16(value));
            file.add(tensor, dtype == "F32" ? std::as_bytes(std::span(wide)) : std::as_bytes(std::span(narrow)));
        }
        file.finish();
        mt::io::write_whole(folder + "/config.json", "{\"of\": \"" + name + "\"}");
        return folder;
    }
};
std::vector<float> values(std::string const& folder, char const* name, mt::index_t rows, mt::index_t columns) {
    mt::io::safetensors const file(folder + "/model.safetensors");
    std::vector<float>        v(static_cast<std::size_t>(rows * columns));
    file(name, rows, columns, v);
    return v;
}
auto says(std::string part) {
    return [part](mt::error const& e) { return std::string(e.what()).find(part) != std::string::npos; };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(average_models)

BOOST_AUTO_TEST_CASE(weights_are_divided_by_their_sum) {
    scratch const s;
    auto const    out = s.path + "/out";
    mt::average_models({{s.model("x", 1), 1}, {s.model("y", 4), 3}}, out);
    for (float v : values(out, "a", 3, 2)) BOOST_TEST(v == 3.25f);
    for (float v : values(out, "b", 1, 4)) BOOST_TEST(v == 6.5f);
    std::ifstream config(out + "/config.json");
    std::string   text{std::istreambuf_iterator<char>(config), {}};
    BOOST_TEST(text == "{\"of\": \"x\"}");
    mt::average_models({{s.path + "/x/model.safetensors"}, {s.path + "/y"}}, out);  // takes the place of the first one
    for (float v : values(out, "a", 3, 2)) BOOST_TEST(v == 2.5f);
}
BOOST_AUTO_TEST_CASE(the_first_models_type_is_kept_or_float_is_written) {
    scratch const s;
    auto const    x = s.model("x", 1, "BF16"), y = s.model("y", 1.01f);
    mt::average_models({{x}, {y}}, s.path + "/narrow");
    mt::average_models({{x}, {y}}, s.path + "/wide", true);
    BOOST_TEST(values(s.path + "/narrow", "a", 3, 2)[0] == static_cast<float>(mt::bf16(1.005f)));
    BOOST_TEST(values(s.path + "/wide", "a", 3, 2)[0] == 1.005f);
}
BOOST_AUTO_TEST_CASE(models_that_do_not_fit_are_told_apart) {
    scratch const s;
    auto const    x = s.model("x", 1), y = s.model("y", 1, "F32", 4), out = s.path + "/out";
    BOOST_CHECK_EXCEPTION(mt::average_models({{x}, {y}}, out), mt::error, says(y + ": tensor 'a' has shape (4, 2) where " + x + " has (3, 2)"));
    BOOST_CHECK_EXCEPTION(mt::average_models({{x}, {s.path}}, out), mt::error, says("holds no model.safetensors, no index of shards and no checkpoint"));
    BOOST_CHECK_EXCEPTION(mt::average_models({{x, 1}, {x, -1}}, out), mt::error, says("sum above zero"));
    BOOST_CHECK_EXCEPTION(mt::average_models({{x}, {s.model("n", std::numeric_limits<float>::quiet_NaN())}}, out), mt::error, says("'a' is not finite"));
    BOOST_TEST(!fs::exists(out));
}
BOOST_AUTO_TEST_CASE(shards_are_read_by_their_index) {
    scratch const s;
    auto const    x = s.model("x", 1), y = s.model("y", 3);
    fs::rename(y + "/model.safetensors", y + "/part-1.safetensors");
    mt::io::write_whole(y + "/model.safetensors.index.json", R"({"weight_map": {"a": "part-1.safetensors", "b": "part-1.safetensors"}})");
    mt::average_models({{x}, {y}}, s.path + "/out");
    BOOST_TEST(values(s.path + "/out", "b", 1, 4)[0] == 4.0f);
}
BOOST_AUTO_TEST_CASE(an_inspection_tells_ranges_and_what_is_broken) {
    scratch const s;
    auto const    x    = s.model("x", 1.5f);
    auto const    good = mt::inspect(x);
    BOOST_REQUIRE(good.size() == 1u);
    BOOST_TEST((good[0].problems.empty() && good[0].tensors.size() == 2u));
    BOOST_TEST((*good[0].tensors[1].lowest == 3 && *good[0].tensors[1].highest == 3));
    auto const bad = mt::inspect(s.model("n", std::numeric_limits<float>::infinity()));
    BOOST_TEST((bad[0].problems.size() == 2u && bad[0].tensors[0].not_finite == 6 && !bad[0].tensors[0].lowest));
    fs::resize_file(x + "/model.safetensors", 100);
    BOOST_TEST(mt::inspect(x)[0].problems.size() == 1u);
    auto const gguf = mt::inspect(MIDTRAIN_SOURCE_DIR "/tests/golden/tiny.gguf");
    BOOST_TEST((gguf[0].problems.empty() && gguf[0].kind == "GGUF" && !gguf[0].facts.empty() && !gguf[0].tensors.empty()));
    BOOST_CHECK_THROW(mt::inspect(s.path + "/none"), mt::error);
    BOOST_CHECK_THROW(mt::inspect(s.path), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
