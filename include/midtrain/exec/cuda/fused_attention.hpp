#pragma once
#include <compare>
#include <memory>
#include <string>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// A form of attention in bfloat16 that a vendor's library may have a kernel for: causal inside documents that lie one behind the other.
/// `batch` documents of up to `length` tokens, or sequences of exactly that where it is not `ragged`.
struct fused_attention_form {
    index_t batch, heads, kv_heads, length, head_size, value_size;
    index_t qkv_stride, output_stride, log_sum_stride;  ///< from token to token, and from head to head
    index_t tokens;                                     ///< of all documents
    index_t window;                                     ///< 0: none
    bool    ragged, backward;
    bool    repeatable;  ///< twice the same bits: of backward
    bool    apart;       ///< the gradients of keys and values lie by themselves, dense

    friend auto operator<=>(fused_attention_form const&, fused_attention_form const&) = default;
};

/// Memory of a GPU that one call reads and writes.
struct fused_attention_memory {
    void const *query, *key, *value, *lengths, *scale;
    void const *qkv_offsets, *output_offsets, *log_sum_offsets, *key_offsets, *value_offsets;  // (batch + 1) each
    void       *output, *log_sum;
    void const* output_gradient = nullptr;
    void *      query_gradient = nullptr, *key_gradient = nullptr, *value_gradient = nullptr;
    void*       workspace = nullptr;
};

/// A library of such kernels. What it finds for a form is found once.
class fused_attention {
  public:
    struct found {
        index_t     workspace = 0;  ///< bytes
        std::string refused{};      ///< why there is no kernel; empty: there is one
    };
    virtual ~fused_attention()                                                              = default;
    virtual found const& find(fused_attention_form const&)                                  = 0;
    virtual void         run(fused_attention_form const&, fused_attention_memory const&) = 0;
};

/// The program's library, for a stream of the current GPU: exec/cuda/cudnn_attention.cuh in one unit of the program brings it, which CMake
/// sees to where it finds cuDNN. A program without it has none.
[[gnu::weak]] std::unique_ptr<fused_attention> make_fused_attention(void* stream);

}  // namespace midtrain::inline MT_ABI
