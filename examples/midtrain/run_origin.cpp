#include "run_origin.hpp"
#include <filesystem>
#include <system_error>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/io/whole_file.hpp>

namespace program {

namespace fs = std::filesystem;
namespace mt = midtrain;

void write_run_origin(std::string const& folder, run_origin const& origin) {
    auto const whole = [](std::string const& path) { return path.empty() ? path : fs::absolute(path).lexically_normal().string(); };
    mt::io::json const all{mt::io::json::object{{"model", {whole(origin.model)}}, {"tokenizer", {whole(origin.tokenizer)}}}};
    mt::io::write_whole(folder + "/run.json", mt::io::written(all, 2) + "\n");
}

run_origin find_run_origin(std::string const& checkpoint) {
    std::error_code none;
    auto            at = fs::weakly_canonical(checkpoint, none);
    for (int up = 0; up < 3; ++up, at = at.parent_path()) {
        auto const path = (at / "run.json").string();
        if (!fs::exists(path, none)) continue;
        mt::io::mapped_file const file(path);
        auto const all  = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
        auto const text = [&](char const* key) {
            auto const v = all.find(key);
            return v && v->as<std::string>() ? *v->as<std::string>() : std::string();
        };
        return {text("model"), text("tokenizer")};
    }
    return {};
}

}  // namespace program
