#pragma once
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/io/hf_words.hpp>
#include <midtrain/problem/expert_shape.hpp>

// Mixtures of experts, as config.json tells of them.
namespace midtrain::inline MT_ABI::io::detail {

/// A number that stands there once, or in a list once a layer, always the same.
inline int read_alike(hf_reader const& r, std::string_view key, int absent) {
    auto const v    = r.find(key);
    auto const list = v ? v->as<json::array>() : nullptr;
    if (!list) return r.whole(key, absent);
    for (auto const& one : *list)
        r.require(!list->empty() && one.as<double>() && *one.as<double>() == *list->front().as<double>() && *one.as<double>() >= 1,
                  "'" + std::string(key) + "' is not the same in all layers, which midtrain's model has not");
    r.require(!list->empty(), "'" + std::string(key) + "' is an empty list");
    return static_cast<int>(*list->front().as<double>());
}

/// Layers without experts: every step - 1 of 'decoder_sparse_step', and the first ones that 'mlp_only_layers' lists.
inline void read_dense_layers(hf_reader const& r, expert_shape& e) {
    e.every           = r.whole("decoder_sparse_step", 1);
    auto const listed = r.find("mlp_only_layers");
    auto const list   = listed ? listed->as<json::array>() : nullptr;
    r.require(!listed || list, "'mlp_only_layers' is no list");
    for (std::size_t n = 0; list && n < list->size(); ++n) {
        auto const layer = (*list)[n].as<double>();
        r.require(layer && *layer == static_cast<double>(n), "'mlp_only_layers' lists others than the first layers, which midtrain's model has not");
        ++e.first_dense;
    }
}
inline void write_dense_layers(json::object& o, expert_shape const& e) {
    json::array first;
    for (int n = 0; n < e.first_dense; ++n) first.push_back(number(n));
    o["decoder_sparse_step"] = number(e.every);
    o["mlp_only_layers"]     = {first};
}

/// The weight of the balance loss where the file names one; a step adds it to the gradient, whatever 'output_router_logits' says. The loss
/// is Switch Transformer's over the global batch, whose f is a share of choices (transformers' is `chosen` times as large).
inline void read_balance(hf_reader const& r, expert_shape& e) {
    e.balance.global_batch = r.number("router_aux_loss_coef", 0);
    r.require(e.balance.global_batch >= 0, "'router_aux_loss_coef' is negative");
}

/// What check_experts() refuses, in the words of the file.
inline void require_experts(hf_reader const& r, expert_shape const& e) {
    try {
        check_experts(e);
    } catch (error const& why) {
        r.require(false, why.what());
    }
}

}  // namespace midtrain::inline MT_ABI::io::detail
