#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/train/foreign/hugging_face.hpp>
#include <midtrain/train/foreign/megatron.hpp>
#include <midtrain/train/foreign/megatron_arguments.hpp>
#include <midtrain/train/foreign/olmo.hpp>
#include <midtrain/train/foreign/run.hpp>

namespace midtrain::inline MT_ABI::foreign {

/// A run as another trainer has it, told by its content: OLMo-core's config.json, Megatron-LM's arguments as text (a script, too) or as
/// JSON, TrainingArguments of Hugging Face as JSON. `path` names the text in messages.
inline run read_run(std::string_view text, std::string const& path, options const& o = {}) {
    auto const first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || text[first] != '{') {
        auto const arguments = read_arguments(text);
        bool const known     = arguments.find("lr") || arguments.find("train_iters") || arguments.find("train_samples");
        check(known, [&] { return path + ": is neither JSON nor arguments of Megatron-LM such as --lr 3e-4; YAML is not read"; });
        return read_megatron(arguments, path, o);
    }
    auto const all = io::parse_json(text, path);
    auto const has = [&](char const* key) { return all.find(key) != nullptr; };
    if (has("train_module") && has("trainer")) return read_olmo(all, path, o);
    if (has("lr") && (has("train_iters") || has("train_samples"))) return read_megatron(all, path, o);
    if (has("learning_rate")) return read_hugging_face(all, path, o);
    throw error(path + ": is no run of OLMo-core ('train_module', 'trainer'), Megatron-LM ('lr', 'train_iters') or Hugging Face's Trainer "
                       "('learning_rate')");
}

inline run read_run_file(std::string const& path, options const& o = {}) {
    io::mapped_file const file(path);
    return read_run({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path, o);
}

}  // namespace midtrain::inline MT_ABI::foreign
