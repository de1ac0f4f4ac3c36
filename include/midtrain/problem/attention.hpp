#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/distance.hpp>
#include <midtrain/problem/score_row.hpp>

namespace midtrain::inline MT_ABI {

/// Causal attention inside documents; head h of the queries reads key head h / (heads / kv_heads).
/// A token at offset t of its sequence attends to offsets first(t) .. t: its document, or of that the last `window`.
/// With a DistancePolicy queries stand in qkv once for each of its forms, and keys once for each of theirs (op/turn_apart.hpp).
/// output = softmax(modifier(scale * q k^T)) v for a ScoreModifier, and log_sum(head, token) keeps the log of each softmax's denominator.
template <class T, class Modifier = unmodified, class Distance = as_they_stand>
struct attention_problem {
    // (tokens, (forms * heads + key_forms * kv_heads) * head_size + kv_heads * values()): queries, keys, values
    matrix_view<T const>         qkv;
    row_view<std::int32_t const> document_begin;  // (tokens)
    matrix_view<T>               output;          // (tokens, heads * values())
    matrix_view<computed_t<T>>   log_sum;         // (heads, tokens)
    index_t                      sequences, length, heads, kv_heads, head_size;
    computed_t<T>                scale;
    index_t                      window   = 0;      // 0: none
    row_view<std::int32_t const> position = {};     // (tokens), in their documents: for a modifier or a distance
    [[no_unique_address]] Modifier modifier = {};
    [[no_unique_address]] Distance distance = {};
    index_t                      value_size = 0;  // of one head; 0: head_size
    index_t                      documents  = 0;  // no more than so many stand in the batch; 0: not known

    MT_HOST_DEVICE constexpr index_t values() const { return value_size > 0 ? value_size : head_size; }
    MT_HOST_DEVICE constexpr index_t group() const { return heads / kv_heads; }
    MT_HOST_DEVICE constexpr index_t query_column(index_t head, int form = 0) const { return (form * heads + head) * head_size; }
    MT_HOST_DEVICE constexpr index_t key_column(index_t kv, int key_form = 0) const {
        return (distance.forms() * heads + key_form * kv_heads + kv) * head_size;
    }
    MT_HOST_DEVICE constexpr index_t value_column(index_t kv) const { return key_column(0, distance.key_forms()) + kv * values(); }
    MT_HOST_DEVICE constexpr index_t output_column(index_t head) const { return head * values(); }
    /// The first offset that a token, counted over all sequences, attends to.
    MT_HOST_DEVICE constexpr index_t first(index_t token) const {
        index_t const begin = document_begin[token], seen = token % length + 1 - window;
        return window > 0 && seen > begin ? seen : begin;
    }
    /// Where a token, counted over all sequences, stands in its document.
    MT_HOST_DEVICE constexpr index_t place(index_t token) const { return position.data ? position[token] : token % length; }
    /// What becomes of its scores.
    MT_HOST_DEVICE constexpr score_row<Modifier> scores(index_t token, index_t head) const { return {modifier, place(token), head}; }
    /// The form in which it sees the key that stands so many tokens back.
    MT_HOST_DEVICE constexpr int form(index_t token, index_t back) const {
        index_t const at = place(token);
        return form_of(distance, at, at - back);
    }
};

/// The gradient of attention_problem with respect to qkv, given that of output. There is none with a distance, which is for evaluation.
template <class T, class Modifier = unmodified>
struct attention_gradient_problem {
    attention_problem<T, Modifier> forward;
    matrix_view<T const>           output_gradient;  // (tokens, heads * values())
    matrix_view<T>                 qkv_gradient;     // like qkv; overwritten
    matrix_view<computed_t<T>>     dot;              // (heads, tokens): workspace for sum(output * output_gradient)
};

}  // namespace midtrain::inline MT_ABI
