// Shapes of published models have as many weights as transformers counts (tests/oracle/model_sizes.py), Hunyuan-Large as its paper says.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/model/deepseek_v3.hpp>
#include <midtrain/model/granite.hpp>
#include <midtrain/model/hunyuan_large.hpp>
#include <midtrain/model/llama3.hpp>
#include <midtrain/model/mamba.hpp>
#include <midtrain/model/mamba2.hpp>
#include <midtrain/model/map_neo.hpp>
#include <midtrain/model/mimo.hpp>
#include <midtrain/model/minicpm.hpp>
#include <midtrain/model/nemotron.hpp>
#include <midtrain/model/olmo3.hpp>
#include <midtrain/model/phi3.hpp>
#include <midtrain/model/qwen3.hpp>
#include <midtrain/model/qwen_moe.hpp>
#include <midtrain/model/smollm.hpp>
#include <midtrain/model/zamba.hpp>

namespace mt = midtrain;
using namespace mt::model;

namespace {

template <class Family, class Shape>
double weights() {
    mt::parameter_layout layout;
    Family::make(layout, Shape{});
    return static_cast<double>(layout.count());
}

class sizes {
  public:
    template <class Shape, class Family = llama>
    void same(char const* name) {
        ++compared_;
        auto const want = all_.find(name);
        BOOST_TEST_REQUIRE((want != nullptr), name);
        double const found = weights<Family, Shape>();
        BOOST_TEST(found == *want->as<double>(), name << " has " << found);
    }
    ~sizes() { BOOST_TEST(compared_ == all_.as<mt::io::json::object>()->size()); }

  private:
    mt::io::mapped_file const file_{MIDTRAIN_SOURCE_DIR "/tests/golden/model_sizes.json"};
    mt::io::json const        all_ = mt::io::parse_json({reinterpret_cast<char const*>(file_.bytes().data()), file_.bytes().size()}, "model_sizes.json");
    std::size_t               compared_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(published_sizes)

BOOST_AUTO_TEST_CASE(equal_transformers) {
    sizes all;
    all.same<llama3_8b>("llama3_8b"), all.same<llama3_70b>("llama3_70b"), all.same<llama3_405b>("llama3_405b");
    all.same<smollm2_1b>("smollm2_1b"), all.same<map_neo_7b>("map_neo_7b"), all.same<minicpm_1b>("minicpm_1b");
    all.same<minicpm_2b>("minicpm_2b"), all.same<granite_3_2b>("granite_3_2b"), all.same<phi4_14b>("phi4_14b");
    all.same<olmo2_1b>("olmo2_1b"), all.same<olmo2_7b>("olmo2_7b"), all.same<olmo2_13b>("olmo2_13b"), all.same<olmo2_32b>("olmo2_32b");
    all.same<olmo3_7b>("olmo3_7b"), all.same<nemotron_4_340b, nemotron>("nemotron_4_340b");
    all.same<qwen3_600m>("qwen3_600m"), all.same<qwen3_1b>("qwen3_1b"), all.same<qwen3_4b>("qwen3_4b");
    all.same<qwen3_8b>("qwen3_8b"), all.same<qwen3_14b>("qwen3_14b"), all.same<qwen3_32b>("qwen3_32b");
    all.same<qwen3_30b_a3b, qwen3_moe>("qwen3_30b_a3b"), all.same<qwen3_235b_a22b, qwen3_moe>("qwen3_235b_a22b");
    all.same<deepseek_v3_671b, deepseek_v3>("deepseek_v3_671b");
    all.same<mamba_130m, mamba>("mamba_130m"), all.same<mamba2_130m, mamba2>("mamba2_130m"), all.same<zamba_7b, zamba>("zamba_7b");
}
BOOST_AUTO_TEST_CASE(equal_papers) {
    BOOST_TEST(std::abs(weights<hunyuan_large, hunyuan_large_389b>() / 389e9 - 1) < 2e-3);
    BOOST_TEST(std::abs(weights<llama, mimo_7b>() / 7.83e9 - 1) < 2e-3);
}

BOOST_AUTO_TEST_SUITE_END()
