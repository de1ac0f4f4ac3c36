// expect: these ranks exchange memory that the host reads, and the device has its own: name mt::nccl
#include <midtrain/comm/threads.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/sgd.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/problem/counting_device.hpp>
#include <midtrain/train/step.hpp>

namespace mt = midtrain;

struct small : mt::decoder_shape {
    static constexpr int layers = 2, width = 64, heads = 4, kv_heads = 2, ffn = 128, vocab = 256;
};
struct store {
    std::size_t               documents() const { return 1; }
    std::vector<std::int32_t> document(std::int64_t) const { return {1, 2}; }
};
/// As a GPU's.
struct far_device : mt::counting_device {
    static constexpr bool shares_memory = false;
};

void step(mt::threads& ranks, mt::trainable<far_device, mt::model::llama, small, mt::fp32>& model, mt::batches<store> const& drawn) {
    std::vector<mt::step_part> parts;
    mt::step_result            result;
    mt::take_step(ranks, model, mt::sgd{}, drawn, {}, parts, result);
}
