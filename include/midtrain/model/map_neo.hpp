#pragma once
#include <midtrain/model/llama.hpp>

namespace midtrain::inline MT_ABI::model {

/// MAP-Neo (arXiv 2405.19327): a Llama whose heads are wider than width / heads suggests, so their size is stated.
struct map_neo_7b : decoder_shape {
    static constexpr int  layers = 28, width = 3072, heads = 16, kv_heads = 16, head_size = 192, ffn = 24'576, vocab = 64'000, context = 8192;
    static constexpr bool tied = false;
};

}  // namespace midtrain::inline MT_ABI::model
