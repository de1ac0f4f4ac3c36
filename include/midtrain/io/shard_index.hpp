#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace midtrain::inline MT_ABI::io {

/// Which file of a folder holds which tensor: Hugging Face's model.safetensors.index.json and pytorch_model.bin.index.json.
struct shard_index {
    std::string                                     path;
    std::map<std::string, std::string, std::less<>> file_of;  ///< a file's plain name by a tensor's name

    std::set<std::string> files() const {
        std::set<std::string> all;
        for (auto const& [tensor, file] : file_of) all.insert(file);
        return all;
    }
};

/// Reads an index. Its files must stand beside it: a name that leads elsewhere is refused.
inline shard_index read_shard_index(std::string const& path) {
    mapped_file const file(path);
    auto const        all     = parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
    auto const        require = [&](bool condition, auto const& what) { check(condition, [&] { return path + ": " + what(); }); };
    auto const        map     = all.find("weight_map");
    require(map && map->as<json::object>() && !map->as<json::object>()->empty(), [] { return "has no 'weight_map' with tensors"; });
    shard_index index{path, {}};
    for (auto const& entry : *map->as<json::object>()) {
        auto const& tensor = entry.first;
        auto const  name   = entry.second.as<std::string>();
        require(name != nullptr, [&] { return "tensor '" + tensor + "' has a file that is no text"; });
        bool const plain = !name->empty() && name->front() != '.' && name->find_first_of(std::string_view("/\\\0", 3)) == name->npos;
        require(plain, [&] { return "tensor '" + tensor + "' lies in '" + *name + "', which is no file beside this one"; });
        index.file_of.emplace(tensor, *name);
    }
    return index;
}

}  // namespace midtrain::inline MT_ABI::io
