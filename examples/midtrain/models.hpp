#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <midtrain/data/byte_level_bpe.hpp>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/model/erased_model.hpp>
#include <midtrain/optim/any_optimizer.hpp>
#include <midtrain/optim/by_role.hpp>
#include <midtrain/position/any_position.hpp>
#include <midtrain/problem/counting_device.hpp>

// Models whose family, numbers and precision are known at run time only.
namespace program {

namespace mt = midtrain;

/// A model on the disk that has been understood, without its weights.
struct model_files {
    std::string                             path;
    mt::io::hf_config                       shape;  ///< of a .gguf file too
    std::optional<mt::data::byte_level_bpe> tokenizer;
    mt::data::tokenizer_notes               notes;
    bool                                    has_weights = false;

    /// Where its weights know to turn; what turns nothing gets one that says how far it reaches.
    mt::any_position position() const;
};

/// A folder in Hugging Face's form or a .gguf file. `tokenizer`: another folder or file to take that from.
model_files open_model(std::string const& path, std::string const& tokenizer = "");

enum class precision { automatic, fp32, bf16, fp8_tensor, fp8_block, fp8_block_ue8m0 };

struct model_options {
    precision      compute = precision::automatic;
    mt::pass_mode  memory  = mt::pass_mode::train;
    int            threads = 0;       ///< 0: as many as there are
    bool           fresh   = false;   ///< new weights instead of those on the disk
    std::uint64_t  seed    = 1;       ///< of new weights
};

/// By their names, for options.
std::map<std::string, precision> precisions();

/// fp32 or bf16: what this processor multiplies faster, where nobody chose.
precision chosen_precision(precision wanted, mt::host& device);

/// The types that meet a model of this program.
template <class Device>
struct kinds {
    using device    = Device;
    using shape     = mt::io::hf_config;
    using position  = mt::any_position;
    using optimizer = mt::any_optimizer;
    using rates     = mt::by_role;
};

/// A model of any family and precision. The commands are compiled once for it; each family is a unit of its own (model_*.cpp).
using host_model    = mt::erased_model<kinds<mt::host>>;
using counted_model = mt::erased_model<kinds<mt::counting_device>>;

/// The model of those files in memory, its weights read or new.
std::unique_ptr<host_model> read_model(mt::host& device, model_files const& files, model_options const& how);

/// The same without memory, for a plan.
std::unique_ptr<counted_model> count_model(mt::counting_device& device, model_files const& files, model_options const& how);

/// What read_model() and count_model() ask the units of the families for.
template <class Family>
struct made_as {
    static std::unique_ptr<host_model>    read(mt::host& device, model_files const& files, model_options const& how);
    static std::unique_ptr<counted_model> count(mt::counting_device& device, model_files const& files, model_options const& how);
};

}  // namespace program
