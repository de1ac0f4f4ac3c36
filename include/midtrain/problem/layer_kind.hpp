#pragma once
#include <type_traits>
#include <utility>
#include <midtrain/core/types.hpp>
#include <midtrain/problem/score_row.hpp>

namespace midtrain::inline MT_ABI {

/// Whether a layer turns queries and keys by position, or positions enter elsewhere (or nowhere).
enum class positions { rotary, none };

/// What a layer takes of an earlier one in place of keys and values of its own. `turned`: keys as that layer's attention sees them, normed and
/// turned, and its values, so nothing is kept twice while tokens are generated (Apple's KV reuse, arXiv 2507.13575). `projected`:
/// both as its matrix made them, and the reader norms and turns the keys itself (Hunyuan-Large's published code).
enum class key_form { turned, projected };

/// What attention of a layer is: a constexpr function of the layer's index in the shape, `layer(n)`.
struct layer_kind {
    positions   how       = positions::rotary;
    index_t     window    = 0;                     ///< tokens that a query sees, itself among them; 0: its document
    int         keys_from = -1;                    ///< the earlier layer whose keys and values it takes; below 0: it makes its own
    key_form    taken     = key_form::turned;      ///< what it takes then

    friend constexpr bool operator==(layer_kind const&, layer_kind const&) = default;
};

/// Layers n - 1, 2 n - 1, ... turn nothing and the others do: NoPE as in SmolLM3 and Llama 4, whose n is 4.
constexpr positions rotary_but_every(int n, int layer) { return (layer + 1) % n == 0 ? positions::none : positions::rotary; }
/// Layers n - 1, 2 n - 1, ... see their whole document and the others a window: Gemma 2 has n = 2, OLMo 3 has 4, Gemma 3 has 6.
constexpr index_t window_but_every(int n, int layer, index_t window) { return (layer + 1) % n == 0 ? 0 : window; }

/// Of each n layers the first makes keys and values and the others take them: cross-layer attention with share factor n (Brandon et al. 2024,
/// arXiv 2405.12981).
constexpr int keys_of_group(int n, int layer) { return layer % n == 0 ? -1 : layer - layer % n; }
/// Layers behind `last` take its keys and values: Apple's KV reuse.
constexpr int keys_of_last(int last, int layer) { return layer > last ? last : -1; }

/// The kind of layer n of a shape: what its `layer(n)` says, else rotary with the shape's window.
template <class Shape>
constexpr layer_kind layer_of(Shape const& s, int n) {
    if constexpr (requires { s.layer(n); }) return s.layer(n);
    else return {positions::rotary, s.window};
}

/// What a layer does to its scores: what the shape's `scores(n)` says, of one type for all layers; without one they stay as they are.
template <class Shape>
constexpr auto scores_of(Shape const& s, int n) {
    if constexpr (requires { s.scores(n); }) return s.scores(n);
    else return unmodified{};
}

/// Whether the scores of a shape's layers stay as they are: what exported models have.
template <class Shape>
concept scores_stay = std::is_same_v<decltype(scores_of(std::declval<Shape const&>(), 0)), unmodified>;

/// Whether all layers of a shape are of one kind.
template <class Shape>
constexpr bool layers_alike(Shape const& s) {
    for (int n = 1; n < s.layers; ++n)
        if (!(layer_of(s, n) == layer_of(s, 0))) return false;
    return true;
}
/// The widest window of a shape's layers; 0: none has one.
template <class Shape>
constexpr index_t widest_window(Shape const& s) {
    index_t most = 0;
    for (int n = 0; n < s.layers; ++n)
        if (index_t const w = layer_of(s, n).window; w > most) most = w;
    return most;
}

}  // namespace midtrain::inline MT_ABI
