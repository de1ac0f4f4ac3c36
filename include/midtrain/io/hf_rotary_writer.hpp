#pragma once
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/hf_rotary.hpp>
#include <midtrain/io/json.hpp>

namespace midtrain::inline MT_ABI::io {

/// The table of positions that `rope_scaling` and `rope_parameters` hold, without its base.
inline json::object hf_rotary_json(hf_rotary const& p) {
    auto const list = [](std::vector<double> const& all) {
        json::array a;
        for (double const x : all) a.emplace_back().value = x;
        return json{a};
    };
    json::object o;
    o["rope_type"] = {p.type};
    auto const   put = [&](char const* key, double x) { o[key] = {x}; };
    if (p.type != "default" && (p.type != "proportional" || p.factor != 1)) put("factor", p.factor);
    if (p.type == "yarn" || p.type == "llama3" || p.type == "longrope")
        put("original_max_position_embeddings", static_cast<double>(p.trained));
    if (p.type == "yarn" || p.type == "llama3") put(hf_ramp_keys(p.type).fast, p.fast), put(hf_ramp_keys(p.type).slow, p.slow);
    if (p.attention_factor > 0) put("attention_factor", p.attention_factor);
    if (p.mscale != 0 && !p.on_scores) put("mscale", p.mscale);
    if (p.mscale_all_dim != 0 && !p.on_scores) put("mscale_all_dim", p.mscale_all_dim);
    if (!p.truncate) o["truncate"] = {false};
    if (p.type == "longrope") o["long_factor"] = list(p.long_factor), o["short_factor"] = list(p.short_factor);
    if (p.type == "proportional") put("partial_rotary_factor", p.part);
    return o;
}

/// Adds to a config.json rope_theta and rope_scaling, which all know, and rope_parameters, which transformers 5 writes.
/// `in_part`: whether the model class lets a part of each head turn.
inline void add_hf_rotary(json::object& o, hf_rotary const& p, bool in_part = false) {
    check(in_part || p.part == 1 || p.type == "proportional",
          "config.json: this model class turns whole heads; only type proportional leaves a part of them");
    auto scaling = hf_rotary_json(p);
    if (in_part) scaling["partial_rotary_factor"] = {p.part}, o["partial_rotary_factor"] = {p.part};
    o["rope_theta"]   = {p.base};
    o["rope_scaling"] = p.type == "default" ? json{nullptr} : json{scaling};
    // Before transformers 5, longrope takes it from here.
    if (p.type == "longrope") o["original_max_position_embeddings"] = {static_cast<double>(p.trained)};
    scaling["rope_theta"] = {p.base};
    o["rope_parameters"]  = {scaling};
}

}  // namespace midtrain::inline MT_ABI::io
