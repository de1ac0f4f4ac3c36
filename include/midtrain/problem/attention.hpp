#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Causal attention inside documents; head h of the queries reads key head h / (heads / kv_heads).
/// A token at offset t of its sequence attends to offsets document_begin[t] .. t.
/// output = softmax(scale * q k^T) v, and log_sum(head, token) keeps the log of each softmax's denominator.
template <class T>
struct attention_problem {
    matrix_view<T const>         qkv;             // (tokens, (heads + 2 kv_heads) * head_size): queries, keys, values
    row_view<std::int32_t const> document_begin;  // (tokens)
    matrix_view<T>               output;          // (tokens, heads * head_size)
    matrix_view<computed_t<T>>   log_sum;         // (heads, tokens)
    index_t                      sequences, length, heads, kv_heads, head_size;
    computed_t<T>                scale;

    MT_HOST_DEVICE constexpr index_t group() const { return heads / kv_heads; }
    MT_HOST_DEVICE constexpr index_t query_column(index_t head) const { return head * head_size; }
    MT_HOST_DEVICE constexpr index_t key_column(index_t kv) const { return (heads + kv) * head_size; }
    MT_HOST_DEVICE constexpr index_t value_column(index_t kv) const { return (heads + kv_heads + kv) * head_size; }
};

/// The gradient of attention_problem with respect to qkv, given that of output.
template <class T>
struct attention_gradient_problem {
    attention_problem<T>       forward;
    matrix_view<T const>       output_gradient;  // (tokens, heads * head_size)
    matrix_view<T>             qkv_gradient;     // like qkv; overwritten
    matrix_view<computed_t<T>> dot;              // (heads, tokens): workspace for sum(output * output_gradient)
};

}  // namespace midtrain::inline MT_ABI
