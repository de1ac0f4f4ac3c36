// expect: midtrain: the device is no Device.
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>

struct small : midtrain::decoder_shape {
    static constexpr int layers = 1, width = 8, heads = 1, kv_heads = 1, ffn = 8, vocab = 8;
};
struct nothing {};
midtrain::trainable<nothing, midtrain::model::llama, small, midtrain::fp32>* model() { return nullptr; }
auto size = sizeof(midtrain::trainable<nothing, midtrain::model::llama, small, midtrain::fp32>);
