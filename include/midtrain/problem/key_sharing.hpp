#pragma once
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/problem/layer_kind.hpp>

// Layers that take keys and values of earlier ones: which may, and where in a pass these lie.
namespace midtrain::inline MT_ABI {

/// Why layer n cannot take what its kind says; none: it can, or takes nothing.
enum class sharing_flaw { none, not_earlier, not_its_own, two_forms, turned_otherwise };

template <class Shape>
constexpr sharing_flaw sharing_flaw_of(Shape const& s, int n) {
    auto const reader = layer_of(s, n);
    if (reader.keys_from < 0) return sharing_flaw::none;
    if (reader.keys_from >= n) return sharing_flaw::not_earlier;
    auto const source = layer_of(s, reader.keys_from);
    if (source.keys_from >= 0) return sharing_flaw::not_its_own;
    for (int m = 0; m < n; ++m)
        if (auto const other = layer_of(s, m); other.keys_from == reader.keys_from && other.taken != reader.taken)
            return sharing_flaw::two_forms;
    bool apart = false;  // where windows have a table of their own
    if constexpr (requires { s.window_rope_base; }) apart = s.window_rope_base > 0 && (source.window > 0) != (reader.window > 0);
    bool const same  = source.how == reader.how && (reader.how == positions::none || !apart);
    return reader.taken == key_form::turned && !same ? sharing_flaw::turned_otherwise : sharing_flaw::none;
}

/// What a layer has to do with keys and values of others.
struct key_sharing {
    enum class part { none, lends, takes };

    part        does   = part::none;
    key_form    form   = key_form::turned;
    index_t     number = 0;  ///< of the layer that lends, among those that do
    index_t     slot   = 0;  ///< the same, where what nobody reads any more makes room
};
/// Room for what layers lend.
struct key_room {
    index_t numbers = 0, slots = 0;
    index_t width   = 0;  ///< keys and values of a token

    friend constexpr bool operator==(key_room const&, key_room const&) = default;
};

/// Of all layers of a shape. Throws midtrain::error with the layer that takes what it cannot have.
template <class Shape>
std::vector<key_sharing> key_sharing_of(Shape const& s) {
    auto const layers = static_cast<std::size_t>(s.layers);
    for (int n = 0; n < s.layers; ++n) {
        auto const flaw = sharing_flaw_of(s, n);
        auto const say  = [&](sharing_flaw which, char const* what) {
            check(flaw != which, [&] {
                return "layer " + std::to_string(n) + " takes keys and values of layer " + std::to_string(layer_of(s, n).keys_from) + what;
            });
        };
        say(sharing_flaw::not_earlier, ", which is not before it");
        say(sharing_flaw::not_its_own, ", which takes them itself: name the layer that makes them");
        say(sharing_flaw::two_forms, " in another form than a layer before: all take what is turned, or all what is projected");
        say(sharing_flaw::turned_otherwise, ", whose keys turn otherwise: let it take what is projected");
    }
    std::vector<key_sharing> all(layers);
    std::vector<int>         busy;  // by slot: the last layer that reads it
    index_t                  numbers = 0;
    for (int n = 0; n < s.layers; ++n) {
        key_sharing of{.number = numbers};
        int         last = -1;
        for (int m = n + 1; m < s.layers; ++m)
            if (auto const reader = layer_of(s, m); reader.keys_from == n) last = m, of.form = reader.taken;
        if (last < 0) continue;
        ++numbers;
        while (of.slot < static_cast<index_t>(busy.size()) && busy[static_cast<std::size_t>(of.slot)] > n) ++of.slot;
        busy.resize(std::max(busy.size(), static_cast<std::size_t>(of.slot) + 1));
        busy[static_cast<std::size_t>(of.slot)] = last;
        for (int m = n; m <= last; ++m) {
            if (m != n && layer_of(s, m).keys_from != n) continue;
            of.does                          = m == n ? key_sharing::part::lends : key_sharing::part::takes;
            all[static_cast<std::size_t>(m)] = of;
        }
    }
    return all;
}
template <class Shape>
key_sharing key_sharing_of(Shape const& s, int n) {
    auto const all = key_sharing_of(s);
    return n < s.layers ? all[static_cast<std::size_t>(n)] : key_sharing{};  // modules that predict further on stand behind the layers
}
/// `width`: keys and values of a token.
template <class Shape>
key_room key_room_of(Shape const& s, index_t width) {
    key_room room{.width = width};
    for (auto const& one : key_sharing_of(s)) {
        if (one.does != key_sharing::part::lends) continue;
        room.numbers = std::max(room.numbers, one.number + 1);
        room.slots   = std::max(room.slots, one.slot + 1);
    }
    return room;
}

}  // namespace midtrain::inline MT_ABI
