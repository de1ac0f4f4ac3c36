#pragma once
#include <type_traits>
#include <midtrain/io/weight_files.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/fp8.hpp>
#include "models.hpp"

// What model_*.cpp instantiate, each for one family.
namespace program {

namespace detail {

template <class Device, class Family, class Precision>
using erased_of = mt::erased<kinds<Device>, mt::trainable<Device, Family, mt::io::hf_config, Precision>>;

/// bfloat16 whose products may also be of eight bits, so that a family is compiled once for all of these.
using bf16_or_fp8 = mt::with_fp8<mt::bf16_mixed, mt::fp8_form{}>;

inline mt::fp8_form products_of(precision p) {
    switch (p) {
        case precision::fp8_tensor: return mt::scaled_by_tensor;
        case precision::fp8_block: return mt::scaled_by_block;
        case precision::fp8_block_ue8m0: return mt::scaled_by_block_ue8m0;
        default: return {};
    }
}
inline bool is_fp32(precision p) { return p == precision::fp32 || p == precision::automatic; }

template <class Family, class Precision>
std::unique_ptr<host_model> read_one(mt::host& device, model_files const& files, model_options const& how) {
    auto  model  = std::make_unique<erased_of<mt::host, Family, Precision>>(device, files.shape, how.memory);
    auto& behind = model->behind();
    if constexpr (!std::is_same_v<Precision, mt::fp32>) behind.set_products(products_of(how.compute));
    if (how.fresh) {
        behind.initialise(how.seed);
        return model;
    }
    mt::io::weight_files const weights(files.path);
    weights.check_names(behind.parameters());
    behind.load(weights);
    return model;
}

}  // namespace detail

template <class Family>
std::unique_ptr<host_model> made_as<Family>::read(mt::host& device, model_files const& files, model_options const& how) {
    return detail::is_fp32(how.compute) ? detail::read_one<Family, mt::fp32>(device, files, how)
                                        : detail::read_one<Family, detail::bf16_or_fp8>(device, files, how);
}

template <class Family>
std::unique_ptr<counted_model> made_as<Family>::count(mt::counting_device& device, model_files const& files, model_options const& how) {
    if (detail::is_fp32(how.compute))
        return std::make_unique<detail::erased_of<mt::counting_device, Family, mt::fp32>>(device, files.shape, how.memory);
    auto model = std::make_unique<detail::erased_of<mt::counting_device, Family, detail::bf16_or_fp8>>(device, files.shape, how.memory);
    model->behind().set_products(detail::products_of(how.compute));
    return model;
}

}  // namespace program
