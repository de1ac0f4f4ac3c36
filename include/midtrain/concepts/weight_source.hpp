#pragma once
#include <span>
#include <string>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// Where weights come from: source(name, rows, columns, to) writes the tensor of that name as floats, row by row, and throws
/// midtrain::error when there is none or it has another shape. Names and layout are those of the model's family. So a model never sees a
/// file format. Ours are io::weight_files, io::safetensors, io::torch_file and io::gguf_weights.
template <class S>
concept WeightSource = requires(S const& source, std::string const& name, index_t n, std::span<float> to) { source(name, n, n, to); };

}  // namespace midtrain::inline MT_ABI
