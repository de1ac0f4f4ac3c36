#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <midtrain/core/error.hpp>

namespace test {

/// A folder that goes away with the test.
struct scratch_folder {
    std::string path = "/tmp/midtrain_test_data_" + std::to_string(::getpid());

    scratch_folder() { std::filesystem::create_directories(path); }
    ~scratch_folder() { std::filesystem::remove_all(path); }
    std::string file(std::string const& name) const { return path + "/" + name; }
    std::string file(std::string const& name, std::string const& bytes) const {
        std::ofstream(file(name), std::ios::binary) << bytes;
        return file(name);
    }
};

inline std::string bytes_of(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// The sentence with which something is refused, or nothing.
template <class Act>
std::string refusal(Act const& act) {
    try {
        act();
    } catch (midtrain::error const& e) {
        return e.what();
    }
    return "";
}

}  // namespace test
