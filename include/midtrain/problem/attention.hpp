#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <type_traits>
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

/// What a device asks of attention to choose its way: sizes, and which of its parts are not the plain ones.
struct attention_size {
    index_t sequences, length, heads, kv_heads, head_size, value_size, window, documents;
    index_t qkv_stride, output_stride, log_sum_stride;
    int     value_bytes;  ///< of what is stored: 2 is bfloat16
    int     forms, key_forms;
    bool    modified, far, backward;

    constexpr index_t group() const { return heads / kv_heads; }
    constexpr index_t values() const { return value_size; }
    friend auto operator<=>(attention_size const&, attention_size const&) = default;
};

template <class T, class Modifier, class Distance>
constexpr attention_size size_of(attention_problem<T, Modifier, Distance> const& p, bool backward = false) {
    return {p.sequences, p.length, p.heads, p.kv_heads, p.head_size, p.values(), p.window, p.documents,
            p.qkv.stride, p.output.stride, p.log_sum.stride,
            sizeof(T), p.distance.forms(), p.distance.key_forms(),
            !std::is_same_v<Modifier, unmodified>, !std::is_same_v<Distance, as_they_stand>, backward};
}
template <class T, class Modifier>
constexpr attention_size size_of(attention_gradient_problem<T, Modifier> const& g) {
    return size_of(g.forward, true);
}

/// How a device will do attention, for a plan.
struct attention_plan {
    std::string way;        ///< empty: as it does everything
    index_t     bytes = 0;  ///< of a workspace that it keeps
};

}  // namespace midtrain::inline MT_ABI
