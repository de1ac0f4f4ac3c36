#pragma once
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// Whether a layer turns queries and keys by position, or positions enter elsewhere (or nowhere).
enum class positions { rotary, none };

/// What attention of a layer is: a constexpr function of the layer's index in the shape, `layer(n)`.
struct layer_kind {
    positions how    = positions::rotary;
    index_t   window = 0;  ///< tokens that a query sees, itself among them; 0: its document

    friend constexpr bool operator==(layer_kind const&, layer_kind const&) = default;
};

/// Layers n - 1, 2 n - 1, ... turn nothing and the others do: NoPE as in SmolLM3 and Llama 4, whose n is 4.
constexpr positions rotary_but_every(int n, int layer) { return (layer + 1) % n == 0 ? positions::none : positions::rotary; }
/// Layers n - 1, 2 n - 1, ... see their whole document and the others a window: Gemma 2 has n = 2, OLMo 3 has 4, Gemma 3 has 6.
constexpr index_t window_but_every(int n, int layer, index_t window) { return (layer + 1) % n == 0 ? 0 : window; }

/// The kind of layer n of a shape: what its `layer(n)` says, else rotary with the shape's window.
template <class Shape>
constexpr layer_kind layer_of(Shape const& s, int n) {
    if constexpr (requires { s.layer(n); }) return s.layer(n);
    else return {positions::rotary, s.window};
}

}  // namespace midtrain::inline MT_ABI
