#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_weights.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/shard_index.hpp>
#include <midtrain/io/torch_file.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI::io {

/// A model's weights, in whatever form they come: a folder of Hugging Face's (model.safetensors, pytorch_model.bin, or either cut into
/// shards with an index), or a file .safetensors, .gguf, .bin or .pt. A WeightSource in Hugging Face's names.
///
/// A base model's file may leave out the front that the whole model's names have ("model.", "transformer."); it is found all the same.
class weight_files {
  public:
    weight_files(weight_files&&) = default;
    explicit weight_files(std::string const& path) : path_(path) {
        std::error_code why;
        if (std::filesystem::is_directory(path, why)) open_folder();
        else open_file(path, nullptr);
    }

    std::string const& path() const { return path_; }

    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (auto const& [name, t] : tensors_) all.push_back(name);
        return all;
    }
    bool has(std::string_view name) const { return find(name) != nullptr; }

    std::vector<std::int64_t> const& shape(std::string_view name) const { return at(name).shape; }

    /// Copies the tensor of that name as rows x columns floats.
    void operator()(std::string_view name, index_t rows, index_t columns, std::span<float> to) const {
        auto const& t = at(name);
        (*t.read)(t.name, rows, columns, to);
        if (t.scaled) scale(t, rows, columns, to);
    }

    /// Throws unless the files hold what a model asks for and nothing else; the sentence names the tensors that are missing, then those
    /// that are too many. Passed over are buffers that old versions of transformers saved, copies, and the head of a model that ties it.
    void check_names(parameter_layout const& wanted) const {
        std::set<std::string, std::less<>> known{"lm_head.weight"};
        std::string                        missing, surplus;
        for (auto const& e : wanted.entries())
            for (auto const& p : e.parts) {
                auto const t = find(p.name);
                if (!t) add(missing, p.name);
                else known.insert(t->first);
                if (!t || !t->second.scaled) continue;
                auto const scales = detail::name_of_scales(t->first);
                if (tensors_.contains(scales)) known.insert(scales);
                else add(missing, scales);
            }
        for (auto const& [name, of] : wanted.copies()) known.insert(name);
        for (auto const& [name, t] : tensors_)
            if (!known.contains(name) && !is_buffer(name)) add(surplus, name);
        check(missing.empty(), [&] { return path_ + ": lacks tensors that the model has: " + missing; });
        check(surplus.empty(), [&] { return path_ + ": has tensors that the model does not know: " + surplus; });
    }

  private:
    using reader = std::function<void(std::string_view, index_t, index_t, std::span<float>)>;
    struct tensor {
        std::string               name;  ///< in its file
        std::vector<std::int64_t> shape;
        reader const*             read;
        bool                      scaled = false;  ///< read gives eight bits without their scales, which any file of these may hold
    };
    using tensors = std::map<std::string, tensor, std::less<>>;

    // At most eight names, then their number.
    static void add(std::string& to, std::string const& name) {
        auto const said = static_cast<std::size_t>(std::count(to.begin(), to.end(), '\''));
        if (said < 16) to += (to.empty() ? "'" : ", '") + name + "'";
        else if (!to.ends_with("more")) to += " and more";
    }
    static bool is_buffer(std::string_view name) {
        for (std::string_view const end : {".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias"})
            if (name.ends_with(end)) return true;
        return false;
    }

    void open_folder() {
        auto const in    = [&](char const* name) { return path_ + "/" + name; };
        auto const holds = [&](char const* name) {
            std::error_code why;
            return std::filesystem::exists(in(name), why);
        };
        for (char const* name : {"model.safetensors", "pytorch_model.bin"}) {
            if (holds(name)) return open_file(in(name), nullptr);
            std::string const index = std::string(name) + ".index.json";
            if (holds(index.c_str())) return open_shards(read_shard_index(in(index.c_str())));
        }
        check(false, [&] { return path_ + ": holds no model.safetensors and no pytorch_model.bin, whole or with an index"; });
    }
    void open_shards(shard_index const& index) {
        for (auto const& file : index.files()) {
            std::error_code why;
            check(std::filesystem::exists(path_ + "/" + file, why), [&] { return index.path + ": its shard '" + file + "' is missing"; });
            open_file(path_ + "/" + file, &index);
        }
        for (auto const& [name, file] : index.file_of)
            check(tensors_.contains(name), [&] { return index.path + ": tensor '" + name + "' is not in its shard '" + file + "'"; });
    }
    void open_file(std::string const& path, shard_index const* index) {
        auto const is = [&](std::string_view end) { return path.ends_with(end); };
        if (is(".safetensors")) {
            auto const file = std::make_shared<safetensors const>(path);
            auto const read = keep([file](auto... all) { file->read_unscaled(all...); });
            for (auto const& [name, t] : file->tensors()) add_tensor(name, t.shape, read, path, index, detail::wants_scales(t.dtype));
        } else if (is(".gguf")) {
            auto const file    = std::make_shared<gguf const>(path);
            auto const weights = gguf_weights(*file);
            auto const read    = keep([file, weights](auto... all) { weights(all...); });
            for (auto const& [name, shape] : weights.shapes()) add_tensor(name, shape, read, path, index);
        } else if (is(".bin") || is(".pt") || is(".pth")) {
            auto const file = std::make_shared<torch_file const>(path);
            auto const read = keep([file](auto... all) { (*file)(all...); });
            for (auto const& [name, t] : file->tensors()) add_tensor(name, t->shape, read, path, index);
        } else
            check(false, [&] { return path + ": is no folder and no .safetensors, .gguf, .bin or .pt file"; });
    }
    reader const* keep(reader read) { return &files_.emplace_back(std::move(read)); }

    void add_tensor(std::string const& name, std::vector<std::int64_t> shape, reader const* read, std::string const& path,
                    shard_index const* index, bool scaled = false) {
        if (index) {
            auto const at = index->file_of.find(name);
            check(at != index->file_of.end() && path == path_ + "/" + at->second,
                  [&] { return path + ": has tensor '" + name + "', which the index does not place there"; });
        }
        tensors_.emplace(name, tensor{name, std::move(shape), read, scaled});
    }

    void scale(tensor const& t, index_t rows, index_t columns, std::span<float> to) const {
        auto const& scales = at(detail::name_of_scales(t.name));
        detail::check_scales(path_, t.name, t.shape, scales.shape);
        std::vector<float> factors(static_cast<std::size_t>(scales.shape[0] * scales.shape[1]));
        (*scales.read)(scales.name, scales.shape[0], scales.shape[1], factors);
        detail::scale_tiles(to, rows, columns, factors);
    }

    tensors::value_type const* find(std::string_view name) const {
        auto at = tensors_.find(name);
        for (std::string_view const front : {"model.", "transformer."})
            if (at == tensors_.end() && name.starts_with(front)) at = tensors_.find(name.substr(front.size()));
        return at == tensors_.end() ? nullptr : &*at;
    }
    tensor const& at(std::string_view name) const {
        auto const t = find(name);
        check(t != nullptr, [&] { return path_ + ": has no tensor '" + std::string(name) + "'"; });
        return t->second;
    }

    std::string        path_;
    std::deque<reader> files_;  // each holds its open file; they stay where they are
    tensors            tensors_;
};

}  // namespace midtrain::inline MT_ABI::io
