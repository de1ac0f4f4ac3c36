#pragma once
#include <midtrain/io/gguf_llama.hpp>
#include "quick_start.hpp"

// One function a translation unit, so that two processors compile side by side.
namespace quick_start {

int run_smollm2_fp32(course c, mt::io::gguf const& model);
int run_smollm2_bf16(course c, mt::io::gguf const& model);
int run_own(course c);

/// SmolLM2-135M-Instruct in a precision; the file must have the compiled shape.
template <class Precision>
int run_smollm2(course c, mt::io::gguf const& file) {
    mt::io::gguf_llama const weights(file);
    auto const&              s = weights.shape();
    using k                    = smollm2_135m;
    mt::check(s.layers == k::layers && s.width == k::width && s.heads == k::heads && s.kv_heads == k::kv_heads && s.ffn == k::ffn && s.vocab == k::vocab && s.tied == k::tied && s.rope_base == k::rope_base,
              [&] { return file.path() + ": is not SmolLM2-135M, whose shape this program is compiled for"; });
    auto const tokenizer = mt::data::read_tokenizer(file);
    return quick_start<smollm2_135m, Precision>().go(std::move(c), tokenizer, mt::data::read_tokenizer_notes(file), [&](auto& model) { model.load(weights); },
                                                     smollm2_run, smollm2_control);
}

}  // namespace quick_start
