// Makes a model of each configuration that transformers wrote, exports it, and writes beside it the logits that midtrain has for it.
//   exported_families FAMILY_CONFIGS.json OUTPUT
#include <cstdio>
#include <filesystem>
#include <string>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/model/deepseek_v3.hpp>
#include <midtrain/model/expert_family.hpp>
#include <midtrain/model/gemma.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/mamba.hpp>
#include <midtrain/model/mamba2.hpp>
#include <midtrain/model/nemotron.hpp>
#include <midtrain/model/olmo.hpp>
#include <midtrain/model/zamba.hpp>
#include <midtrain/train/export.hpp>
#include <support/exported_model.hpp>

namespace mt = midtrain;

namespace {

template <class Family>
void write(std::string const& folder, mt::io::hf_config const& shape) {
    mt::any_position const positions = mt::io::turns(shape.family) ? mt::io::position_of(shape.rotary) : mt::rope{.base = 1e4, .length = shape.context};
    mt::index_t const      length    = 48;
    mt::host               device;
    mt::trainable<mt::host, Family, mt::io::hf_config, mt::fp32> m(device, shape);
    m.initialise(7);
    test::stir(m);
    mt::export_model(m, folder, positions, {.weights = mt::weight_type::f32});
    test::write_logits<Family>(folder, shape, positions, length);
}

void write_one(std::string const& folder, mt::io::hf_config const& shape) {
    switch (mt::io::model_of(shape.family)) {
        case mt::io::hf_model::llama: return write<mt::model::llama>(folder, shape);
        case mt::io::hf_model::gemma: return write<mt::model::gemma>(folder, shape);
        case mt::io::hf_model::gpt2: return write<mt::model::gpt2>(folder, shape);
        case mt::io::hf_model::olmo: return write<mt::model::olmo>(folder, shape);
        case mt::io::hf_model::nemotron: return write<mt::model::nemotron>(folder, shape);
        case mt::io::hf_model::mamba: return write<mt::model::mamba>(folder, shape);
        case mt::io::hf_model::mamba2: return write<mt::model::mamba2>(folder, shape);
        case mt::io::hf_model::zamba: return write<mt::model::zamba>(folder, shape);
        case mt::io::hf_model::deepseek_v3: return write<mt::model::deepseek_v3>(folder, shape);
        case mt::io::hf_model::experts: return write<mt::model::expert_decoder>(folder, shape);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return std::fputs("usage: exported_families FAMILY_CONFIGS.json OUTPUT\n", stderr), 2;
    std::string const out = std::string(argv[2]) + "/";
    try {
        std::filesystem::create_directories(out);
        mt::io::mapped_file const file(argv[1]);
        auto const all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, argv[1]);
        for (auto const& [name, config] : *all.as<mt::io::json::object>()) write_one(out + name, mt::io::hf_config_from(config, name));
    } catch (mt::error const& e) {
        return std::fprintf(stderr, "%s\n", e.what()), 1;
    }
}
