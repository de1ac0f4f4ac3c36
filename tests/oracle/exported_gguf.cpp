// Exports models as GGUF in each type and with each position policy, and beside each file the logits that midtrain has for it: what
// llama.cpp is compared with.
//   exported_gguf OUTPUT [MODEL.gguf]
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <vector>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_llama.hpp>
#include <midtrain/io/safetensors_writer.hpp>
#include <midtrain/io/weight_files.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/position/llama3.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/export_gguf.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;
using mt::io::gguf_type;

namespace {

struct untied_shape : test::small_shape {
    static constexpr bool tied = false;
};
struct qwen2_shape : test::small_shape {
    static constexpr bool qkv_bias = true;
};
struct qwen3_shape : test::small_shape {
    static constexpr int  head_size = 16;
    static constexpr bool qk_norm   = true;
};

/// The logits of the weights as they stand in the file, in fp32, for one sequence.
template <class Model, class Policy>
void write_logits(Model& m, std::string const& name, Policy const& positions, mt::index_t length) {
    m.load(mt::io::weight_files(name + ".gguf"));
    m.set_rotary(length, positions);
    auto const                      vocab = m.shape().vocab;
    auto                            b     = test::owned_batch::random(1, length, vocab, 0);
    std::vector<std::int64_t> const ids(b.inputs.begin(), b.inputs.end());
    std::vector<float>              logits(static_cast<std::size_t>(length * vocab));
    m.logits(b.view(), mt::as_matrix(logits.data(), length, vocab));
    mt::io::safetensors_writer out(name + ".logits");
    out.declare("ids", "I64", {length});
    out.declare("logits", "F32", {length, vocab});
    out.add("ids", std::as_bytes(std::span(ids)));
    out.add("logits", std::as_bytes(std::span(logits)));
    out.finish();
}

template <class Family, class Shape = test::small_shape, class Policy>
void tiny(std::string const& name, Policy const& positions, gguf_type weights) {
    mt::host                                              device;
    mt::trainable<mt::host, Family, Shape, mt::fp32> m(device, {});
    m.initialise(7);
    mt::export_gguf(m, name + ".gguf", positions, {.weights = weights});
    write_logits(m, name, positions, Shape::context);
}

/// A published model with its tokenizer.
void published(std::string const& out, std::string const& path) {
    mt::io::gguf const       file(path);
    mt::io::gguf_llama const weights(file);
    mt::host                 device;
    auto const               shape = weights.shape();
    mt::trainable<mt::host, mt::model::llama, mt::io::hf_config, mt::fp32> m(device, shape);
    mt::rope const positions{.base = shape.rope_base, .length = shape.context};
    auto const     tokenizer = mt::data::read_tokenizer(file);
    auto const     notes     = mt::data::read_tokenizer_notes(file);
    for (auto const& [name, type] : {std::pair{"f16", gguf_type::f16}, std::pair{"bf16", gguf_type::bf16}, std::pair{"q8_0", gguf_type::q8_0}}) {
        m.load(weights);
        mt::export_gguf(m, out + "smollm2_" + name + ".gguf", positions, {.weights = type, .tokenizer = &tokenizer, .notes = notes});
        write_logits(m, out + "smollm2_" + name, positions, 64);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fputs("usage: exported_gguf OUTPUT [MODEL.gguf]\n", stderr), 2;
    std::string const out = std::string(argv[1]) + "/";
    try {
        std::filesystem::create_directories(out);
        constexpr mt::rope plain{.base = 10'000, .length = 64};
        for (auto const& [name, type] : {std::pair{"f32", gguf_type::f32}, std::pair{"f16", gguf_type::f16}, std::pair{"bf16", gguf_type::bf16},
                                         std::pair{"q8_0", gguf_type::q8_0}})
            tiny<mt::model::llama>(out + "llama_" + name, plain, type);
        tiny<mt::model::llama>(out + "llama_linear", mt::interpolated{.base = 10'000, .trained = 16, .extended = 64}, gguf_type::f32);
        tiny<mt::model::llama>(out + "llama_ntk", mt::ntk{.base = 10'000, .trained = 16, .extended = 64}, gguf_type::f32);
        tiny<mt::model::llama>(out + "llama_yarn", mt::yarn{.base = 10'000, .trained = 24, .extended = 64, .fast = 4}, gguf_type::f32);
        tiny<mt::model::llama>(out + "llama_llama3", mt::llama3{.base = 10'000, .trained = 16, .extended = 64, .factor = 4}, gguf_type::f32);
        tiny<mt::model::llama, untied_shape>(out + "llama_untied", plain, gguf_type::f32);
        tiny<mt::model::llama, qwen2_shape>(out + "qwen2", plain, gguf_type::f32);
        tiny<mt::model::llama, qwen3_shape>(out + "qwen3", plain, gguf_type::f32);
        tiny<mt::model::gpt2>(out + "gpt2", plain, gguf_type::f32);
        if (argc > 2) published(out, argv[2]);
    } catch (mt::error const& e) {
        return std::fprintf(stderr, "%s\n", e.what()), 1;
    }
}
