#pragma once
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <support/golden.hpp>
#include <support/model_laws.hpp>

// What holds for a model of each config.json that transformers writes (tests/golden/family_configs.json), with numbers known at run time only.
namespace test {

struct named_shape {
    std::string             name;
    midtrain::io::hf_config shape;
};
/// Those that a model computes.
inline std::vector<named_shape> shapes_of(midtrain::io::hf_model model) {
    std::string const               path = MIDTRAIN_SOURCE_DIR "/tests/golden/family_configs.json";
    midtrain::io::mapped_file const file(path);
    auto const all = midtrain::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
    std::vector<named_shape> found;
    for (auto const& [name, config] : *all.as<midtrain::io::json::object>())
        if (auto const shape = midtrain::io::hf_config_from(config, name); midtrain::io::model_of(shape.family) == model)
            found.push_back({name, shape});
    return found;
}

/// Gradients equal finite differences, are final where backward says so, recomputed ones are the same bits, a crowd has the same numbers, a
/// batch is learnt by heart, documents that share a row are as alone, and generating goes on from what is kept as if the whole were read.
template <class Family>
void keeps_all_laws(midtrain::io::hf_model model) {
    namespace mt = midtrain;
    using shape  = mt::io::hf_config;
    auto const shapes = shapes_of(model);
    BOOST_TEST(!shapes.empty());
    for (auto const& [name, s] : shapes) BOOST_TEST_CONTEXT(name) {
        auto const stored = gradient_of<mt::host, Family, shape, mt::fp64>(mt::pass_mode::train, 24, s);
        BOOST_TEST((worst_slope<Family, shape>(mt::pass_mode::train, 24, s)) < 1e-6);
        BOOST_TEST((gradient_of<mt::host, Family, shape, mt::fp64>(mt::pass_mode::recompute, 24, s) == stored));
        BOOST_TEST(relative(gradient_of<mt::crowd, Family, shape, mt::fp64>(mt::pass_mode::train, 24, s), stored) < 1e-12);
        BOOST_TEST((finished_is_final<Family, shape>(24, s)));
        BOOST_TEST((loss_by_heart<Family, shape>(12, s)) < 0.1);
        BOOST_TEST((apart_from_alone<Family, shape>({0, 7, 20}, 30, s)) < 1e-12);
        BOOST_TEST((apart_when_decoding<Family, shape>(19, s)) < 1e-12);
    }
}

}  // namespace test
