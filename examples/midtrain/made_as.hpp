#pragma once
#include <midtrain/io/weight_files.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>
#include "models.hpp"

// What model_*.cpp instantiate, each for one family.
namespace program {

namespace detail {

template <class Device, class Family, class Precision>
using erased_of = mt::erased<kinds<Device>, mt::trainable<Device, Family, mt::io::hf_config, Precision>>;

template <class Family, class Precision>
std::unique_ptr<host_model> read_one(mt::host& device, model_files const& files, model_options const& how) {
    auto  model  = std::make_unique<erased_of<mt::host, Family, Precision>>(device, files.shape, how.memory);
    auto& behind = model->behind();
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
    return how.compute == precision::bf16 ? detail::read_one<Family, mt::bf16_mixed>(device, files, how)
                                          : detail::read_one<Family, mt::fp32>(device, files, how);
}

template <class Family>
std::unique_ptr<counted_model> made_as<Family>::count(mt::counting_device& device, model_files const& files, model_options const& how) {
    if (how.compute == precision::bf16)
        return std::make_unique<detail::erased_of<mt::counting_device, Family, mt::bf16_mixed>>(device, files.shape, how.memory);
    return std::make_unique<detail::erased_of<mt::counting_device, Family, mt::fp32>>(device, files.shape, how.memory);
}

}  // namespace program
