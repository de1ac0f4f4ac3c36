#pragma once
#include <midtrain/core/types.hpp>

// What decoders differ in beside their widths: words for shapes (model/decoder_shape.hpp, io/hf_config.hpp).
namespace midtrain::inline MT_ABI {

/// What stands in a norm's gain: the gain itself, its distance from one (Gemma, and Nemotron's LayerNorm1P), or nothing is learned (OLMo 1).
enum class norm_gain { plain, one_plus, none };

/// Where a branch f of the residual stream is normed: x + f(norm(x)), x + norm(f(x)) (OLMo 2), or x + norm(f(norm(x))) (Gemma 2).
enum class norm_place { before, after, both };

/// What one norm of queries and keys runs over: each head (Qwen3) or all of them (OLMo 2).
enum class norm_over { head, all };

/// Whether queries and keys are normed before they turn, or behind it (Hunyuan).
enum class norm_when { before_turning, after_turning };

}  // namespace midtrain::inline MT_ABI
