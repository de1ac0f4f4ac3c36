#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/pickle.hpp>
#include <midtrain/io/tensor_shape.hpp>
#include <midtrain/io/torch_archive.hpp>

namespace midtrain::inline MT_ABI::io {

/// The state dict in a pytorch_model.bin: tensors by name. What stands among them and is no tensor is refused by its name.
class torch_file {
  public:
    explicit torch_file(std::string path) : archive_(std::move(path)) {
        auto const all = pickle::as<pickle::dict>(archive_.root());
        archive_.require(all != nullptr, "holds no dict of tensors");
        for (auto const& [key, value] : *all) {
            auto const name = pickle::as<std::string_view>(key);
            archive_.require(name != nullptr, "has a tensor whose name is no text");
            auto const t = pickle::as<pickle::tensor>(value);
            archive_.require(t != nullptr, "has '" + std::string(*name) + "', which is no tensor: a state dict is wanted");
            archive_.require(tensors_.emplace(*name, t).second, "tensor '" + std::string(*name) + "' stands twice");
        }
    }

    std::string const& path() const { return archive_.path(); }

    /// Tensors by name; they live as long as this.
    std::map<std::string, pickle::tensor const*, std::less<>> const& tensors() const { return tensors_; }

    pickle::tensor const& at(std::string_view name) const {
        auto const t = tensors_.find(name);
        archive_.require(t != tensors_.end(), "has no tensor '" + std::string(name) + "'");
        return *t->second;
    }

    /// Copies a tensor of rows x columns values as float. A row of one column may have one dimension.
    void operator()(std::string_view name, index_t rows, index_t columns, std::span<float> to) const {
        auto const& t = at(name);
        archive_.require(detail::is_of(t.shape, rows, columns) && std::ssize(to) == rows * columns,
                         "tensor '" + std::string(name) + "' has shape " + detail::written_shape(t.shape) + " where the model has " +
                             detail::written_shape({rows, columns}));
        archive_.read(t, name, to);
    }

  private:
    torch_archive                                             archive_;
    std::map<std::string, pickle::tensor const*, std::less<>> tensors_;
};

}  // namespace midtrain::inline MT_ABI::io
