#pragma once
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <midtrain/data/byte_level_bpe.hpp>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/weight_files.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/position/any_position.hpp>
#include <midtrain/precision/precision.hpp>

// Models whose numbers are known at run time only. A command asks with_model() and writes the rest once, for whatever model there is.
namespace program {

namespace mt = midtrain;

/// A model on the disk that has been understood, without its weights.
struct model_files {
    std::string                             path;
    mt::io::hf_config                       shape;  ///< of a .gguf file too
    std::optional<mt::data::byte_level_bpe> tokenizer;
    mt::data::tokenizer_notes               notes;
    bool                                    has_weights = false;

    /// Where its weights know to turn; a gpt2, whose positions are weights, gets one that says how far they reach.
    mt::any_position position() const;
};

/// A folder in Hugging Face's form or a .gguf file. `tokenizer`: another folder or file to take that from.
model_files open_model(std::string const& path, std::string const& tokenizer = "");

enum class precision { automatic, fp32, bf16 };

struct model_options {
    precision      compute = precision::automatic;
    mt::pass_mode  memory  = mt::pass_mode::train;
    int            threads = 0;       ///< 0: as many as there are
    bool           fresh   = false;   ///< new weights instead of those on the disk
    std::uint64_t  seed    = 1;       ///< of new weights
};

/// fp32 or bf16: what this processor multiplies faster, where nobody chose.
precision chosen_precision(precision wanted, mt::host& device);

template <class Device, class Family, class Precision>
using model_of = mt::trainable<Device, Family, mt::io::hf_config, Precision>;

namespace detail {

template <class Device, class Family, class Precision, class F>
decltype(auto) with_one(Device& device, model_files const& files, model_options const& how, F&& f) {
    model_of<Device, Family, Precision> model(device, files.shape, how.memory);
    if constexpr (std::is_same_v<Device, mt::host>) {
        if (how.fresh) model.initialise(how.seed);
        else {
            mt::io::weight_files const weights(files.path);
            weights.check_names(model.parameters());
            model.load(weights);
        }
    }
    return std::forward<F>(f)(model);
}

}  // namespace detail

/// f(model) with the model of those files in memory, its weights read or new. Device: mt::host, or mt::counting_device for a plan.
template <class Device, class F>
decltype(auto) with_model(Device& device, model_files const& files, model_options const& how, F&& f) {
    bool const bf16 = how.compute == precision::bf16;
    if (mt::io::is_llama(files.shape.family))
        return bf16 ? detail::with_one<Device, mt::model::llama, mt::bf16_mixed>(device, files, how, f)
                    : detail::with_one<Device, mt::model::llama, mt::fp32>(device, files, how, f);
    return bf16 ? detail::with_one<Device, mt::model::gpt2, mt::bf16_mixed>(device, files, how, f)
                : detail::with_one<Device, mt::model::gpt2, mt::fp32>(device, files, how, f);
}

}  // namespace program
