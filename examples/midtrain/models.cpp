#include "models.hpp"
#include <filesystem>
#include <midtrain/core/enum_names.hpp>
#include <midtrain/exec/host/probe.hpp>
#include <midtrain/io/gguf_config.hpp>
#include <midtrain/io/hf_rotary.hpp>

namespace midtrain::inline MT_ABI::model {
struct deepseek_v3;
struct expert_decoder;
struct gemma;
struct gpt2;
struct llama;
struct mamba;
struct mamba2;
struct nemotron;
struct olmo;
struct zamba;
}  // namespace midtrain::inline MT_ABI::model

namespace program {

namespace {

namespace fs = std::filesystem;

bool exists(std::string const& path) {
    std::error_code why;
    return fs::exists(path, why);
}

void read_tokenizer(model_files& m, std::string const& from, bool wanted) {
    if (from.ends_with(".gguf")) {
        mt::io::gguf const file(from);
        if (!wanted && !file.find("tokenizer.ggml.tokens")) return;
        m.tokenizer = mt::data::read_tokenizer(file);
        m.notes     = mt::data::read_tokenizer_notes(file);
    } else if (wanted || exists(from + "/tokenizer.json")) {
        m.tokenizer = mt::data::read_tokenizer(from + "/tokenizer.json");
        if (exists(from + "/tokenizer_config.json")) m.notes = mt::data::read_tokenizer_notes(from + "/tokenizer_config.json", *m.tokenizer);
    }
}

/// f.operator()<Family>() for the family that computes those files' model.
template <class F>
auto by_model(model_files const& files, F const& f) {
    switch (mt::io::model_of(files.shape.family)) {
        case mt::io::hf_model::deepseek_v3: return f.template operator()<mt::model::deepseek_v3>();
        case mt::io::hf_model::experts: return f.template operator()<mt::model::expert_decoder>();
        case mt::io::hf_model::gemma: return f.template operator()<mt::model::gemma>();
        case mt::io::hf_model::llama: return f.template operator()<mt::model::llama>();
        case mt::io::hf_model::gpt2: return f.template operator()<mt::model::gpt2>();
        case mt::io::hf_model::mamba: return f.template operator()<mt::model::mamba>();
        case mt::io::hf_model::mamba2: return f.template operator()<mt::model::mamba2>();
        case mt::io::hf_model::nemotron: return f.template operator()<mt::model::nemotron>();
        case mt::io::hf_model::olmo: return f.template operator()<mt::model::olmo>();
        case mt::io::hf_model::zamba: return f.template operator()<mt::model::zamba>();
    }
    throw mt::error(files.path + ": is of a family that this program does not compute");
}

}  // namespace

model_files open_model(std::string const& path, std::string const& tokenizer) {
    mt::check(exists(path), [&] { return path + ": there is no such model"; });
    model_files m{.path = path, .shape = {}, .tokenizer = {}, .notes = {}};
    if (path.ends_with(".gguf")) {
        m.shape       = mt::io::read_gguf_config(mt::io::gguf(path));
        m.has_weights = true;
    } else {
        mt::check(exists(path + "/config.json"), [&] { return path + ": holds no config.json; a model is a folder in Hugging Face's form or a .gguf file"; });
        m.shape = mt::io::read_hf_config(path + "/config.json");
        for (char const* name : {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"})
            m.has_weights |= exists(path + "/" + name);
    }
    read_tokenizer(m, tokenizer.empty() ? path : tokenizer, !tokenizer.empty());
    mt::check(!m.tokenizer || m.tokenizer->size() <= static_cast<std::size_t>(m.shape.vocab), [&] {
        return (tokenizer.empty() ? path : tokenizer) + ": the tokenizer has " + std::to_string(m.tokenizer->size()) + " tokens where the model has " +
               std::to_string(m.shape.vocab);
    });
    return m;
}

mt::any_position model_files::position() const {
    if (mt::io::turns(shape.family)) return mt::io::position_of(shape.rotary);
    return mt::rope{.base = 10'000, .length = shape.context};
}

std::unique_ptr<host_model> read_model(mt::host& device, model_files const& files, model_options const& how) {
    return by_model(files, [&]<class Family>() { return made_as<Family>::read(device, files, how); });
}

std::unique_ptr<counted_model> count_model(mt::counting_device& device, model_files const& files, model_options const& how) {
    return by_model(files, [&]<class Family>() { return made_as<Family>::count(device, files, how); });
}

std::map<std::string, precision> precisions() {
    std::map<std::string, precision> all;
    for (int i = 0; !mt::enum_name(static_cast<precision>(i)).empty(); ++i)
        all.emplace(mt::enum_name(static_cast<precision>(i)), static_cast<precision>(i));
    return all;
}

precision chosen_precision(precision wanted, mt::host& device) {
    if (wanted != precision::automatic) return wanted;
    return mt::probe_products(device).prefer_bf16() ? precision::bf16 : precision::fp32;
}

}  // namespace program
