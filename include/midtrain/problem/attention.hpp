#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/score_row.hpp>

namespace midtrain::inline MT_ABI {

/// Causal attention inside documents; head h of the queries reads key head h / (heads / kv_heads).
/// A token at offset t of its sequence attends to offsets first(t) .. t: its document, or of that the last `window`.
/// output = softmax(modifier(scale * q k^T)) v for a ScoreModifier, and log_sum(head, token) keeps the log of each softmax's denominator.
template <class T, class Modifier = unmodified>
struct attention_problem {
    matrix_view<T const>         qkv;             // (tokens, (heads + 2 kv_heads) * head_size): queries, keys, values
    row_view<std::int32_t const> document_begin;  // (tokens)
    matrix_view<T>               output;          // (tokens, heads * head_size)
    matrix_view<computed_t<T>>   log_sum;         // (heads, tokens)
    index_t                      sequences, length, heads, kv_heads, head_size;
    computed_t<T>                scale;
    index_t                      window   = 0;      // 0: none
    row_view<std::int32_t const> position = {};     // (tokens), in their documents: for a modifier alone
    [[no_unique_address]] Modifier modifier = {};

    MT_HOST_DEVICE constexpr index_t group() const { return heads / kv_heads; }
    MT_HOST_DEVICE constexpr index_t query_column(index_t head) const { return head * head_size; }
    MT_HOST_DEVICE constexpr index_t key_column(index_t kv) const { return (heads + kv) * head_size; }
    MT_HOST_DEVICE constexpr index_t value_column(index_t kv) const { return (heads + kv_heads + kv) * head_size; }
    /// The first offset that a token, counted over all sequences, attends to.
    MT_HOST_DEVICE constexpr index_t first(index_t token) const {
        index_t const begin = document_begin[token], seen = token % length + 1 - window;
        return window > 0 && seen > begin ? seen : begin;
    }
    /// What becomes of the scores of a token, counted over all sequences.
    MT_HOST_DEVICE constexpr score_row<Modifier> scores(index_t token, index_t head) const {
        return {modifier, position.data ? position[token] : token % length, head};
    }
};

/// The gradient of attention_problem with respect to qkv, given that of output.
template <class T, class Modifier = unmodified>
struct attention_gradient_problem {
    attention_problem<T, Modifier> forward;
    matrix_view<T const>           output_gradient;  // (tokens, heads * head_size)
    matrix_view<T>                 qkv_gradient;     // like qkv; overwritten
    matrix_view<computed_t<T>>     dot;              // (heads, tokens): workspace for sum(output * output_gradient)
};

}  // namespace midtrain::inline MT_ABI
