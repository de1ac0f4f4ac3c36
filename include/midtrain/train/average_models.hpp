#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/safetensors_writer.hpp>
#include <midtrain/io/shard_index.hpp>
#include <midtrain/io/tensor_shape.hpp>
#include <midtrain/io/tensor_values.hpp>
#include <midtrain/train/export.hpp>
#include <midtrain/train/state_file.hpp>

namespace midtrain::inline MT_ABI {

/// A model that takes part in an average: a folder with model.safetensors or an index of shards, a .safetensors file, or a checkpoint,
/// of which the master weights count.
struct average_part {
    std::string path;
    double      weight = 1;
};

namespace detail {

/// The weights of a model file, mapped and under their published names.
class weight_files {
  public:
    struct tensor {
        std::string                dtype;
        std::vector<std::int64_t>  shape;
        std::span<std::byte const> bytes;
        std::int64_t               rows = 0;  ///< 0: as the file has it; else stored as (rows, columns) and to be transposed
    };

    explicit weight_files(std::string const& path) {
        namespace fs = std::filesystem;
        std::error_code none;
        if (fs::is_regular_file(path, none)) add(path);
        else if (fs::exists(path + "/state.safetensors", none)) add_checkpoint(path + "/state.safetensors");
        else if (fs::exists(path + "/model.safetensors", none)) add(path + "/model.safetensors");
        else if (fs::exists(path + "/model.safetensors.index.json", none))
            for (auto const& f : io::read_shard_index(path + "/model.safetensors.index.json").files()) add(path + "/" + f);
        else throw error(path + ": holds no model.safetensors, no index of shards and no checkpoint");
    }
    std::map<std::string, tensor> const& all() const { return all_; }

  private:
    void add(std::string const& path) {
        files_.emplace_back(path);
        for (auto const& [name, t] : files_.back().tensors())
            check(all_.emplace(name, tensor{t.dtype, t.shape, t.bytes, 0}).second,
                  [&] { return path + ": tensor '" + name + "' stands in two files"; });
    }
    void add_checkpoint(std::string const& path) {
        files_.emplace_back(path);
        auto const& master = files_.back().at("model.master");
        std::size_t width  = master.dtype == "F64" ? 8 : 4;
        for (auto const& p : read_layout(files_.back())) {
            auto const bytes =
                master.bytes.subspan(static_cast<std::size_t>(p.offset) * width, static_cast<std::size_t>(p.rows * p.columns) * width);
            all_.emplace(p.name, tensor{master.dtype, p.shape(), bytes, p.is == placed_tensor::form::transposed ? p.rows : 0});
        }
        check(!all_.empty(), [&] { return path + ": says nothing of its tensors"; });
    }

    std::vector<io::safetensors>  files_;
    std::map<std::string, tensor> all_;
};

inline void check_same_tensors(weight_files const& first, weight_files const& other, std::string const& a, std::string const& b) {
    for (auto const& [name, t] : first.all()) {
        auto const at = other.all().find(name);
        check(at != other.all().end(), [&] { return b + ": has no tensor '" + name + "', which " + a + " has"; });
        check(at->second.shape == t.shape, [&] {
            return b + ": tensor '" + name + "' has shape " + io::detail::written_shape(at->second.shape) + " where " + a + " has " +
                   io::detail::written_shape(t.shape);
        });
    }
    for (auto const& [name, t] : other.all())
        check(first.all().contains(name), [&] { return b + ": has tensor '" + name + "', which " + a + " lacks"; });
}

inline void add_tensor(weight_files::tensor const& t, double weight, std::string const& name, std::vector<double>& to) {
    auto const columns = t.rows > 0 ? static_cast<std::size_t>(std::ssize(to)) / static_cast<std::size_t>(t.rows) : 0;
    bool const read    = io::for_each_value_of(t.dtype, t.bytes, [&](std::size_t i, double x) {
        to[columns > 0 ? i % columns * static_cast<std::size_t>(t.rows) + i / columns : i] += weight * x;
    });
    check(read && t.dtype[0] != 'I', [&] { return "tensor '" + name + "' has type " + t.dtype + "; averaged are F32, F16, BF16 and F64"; });
}

template <class T>
void write_rounded(io::safetensors_writer& file, std::string const& name, std::vector<double> const& values) {
    std::vector<T> rounded(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) rounded[i] = T(static_cast<float>(values[i]));
    file.add(name, std::as_bytes(std::span(rounded)));
}

inline void write_average(std::string const& path, std::vector<weight_files> const& models, std::vector<double> const& weights,
                          bool as_float) {
    io::safetensors_writer file(path, {{"format", "pt"}});
    auto const type = [&](weight_files::tensor const& t) { return as_float || t.dtype == "F64" ? std::string("F32") : t.dtype; };
    for (auto const& [name, t] : models.front().all()) file.declare(name, type(t), t.shape);
    std::vector<double> sum;
    for (auto const& [name, t] : models.front().all()) {
        std::size_t count = 1;
        for (auto n : t.shape) count *= static_cast<std::size_t>(n);
        sum.assign(count, 0.0);
        for (std::size_t m = 0; m < models.size(); ++m) add_tensor(models[m].all().at(name), weights[m], name, sum);
        for (double x : sum) check(std::isfinite(x), [&] { return "the average of '" + name + "' is not finite: nothing is written"; });
        if (type(t) == "BF16") write_rounded<bf16>(file, name, sum);
        else if (type(t) == "F16") write_rounded<f16>(file, name, sum);
        else write_rounded<float>(file, name, sum);
    }
    file.finish();
}

}  // namespace detail

/// Writes the weighted mean of models that have the same tensors to the folder `out`, in the first one's types or as float; weights are
/// divided by their sum. One tensor at a time is in memory. What the first one's folder has of configuration and tokenizer comes along.
inline void average_models(std::vector<average_part> const& parts, std::string const& out, bool as_float = false) {
    namespace fs = std::filesystem;
    check(!parts.empty(), "an average needs at least one model");
    double total = 0;
    for (auto const& p : parts) {
        check(std::isfinite(p.weight), [&] { return p.path + ": its weight is not a number"; });
        total += p.weight;
    }
    check(total > 0, "the weights of an average have a sum above zero");
    std::vector<detail::weight_files> models;
    std::vector<double>               weights;
    for (auto const& p : parts) {
        models.emplace_back(p.path);
        weights.push_back(p.weight / total);
        detail::check_same_tensors(models.front(), models.back(), parts.front().path, p.path);
    }
    detail::replaced_folder const to(out);
    detail::write_average(to.partial() + "/model.safetensors", models, weights, as_float);
    std::error_code why;
    for (auto const name : {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"})
        if (fs::exists(parts.front().path + "/" + name, why)) {
            fs::copy_file(parts.front().path + "/" + name, to.partial() + "/" + name, why);
            check(!why, [&] { return out + "/" + name + ": cannot be written: " + why.message(); });
        }
    to.put_in_place();
}

}  // namespace midtrain::inline MT_ABI
