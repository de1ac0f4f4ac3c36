#pragma once
#include <filesystem>
#include <string>
#include <unistd.h>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/whole_file.hpp>

namespace test {

/// Reads a config.json that stands in a text.
inline midtrain::io::hf_config read_config(std::string const& text) {
    struct removed {
        std::string path = (std::filesystem::temp_directory_path() / ("midtrain_config_json_" + std::to_string(::getpid()))).string();
        ~removed() { std::filesystem::remove(path); }
    } const file;
    midtrain::io::write_whole(file.path, text);
    return midtrain::io::read_hf_config(file.path);
}
/// Why one is refused; empty: it is not.
inline std::string refusal_of_config(std::string const& text) {
    try {
        read_config(text);
    } catch (midtrain::error const& e) {
        return e.what();
    }
    return "";
}

}  // namespace test
