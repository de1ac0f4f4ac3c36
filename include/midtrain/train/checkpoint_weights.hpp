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
        if (std::ssize(stages) == state.stage + 1) said[line.substr(at + mark.size(),
            equals - at - mark.size())] = io::json{line.substr(equals + 1)};
    }
    check(said.contains("kind"), [&] { return folder + ": does not say by name which positions its stage has; give --position"; });
    position::any_position p;
    read_fields(io::json{said}, folder, p);
    return p;
}

}  // namespace midtrain::inline MT_ABI
