#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/position/any_position.hpp>
#include <midtrain/train/checkpoint_folder.hpp>
#include <midtrain/train/read_fields.hpp>
#include <midtrain/train/setting_changes.hpp>
#include <midtrain/train/state_file.hpp>

// A checkpoint as a model: its weights and where they know to turn, for those who do not go on training.
namespace midtrain::inline MT_ABI {

/// Which of a checkpoint's weights: those that the optimizer moved, or their running average.
enum class checkpoint_kind { master, average };

/// The checkpoint that a path means: one itself, or the newest whole one of a folder of checkpoints or of a run. Empty: none is there.
inline std::string find_checkpoint(std::string const& path) {
    std::error_code none;
    if (std::filesystem::exists(path + "/state.safetensors", none)) return path;
    for (auto const& folder : {path, path + "/checkpoints"}) {
        if (checkpoints_in(folder).empty()) continue;
        auto const newest = newest_checkpoint(folder);
        check(newest.has_value(), [&] { return folder + ": none of its checkpoints is whole"; });
        return newest->folder;
    }
    return {};
}

/// Fills a model's weights from a checkpoint, whose bytes must be those that were written and whose tensors the model's.
template <class Model>
void load_checkpoint_weights(Model& model, std::string const& folder, checkpoint_kind kind = checkpoint_kind::master) {
    check(!whole_checkpoint(folder).empty(), [&] { return folder + ": is no checkpoint, or a broken one"; });
    io::safetensors const file(folder + "/state.safetensors");
    check_same_layout(file, written_layout(model));
    bool const average = kind == checkpoint_kind::average;
    check(!average || (file.tensors().contains("model.average") && read_state(file).average_updates > 0),
          [&] { return folder + ": holds no average of weights"; });
    for (auto const& b : model.state_buffers())
        if (b.name == "master") read_buffer(file, average ? "average" : "master", b.bytes);
    model.take_state();
}

namespace detail {

/// A value under a path with dots, such as policy.base or long_factor.0.
inline void put_inside(io::json::object& o, std::string_view path, std::string value) {
    auto const dot  = path.find('.');
    auto&      here = o[std::string(path.substr(0, dot))];
    bool const  yes = value == "true";
    if (dot == std::string_view::npos) return here = yes || value == "false" ? io::json{yes} : io::json{std::move(value)}, void();
    if (!here.as<io::json::object>()) here = io::json{io::json::object{}};
    put_inside(std::get<io::json::object>(here.value), path.substr(dot + 1), std::move(value));
}
/// The same tree with lists where the names are 0, 1, ...
inline io::json with_lists(io::json const& v) {
    auto const o = v.as<io::json::object>();
    if (!o) return v;
    io::json::array  list;
    io::json::object same;
    for (auto const& [name, one] : *o) same[name] = with_lists(one);
    for (auto at = same.find("0"); at != same.end(); at = same.find(std::to_string(list.size()))) list.push_back(at->second);
    if (!list.empty() && list.size() == same.size()) return io::json{std::move(list)};
    return io::json{std::move(same)};
}

}  // namespace detail

/// The positions of the stage in which a checkpoint was made, from its settings; these name the policy where a run file chose it.
inline position::any_position checkpoint_position(std::string const& folder) {
    io::safetensors const    file(folder + "/state.safetensors");
    auto const               state = read_state(file);
    std::vector<std::string> stages;
    io::json::object         said;
    std::string const        mark = ".position.";
    for (auto const& line : detail::lines_of(state.settings)) {
        auto const at = line.find(mark), equals = line.find('=');
        if (at == std::string::npos || equals == std::string::npos || equals < at) continue;
        auto const stage = line.substr(0, at);
        if (stages.empty() || stages.back() != stage) stages.push_back(stage);
        if (std::ssize(stages) == state.stage + 1)
            detail::put_inside(said, std::string_view(line).substr(at + mark.size(), equals - at - mark.size()), line.substr(equals + 1));
    }
    check(said.contains("kind"), [&] { return folder + ": does not say by name which positions its stage has; give --position"; });
    position::any_position p;
    read_fields(detail::with_lists(io::json{said}), folder, p);
    return p;
}

}  // namespace midtrain::inline MT_ABI
