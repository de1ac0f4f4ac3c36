// Exports models with each position policy, and beside each folder the logits that midtrain has for it: what transformers is compared with.
//   exported OUTPUT [MODEL.gguf]
#include <cstdio>
#include <filesystem>
#include <string>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_llama.hpp>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/mamba.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/model/zamba.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/export.hpp>
#include <support/exported_model.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

struct untied_shape : test::small_shape {
    static constexpr bool   tied         = false;
    static constexpr double norm_epsilon = 1e-6;
};

/// Shapes that have a model class of their own in transformers: see io::hf_family_of.
struct mistral_shape : test::small_shape {
    static constexpr int window = 24, head_size = 12;
};
struct qwen2_shape : test::small_shape {
    static constexpr bool qkv_bias = true;
};
struct qwen3_shape : test::small_shape {
    static constexpr int  head_size = 12;
    static constexpr bool qk_norm = true, tied = false;
};
struct qwen2_window_shape : qwen2_shape {
    static constexpr int window = 16;
};

struct smollm3_shape : test::small_shape {
    static constexpr int            layers = 4;
    static constexpr mt::layer_kind layer(int n) { return {mt::rotary_but_every(4, n)}; }
};
struct smollm3_window_shape : smollm3_shape {
    static constexpr bool           qkv_bias = true, out_bias = true;
    static constexpr mt::layer_kind layer(int n) { return {mt::rotary_but_every(2, n), mt::window_but_every(2, n, 16)}; }
};
struct qwen2_mixed_shape : qwen2_shape {
    static constexpr mt::layer_kind layer(int n) { return {.window = mt::window_but_every(2, n, 16)}; }
};

struct mamba_shape : mt::decoder_shape {
    static constexpr int             layers = 2, width = 32, vocab = 96, context = 64;
    static constexpr double          deviation = 0.1;
    static constexpr mt::state_shape state{.bias = true};
};
struct zamba_shape : test::small_shape {
    static constexpr int             layers = 4, head_size = 10;
    static constexpr mt::state_shape state{.states = 8, .heads = 2};
    static constexpr bool            hybrid(int n) { return n % 2 == 1; }
};

template <class Family, class Shape, class Policy>
void tiny(std::string const& folder, Shape const& shape, Policy const& positions, mt::weight_type weights) {
    mt::host                                              device;
    mt::trainable<mt::host, Family, Shape, mt::fp32> m(device, shape);
    m.initialise(7);
    test::stir(m);
    mt::export_model(m, folder, positions, {.weights = weights});
    test::write_logits<Family>(folder, shape, positions, Shape::context);
}

/// A published model with its tokenizer, its context stretched by four.
void published(std::string const& folder, std::string const& path) {
    mt::io::gguf const       file(path);
    mt::io::gguf_llama const weights(file);
    mt::host                 device;
    auto const               shape = weights.shape();
    mt::trainable<mt::host, mt::model::llama, mt::io::hf_config, mt::fp32> m(device, shape);
    m.load(weights);
    mt::yarn const positions{.base = shape.rope_base, .trained = shape.context, .extended = 4 * shape.context};
    auto const     tokenizer = mt::data::read_tokenizer(file);
    mt::export_model(m, folder, positions, {.tokenizer = &tokenizer, .notes = mt::data::read_tokenizer_notes(file)});
    test::write_logits<mt::model::llama>(folder, shape, positions, 128);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fputs("usage: exported OUTPUT [MODEL.gguf]\n", stderr), 2;
    std::string const out = std::string(argv[1]) + "/";
    try {
        constexpr test::small_shape shape;
        auto const                  f32 = mt::weight_type::f32, bf16 = mt::weight_type::bf16;
        std::filesystem::create_directories(out);
        tiny<mt::model::llama>(out + "llama_rope", shape, mt::rope{.base = 10'000, .length = 64}, f32);
        tiny<mt::model::llama>(out + "llama_linear", shape, mt::interpolated{.base = 10'000, .trained = 16, .extended = 64}, f32);
        tiny<mt::model::llama>(out + "llama_ntk", shape, mt::ntk{.base = 10'000, .trained = 16, .extended = 64}, f32);
        tiny<mt::model::llama>(out + "llama_yarn", shape, mt::yarn{.base = 10'000, .trained = 24, .extended = 64, .fast = 4}, f32);
        tiny<mt::model::llama>(out + "llama_untied_bf16", untied_shape{}, mt::rope{.base = 500'000, .length = 64}, bf16);
        mt::rope const plain{.base = 10'000, .length = 64};
        tiny<mt::model::llama>(out + "mistral", mistral_shape{}, plain, f32);
        tiny<mt::model::llama>(out + "qwen2", qwen2_shape{}, plain, f32);
        tiny<mt::model::llama>(out + "qwen2_window", qwen2_window_shape{}, plain, f32);
        tiny<mt::model::llama>(out + "qwen2_mixed", qwen2_mixed_shape{}, plain, f32);
        tiny<mt::model::llama>(out + "smollm3", smollm3_shape{}, plain, f32);
        tiny<mt::model::llama>(out + "smollm3_window", smollm3_window_shape{}, plain, f32);
        tiny<mt::model::llama>(out + "qwen3", qwen3_shape{}, plain, f32);
        tiny<mt::model::llama>(out + "qwen3_bf16", qwen3_shape{}, mt::rope{.base = 1'000'000, .length = 64}, bf16);
        tiny<mt::model::gpt2>(out + "gpt2", shape, mt::rope{.base = 10'000, .length = 64}, f32);
        tiny<mt::model::gpt2>(out + "gpt2_bf16", shape, mt::rope{.base = 10'000, .length = 64}, bf16);
        tiny<mt::model::mamba>(out + "mamba", mamba_shape{}, plain, f32);
        tiny<mt::model::zamba>(out + "zamba", zamba_shape{}, plain, f32);
        if (argc > 2) published(out + "smollm2_yarn", argv[2]);
    } catch (mt::error const& e) {
        return std::fprintf(stderr, "%s\n", e.what()), 1;
    }
}
