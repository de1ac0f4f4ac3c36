// Exports models, and beside each folder what midtrain says of the items of multiple choice: what lm-evaluation-harness is compared with.
//   choices OUTPUT [MODEL.gguf]
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_llama.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/train/export.hpp>
#include <midtrain/train/multiple_choice.hpp>
#include <support/choice_model.hpp>

namespace mt = midtrain;

namespace {

void write_choices(auto& model, mt::data::byte_level_bpe const& tokenizer, std::string const& path, mt::index_t length, std::int32_t begin) {
    mt::io::json::object all;
    for (auto const& form : test::choice_forms) {
        auto const items = mt::read_choice_items(MIDTRAIN_SOURCE_DIR "/tests/golden/choices/" + form + ".jsonl");
        all.emplace(form, to_json(mt::evaluate_choices(model, tokenizer, items, {.length = length, .begin = begin})));
    }
    mt::io::write_whole(path, mt::io::written(mt::io::json{std::move(all)}, 1) + "\n");
}

void published(std::string const& folder, std::string const& path) {
    mt::io::gguf const       file(path);
    mt::io::gguf_llama const weights(file);
    mt::host                 device;
    auto const               shape = weights.shape();
    mt::trainable<mt::host, mt::model::llama, mt::io::hf_config, mt::fp32> model(device, shape);
    model.load(weights);
    mt::rope const positions{.base = shape.rope_base, .length = shape.context};
    model.set_rotary(512, positions);
    auto const tokenizer = mt::data::read_tokenizer(file);
    auto const notes     = mt::data::read_tokenizer_notes(file);
    mt::export_model(model, folder, positions, {.weights = mt::weight_type::f32, .tokenizer = &tokenizer, .notes = notes});
    write_choices(model, tokenizer, folder + ".choices.json", 512, notes.begin);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fputs("usage: choices OUTPUT [MODEL.gguf]\n", stderr), 2;
    std::string const out = std::string(argv[1]) + "/";
    try {
        std::filesystem::create_directories(out);
        test::choice_model tiny;
        mt::export_model(tiny.model, out + "tiny", tiny.positions, {.weights = mt::weight_type::f32, .tokenizer = &tiny.tokenizer, .notes = {.begin = 0, .end = 0, .context = test::choice_shape::context}});
        write_choices(tiny.model, tiny.tokenizer, out + "tiny.choices.json", test::choice_shape::context, 0);
        if (argc > 2) published(out + "smollm2", argv[2]);
    } catch (mt::error const& e) {
        return std::fprintf(stderr, "%s\n", e.what()), 1;
    }
}
