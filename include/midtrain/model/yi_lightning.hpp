#pragma once
#include <midtrain/model/expert_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// Yi-Lightning's layers (arXiv 2412.01253): of each four the first three have a window and the fourth sees its whole document, and
/// consecutive layers without a window share what they keep. Shared by two, with a window of a sixteenth of the context, that is the saving of
/// 82.8 % which the report tells: 1 - (3/16 + 1/2) / 4.
constexpr layer_kind yi_lightning_layer(int n, index_t window) {
    return {.window = window_but_every(4, n, window), .keys_from = n % 8 == 7 ? n - 4 : -1};
}

/// Yi-Lightning: such layers, and small experts (Dai et al. 2024) that are balanced one by one and by device. Its sizes are not published, nor
/// weights; names are Qwen3-MoE's. A whole one is
///     struct small : yi_lightning_shape {
///         static constexpr int layers = 8, width = 512, heads = 8, kv_heads = 2, ffn = 1536, vocab = 32'000;
///         static constexpr layer_kind   layer(int n) { return yi_lightning_layer(n, 256); }
///         static constexpr expert_shape experts{.count = 32, .chosen = 4, .ffn = 384, .renormalise = true, .devices = 4,
///                                               .naming = expert_naming::qwen, .balance = {.micro_batch = 1e-6, .devices = 1e-4}};
///     };
using yi_lightning = expert_decoder;

/// What its shapes have in common.
struct yi_lightning_shape : decoder_shape {
    static constexpr int  vocab = 100'352, context = 8192;
    static constexpr bool tied  = false;
};

}  // namespace midtrain::inline MT_ABI::model
