#pragma once
#include <midtrain/io/hf_families.hpp>

namespace midtrain::inline MT_ABI {

namespace model {
struct deepseek_v3;
struct expert_decoder;
struct gemma;
struct gpt2;
struct llama;
struct mamba;
struct mamba2;
struct nemotron;
struct olmo;
struct zamba;
}  // namespace model

/// Which of io::hf_model a model is: what io::model_of(family) answers for the families that it computes. Families are named here and included
/// by who uses them.
template <class Family>
struct hf_model_for {
    static_assert(io::detail::no_words<Family>, "midtrain: export_model knows trainable<Device, Family, Shape, Precision> with a family that "
                                                "transformers has a class for. See midtrain/train/hf_models.hpp");
};
template <>
struct hf_model_for<model::llama> {
    static constexpr auto value = io::hf_model::llama;
};
template <>
struct hf_model_for<model::gpt2> {
    static constexpr auto value = io::hf_model::gpt2;
};
template <>
struct hf_model_for<model::olmo> {
    static constexpr auto value = io::hf_model::olmo;
};
template <>
struct hf_model_for<model::nemotron> {
    static constexpr auto value = io::hf_model::nemotron;
};
template <>
struct hf_model_for<model::mamba> {
    static constexpr auto value = io::hf_model::mamba;
};
template <>
struct hf_model_for<model::mamba2> {
    static constexpr auto value = io::hf_model::mamba2;
};
template <>
struct hf_model_for<model::zamba> {
    static constexpr auto value = io::hf_model::zamba;
};
template <>
struct hf_model_for<model::gemma> {
    static constexpr auto value = io::hf_model::gemma;
};
template <>
struct hf_model_for<model::deepseek_v3> {
    static constexpr auto value = io::hf_model::deepseek_v3;
};
template <>
struct hf_model_for<model::expert_decoder> {
    static constexpr auto value = io::hf_model::experts;
};

}  // namespace midtrain::inline MT_ABI
