#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>
#include <midtrain/io/hf_family/deepseek_v3.hpp>
#include <midtrain/io/hf_family/gemma2.hpp>
#include <midtrain/io/hf_family/gpt2.hpp>
#include <midtrain/io/hf_family/granite.hpp>
#include <midtrain/io/hf_family/hunyuan.hpp>
#include <midtrain/io/hf_family/hunyuan_moe.hpp>
#include <midtrain/io/hf_family/llama.hpp>
#include <midtrain/io/hf_family/mamba.hpp>
#include <midtrain/io/hf_family/mamba2.hpp>
#include <midtrain/io/hf_family/mistral.hpp>
#include <midtrain/io/hf_family/mixtral.hpp>
#include <midtrain/io/hf_family/nemotron.hpp>
#include <midtrain/io/hf_family/olmo.hpp>
#include <midtrain/io/hf_family/pangu_pro_moe.hpp>
#include <midtrain/io/hf_family/phi3.hpp>
#include <midtrain/io/hf_family/qwen.hpp>
#include <midtrain/io/hf_family/qwen_moe.hpp>
#include <midtrain/io/hf_family/smollm3.hpp>
#include <midtrain/io/hf_family/zamba.hpp>
#include <midtrain/io/hf_words.hpp>

// A new family is a file in io/hf_family/, its line here, and its name in hf_family (io/hf_shape.hpp).
namespace midtrain::inline MT_ABI::io {

/// All families; of those that one model computes, a shape is written as the first that has words for all of it.
inline constexpr hf_words hf_families[] = {
    hf::llama, hf::gpt2, hf::mistral, hf::qwen2, hf::qwen3, hf::smollm3, hf::olmo, hf::olmo2, hf::olmo3, hf::phi3, hf::granite, hf::nemotron,
    hf::minicpm, hf::mimo, hf::mamba, hf::mamba2, hf::zamba, hf::qwen3_moe, hf::qwen2_moe, hf::mixtral, hf::hunyuan_v1_moe, hf::pangu_pro_moe,
    hf::deepseek_v3, hf::hunyuan_v1_dense, hf::hunyuan, hf::gemma2,
};

constexpr hf_words const& words_of(hf_family family) {
    for (auto const& w : hf_families)
        if (w.family == family) return w;
    return hf_families[0];  // not reached: each family has its words, as the next line says
}
static_assert([] {
    for (int n = 0; n < static_cast<int>(std::size(hf_families)); ++n)
        if (words_of(static_cast<hf_family>(n)).family != static_cast<hf_family>(n)) return false;
    return true;
}());

/// The model that computes a family.
constexpr hf_model model_of(hf_family f) { return words_of(f).model; }
constexpr bool     is_llama(hf_family f) { return model_of(f) == hf_model::llama; }
/// Whether it has a rotary table.
constexpr bool turns(hf_family f) {
    auto const m = model_of(f);
    return m != hf_model::gpt2 && m != hf_model::mamba && m != hf_model::mamba2 && m != hf_model::zamba;
}
/// Whether its positions are weights, and end.
constexpr bool learns_positions(hf_family f) { return model_of(f) == hf_model::gpt2; }
/// As what a model that was read is exported.
inline hf_family written_as(hf_config const& c) { return c.mtp.depth > 0 ? c.family : words_of(c.family).written_as.value_or(c.family); }

/// What stands as model_type.
inline std::optional<hf_family> hf_family_named(std::string_view name) {
    for (auto const& w : hf_families)
        if (w.name == name) return w.family;
    return {};
}
inline std::string hf_family_names() {
    std::string all;
    for (auto const& w : hf_families) all.append(all.empty() ? "" : ", ").append(w.name);
    return all;
}

/// The family that has words for a shape of a model: what it writes reads back as that shape.
template <class Shape>
hf_family hf_family_of(hf_model model, Shape const& s) {
    hf_config const c = hf_config_of(s);
    std::string     first;  // why the first that the model computes has not
    for (auto const& w : hf_families) {
        if (w.model != model || !w.write) continue;
        std::string why;
        try {
            json::object o;
            o["model_type"]          = {std::string(w.name)};
            o["tie_word_embeddings"] = {c.tied};
            w.write(o, c, {.context = c.context});
            json const              all{o};
            detail::hf_reader const r(all, "config.json");
            hf_config               back{};
            w.read(r, back);
            why = detail::hf_difference(back, c, w.keys);
        } catch (error const& e) {
            why = e.what();
        }
        if (why.empty()) return w.family;
        if (first.empty()) first = std::string(w.name) + ": " + why;
    }
    check(false, [&] { return "config.json: no model class of transformers that midtrain writes has all of this shape (" + first + ")"; });
    return {};
}

}  // namespace midtrain::inline MT_ABI::io
