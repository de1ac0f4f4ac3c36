#pragma once
#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/metrics_file.hpp>

namespace midtrain::inline MT_ABI {

/// What a run left behind for those who watch: metrics.jsonl, and where there are any evaluations.jsonl and report.json.
struct run_folder {
    std::string                    path, name;
    metrics                        steps;
    std::vector<evaluation_record> evaluations;

    /// The last held-out losses; empty where nobody measured.
    std::vector<held_out_value> held_out() const {
        for (auto e = evaluations.rbegin(); e != evaluations.rend(); ++e)
            if (!e->held_out.empty()) return e->held_out;
        return {};
    }
    /// The last evaluation that has values of one kind, or nullptr: `last(&evaluation_record::needle)`.
    template <class Value>
    std::vector<Value> const* last(std::vector<Value> evaluation_record::*kind) const {
        for (auto e = evaluations.rbegin(); e != evaluations.rend(); ++e)
            if (!((*e).*kind).empty()) return &((*e).*kind);
        return nullptr;
    }
    std::string setting(std::string_view key) const {
        for (auto const& [k, v] : steps.began.settings)
            if (k == key) return v;
        return {};
    }
};

namespace detail {

/// The settings of a report.json, for runs whose metrics do not tell them.
inline void read_report_settings(std::string const& path, run_beginning& to) {
    io::mapped_file const file(path);
    auto const            all = io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
    if (auto const settings = all.find("settings"))
        if (auto const o = settings->as<io::json::object>())
            for (auto const& [key, value] : *o)
                to.settings.emplace_back(key, value.as<std::string>() ? *value.as<std::string>() : io::written(value));
}

}  // namespace detail

inline run_folder read_run(std::string const& path) {
    namespace fs = std::filesystem;
    std::error_code none;
    auto const      file = [&](char const* name) { return (fs::path(path) / name).string(); };
    check(fs::is_directory(path, none), [&] { return path + ": is not the folder of a run"; });
    check(fs::exists(file("metrics.jsonl"), none), [&] { return path + ": holds no metrics.jsonl, so there is no run to report on"; });
    run_folder r;
    r.path  = path;
    auto at = fs::absolute(path, none).lexically_normal();
    r.name  = (at.has_filename() ? at : at.parent_path()).filename().string();
    r.steps = read_metrics(file("metrics.jsonl"));
    check(!r.steps.rows.empty(), [&] { return file("metrics.jsonl") + ": has no step yet"; });
    if (fs::exists(file("evaluations.jsonl"), none)) r.evaluations = read_evaluations(file("evaluations.jsonl"));
    if (r.steps.began.settings.empty() && fs::exists(file("report.json"), none))
        detail::read_report_settings(file("report.json"), r.steps.began);
    return r;
}

/// Several runs, each with a name of its own: where two folders bear the same one, with the folder that holds it.
inline std::vector<run_folder> read_runs(std::vector<std::string> const& paths) {
    std::vector<run_folder>  all;
    std::vector<std::string> names;
    for (auto const& p : paths) all.push_back(read_run(p)), names.push_back(all.back().name);
    for (auto& r : all) {
        if (std::count(names.begin(), names.end(), r.name) < 2) continue;
        std::error_code none;
        auto            at = std::filesystem::absolute(r.path, none).lexically_normal();
        if (!at.has_filename()) at = at.parent_path();
        r.name = (at.parent_path().filename() / at.filename()).string();
    }
    return all;
}

}  // namespace midtrain::inline MT_ABI
