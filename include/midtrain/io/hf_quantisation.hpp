#pragma once
#include <string>
#include <midtrain/io/hf_config_reader.hpp>
#include <midtrain/io/json.hpp>

namespace midtrain::inline MT_ABI::io::detail {

/// Refuses a quantization_config but that of weights in e4m3 with a scale for each 128 x 128 of them (DeepSeek-V3's, transformers'
/// FineGrainedFP8Config), which are read as what they stand for. How activations were to be quantised in inference is passed over, unless
/// their scales are fixed.
inline void check_quantisation(hf_reader const& all) {
    auto const found = all.find("quantization_config");
    if (!found) return;
    auto const refuse = [&](std::string const& why) {
        all.require(false, "'quantization_config' " + why + "; quantised weights are read from GGUF, and from safetensors as fp8 in e4m3 "
                           "with a scale for each 128 x 128 of them");
    };
    if (!found->as<json::object>()) refuse("is no JSON object");
    auto const text = [&](char const* key, std::string const& absent) {
        auto const v = found->find(key);
        return v && v->as<std::string>() ? *v->as<std::string>() : absent;
    };
    if (text("quant_method", "") != "fp8") refuse("has the quant_method '" + text("quant_method", "") + "'");
    if (text("fmt", "e4m3") != "e4m3") refuse("has the fmt '" + text("fmt", "") + "'");
    if (text("activation_scheme", "dynamic") != "dynamic") refuse("has the activation_scheme '" + text("activation_scheme", "") + "'");
    auto const size  = found->find("weight_block_size");
    auto const edges = size ? size->as<json::array>() : nullptr;
    auto const is128 = [](json const& v) { return v.as<double>() && *v.as<double>() == 128; };
    if (!edges || edges->size() != 2 || !is128((*edges)[0]) || !is128((*edges)[1])) refuse("has another weight_block_size than [128, 128]");
}

}  // namespace midtrain::inline MT_ABI::io::detail
