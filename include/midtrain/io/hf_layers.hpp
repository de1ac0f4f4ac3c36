#pragma once
#include <algorithm>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/hf_config_reader.hpp>
#include <midtrain/io/hf_shape.hpp>
#include <midtrain/io/json.hpp>

// Layers that differ, as config.json lists them.
namespace midtrain::inline MT_ABI::io::detail {

/// Which layers see a window: what 'layer_types' says, else what is handed in.
inline std::vector<bool> read_sliding(hf_reader const& r, std::vector<bool> slides) {
    auto const listed = r.find("layer_types");
    auto const kinds  = listed ? listed->as<json::array>() : nullptr;
    r.require(!listed || (kinds && kinds->size() >= slides.size()), "'layer_types' is no list of a kind for each layer");
    for (std::size_t n = 0; kinds && n < slides.size(); ++n) {
        auto const kind = (*kinds)[n].as<std::string>();
        r.require(kind && (*kind == "full_attention" || *kind == "sliding_attention"),
                  "'layer_types' has another kind than full_attention and sliding_attention");
        slides[n] = *kind == "sliding_attention";
    }
    return slides;
}

/// The kinds of the layers; where all turn and have one window, that alone.
inline void set_layers(hf_config& c, std::vector<bool> const& turns, std::vector<bool> const& slides) {
    c.kinds.clear();
    for (std::size_t n = 0; n < slides.size(); ++n)
        c.kinds.push_back({turns.empty() || turns[n] ? positions::rotary : positions::none, slides[n] ? c.window : 0});
    if (layers_alike(c) && c.kinds[0].how == positions::rotary) c.window = static_cast<int>(c.kinds[0].window), c.kinds.clear();
}

/// The families that have a window where 'use_sliding_window' says so.
inline void read_used_windows(hf_reader const& r, hf_config& c, std::vector<bool> const& turns, std::vector<bool> const& usual, bool usually_wide) {
    auto const slides = read_sliding(r, usual);
    bool const any    = std::find(slides.begin(), slides.end(), true) != slides.end();
    bool const none   = r.names("sliding_window") ? r.absent("sliding_window") : !usually_wide;
    if (r.flag("use_sliding_window", false) && any && !none) c.window = r.whole("sliding_window", 4096);
    set_layers(c, turns, slides);
}

/// 'sliding_window' and 'layer_types', and how many layers stand before the first window.
inline int write_windows(json::object& o, hf_config const& c) {
    index_t const widest = widest_window(c);
    o["sliding_window"]  = widest > 0 ? json{static_cast<double>(widest)} : json{nullptr};
    json::array kinds;
    int         full = 0;
    for (int n = 0; n < c.layers; ++n) {
        auto const window = c.layer(n).window;
        check(window == 0 || window == widest, "config.json: transformers has one width for all windows of a model");
        kinds.emplace_back().value = std::string(window > 0 ? "sliding_attention" : "full_attention");
        if (window == 0 && full == n) ++full;
    }
    o["layer_types"] = {kinds};
    return full;
}

}  // namespace midtrain::inline MT_ABI::io::detail
