#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/tensor_shape.hpp>
#include <midtrain/io/tensor_values.hpp>
#include <midtrain/train/checkpoint_folder.hpp>
#include <midtrain/train/setting_changes.hpp>
#include <midtrain/train/state_file.hpp>
#include <midtrain/train/written.hpp>

namespace midtrain::inline MT_ABI {

/// What stands in a tensor: its form, and the range of its finite values.
struct tensor_summary {
    std::string               name, dtype;
    std::vector<std::int64_t> shape;
    std::int64_t              bytes = 0, not_finite = 0;
    std::optional<double>     lowest, highest;  ///< nothing where the type holds no numbers that we read, or no finite one
};

/// What a file or a checkpoint holds, and what is wrong with it.
struct inspection {
    std::string                                      path, kind;
    std::vector<std::pair<std::string, std::string>> facts;
    std::vector<tensor_summary>                      tensors;
    std::vector<std::string>                         problems;
};

namespace detail {

inline tensor_summary summary_of(std::string name, std::string dtype, std::vector<std::int64_t> shape, std::span<std::byte const> bytes) {
    tensor_summary t{std::move(name), std::move(dtype), std::move(shape), static_cast<std::int64_t>(bytes.size()), 0, {}, {}};
    double         low = std::numeric_limits<double>::infinity(), high = -low;
    io::for_each_value_of(t.dtype, bytes, [&](std::size_t, double x) {
        if (!std::isfinite(x)) ++t.not_finite;
        else low = std::min(low, x), high = std::max(high, x);
    });
    if (low <= high) t.lowest = low, t.highest = high;
    return t;
}

/// The model's own tensors out of the flat buffer of master weights.
inline void add_parameters(io::safetensors const& file, inspection& to) {
    auto const& master = file.at("model.master");
    std::size_t width  = master.dtype == "F64" ? 8 : 4;
    for (auto const& p : read_layout(file))
        to.tensors.push_back(summary_of(
            p.name, master.dtype, p.shape(),
            master.bytes.subspan(static_cast<std::size_t>(p.offset) * width, static_cast<std::size_t>(p.rows * p.columns) * width)));
}

/// What only some ways of packing know of a place.
inline std::string written_extras(data::cursor const& c) {
    return (c.padding > 0 ? ", " + std::to_string(c.padding) + " of padding" : "") +
           (c.window > 0 ? ", sequence " + std::to_string(c.sequence) + " of a window of " + std::to_string(c.window) + " documents" : "");
}

inline void add_state(io::safetensors const& file, inspection& to) {
    auto const s   = read_state(file);
    auto const add = [&](std::string key, std::string value) { to.facts.emplace_back(std::move(key), std::move(value)); };
    add("version", state_text(file, "version"));
    add("step", std::to_string(s.step) + " (step " + std::to_string(s.step_in_stage) + " of stage " + std::to_string(s.stage + 1) +
                    "), optimizer at " + std::to_string(s.optimizer_step));
    add("tokens", std::to_string(s.tokens));
    if (s.step > 0) add("loss", std::to_string(s.record[(static_cast<std::size_t>(s.step) - 1) * s.record_width()]));
    for (std::size_t i = 0; i < s.sources.size(); ++i) {
        auto const& c = s.cursors[i];
        add("source " + s.sources[i], std::to_string(c.tokens) + " tokens; epoch " + std::to_string(c.epoch) + ", document " +
                                          std::to_string(c.document) + ", token " + std::to_string(c.offset) + written_extras(c));
        if (i < s.buckets.size())
            for (std::size_t b = 0; b < s.buckets[i].cursors.size(); ++b) {
                auto const& of = s.buckets[i].cursors[b];
                add("source " + s.sources[i] + ", bucket " + std::to_string(b), std::to_string(of.tokens) + " tokens; epoch " +
                    std::to_string(of.epoch) + ", document " + std::to_string(of.document) + written_extras(of));
            }
    }
    for (auto const& line : lines_of(s.settings)) add("setting", line);
    if (s.average_updates > 0) add("average", "of " + std::to_string(s.average_updates) + " steps");
    if (!s.parent.path.empty())
        add("parent", s.parent.path + " at step " + std::to_string(s.parent.step) + " with " + std::to_string(s.parent.tokens) +
                          " tokens, checksum " + s.parent.checksum);
    for (auto const& e : s.lineage) add("lineage", "step " + std::to_string(e.step) + ": " + e.what);
    for (auto const& e : s.faults) add("fault", e.what);
    add_parameters(file, to);
}

template <class Look>
void guarded(inspection& to, Look const& look) {
    try {
        look();
    } catch (error const& e) {
        to.problems.push_back(e.what());
    }
}

inline void warn_of_nans(inspection& to) {
    for (auto const& t : to.tensors)
        if (t.not_finite > 0 && !t.name.starts_with("run."))  // where a source without a target is NaN
            to.problems.push_back(to.path + ": '" + t.name + "' has " + std::to_string(t.not_finite) + " values that are not finite");
}

inline inspection inspect_checkpoint(std::string const& folder) {
    inspection to{folder, "checkpoint", {}, {}, {}};
    auto const sum = whole_checkpoint(folder);
    if (sum.empty()) to.problems.push_back(folder + ": its bytes are not those that were written, or a file is missing");
    else to.facts.emplace_back("checksum", sum);
    guarded(to, [&] {
        io::safetensors const file(folder + "/state.safetensors");
        add_state(file, to);
        for (auto const& [name, t] : file.tensors())
            if (name != "model.master" || to.tensors.empty()) to.tensors.push_back(summary_of(name, t.dtype, t.shape, t.bytes));
    });
    warn_of_nans(to);
    return to;
}

inline inspection inspect_safetensors(std::string const& path) {
    inspection to{path, "safetensors", {}, {}, {}};
    guarded(to, [&] {
        io::safetensors const file(path);
        for (auto const& [key, value] : file.metadata()) to.facts.emplace_back(key, value);
        for (auto const& [name, t] : file.tensors()) to.tensors.push_back(summary_of(name, t.dtype, t.shape, t.bytes));
    });
    warn_of_nans(to);
    return to;
}

inline std::string written_value(io::gguf::value const& v) {
    if (auto const b = v.as<bool>()) return *b ? "true" : "false";
    if (auto const n = v.as<std::int64_t>()) return std::to_string(*n);
    if (auto const d = v.as<double>()) return std::to_string(*d);
    if (auto const s = v.as<std::string_view>()) return std::string(s->substr(0, 200));
    return std::to_string(v.as<io::gguf::value::array>()->size()) + " values";
}
inline inspection inspect_gguf(std::string const& path) {
    inspection to{path, "GGUF", {}, {}, {}};
    guarded(to, [&] {
        io::gguf const file(path);
        for (auto const& [key, value] : file.metadata()) to.facts.emplace_back(key, written_value(value));
        for (auto const& [name, t] : file.tensors()) {
            auto const f = io::detail::gguf_format_numbered(t.type);
            to.tensors.push_back(summary_of(name, f ? std::string(f->name) : "type " + std::to_string(t.type), t.shape, t.bytes));
        }
    });
    warn_of_nans(to);
    return to;
}

}  // namespace detail

/// Looks at a checkpoint, at all checkpoints of a run, at a safetensors file or a folder of them, or at a GGUF file, and verifies what
/// can be verified. Throws midtrain::error when `path` is none of these.
inline std::vector<inspection> inspect(std::string const& path) {
    namespace fs = std::filesystem;
    std::error_code none;
    check(fs::exists(path, none), [&] { return path + ": does not exist"; });
    if (fs::is_regular_file(path, none)) return {path.ends_with(".gguf") ? detail::inspect_gguf(path) : detail::inspect_safetensors(path)};
    if (fs::exists(path + "/state.safetensors", none) || fs::path(path).filename().string().starts_with("step-"))
        return {detail::inspect_checkpoint(path)};
    std::vector<inspection> all;
    for (auto const& c : checkpoints_in(path)) all.push_back(detail::inspect_checkpoint(c.folder));
    if (!all.empty()) {
        auto const link = fs::read_symlink(path + "/latest", none).string();
        if (whole_checkpoint(path + "/latest").empty())
            all.back().problems.push_back(path + "/latest: leads to no whole checkpoint" + (link.empty() ? "" : " but to " + link));
        return all;
    }
    std::vector<std::string> files;
    for (auto const& e : fs::directory_iterator(path, none))
        if (e.path().extension() == ".safetensors" || e.path().extension() == ".gguf") files.push_back(e.path().string());
    std::sort(files.begin(), files.end());
    for (auto const& f : files) all.push_back(f.ends_with(".gguf") ? detail::inspect_gguf(f) : detail::inspect_safetensors(f));
    check(!all.empty(), [&] { return path + ": holds no checkpoint, no safetensors file and no GGUF file"; });
    return all;
}

/// For people; `with_tensors`: also a line a tensor.
inline void print(inspection const& i, bool with_tensors, std::FILE* to) {
    std::int64_t bytes = 0;
    for (auto const& t : i.tensors) bytes += t.bytes;
    std::fprintf(to, "%s: %s, %zu tensors, %s\n", i.path.c_str(), i.kind.c_str(), i.tensors.size(),
                 written_bytes(static_cast<double>(bytes)).c_str());
    for (auto const& [key, value] : i.facts) std::fprintf(to, "    %s: %s\n", key.c_str(), value.c_str());
    for (auto const& t : i.tensors) {
        if (!with_tensors) break;
        std::fprintf(to, "    %-48s %-5s %-16s %10s", t.name.c_str(), t.dtype.c_str(), io::detail::written_shape(t.shape).c_str(),
                     written_bytes(static_cast<double>(t.bytes)).c_str());
        if (t.lowest) std::fprintf(to, "  %.4g .. %.4g", *t.lowest, *t.highest);
        if (t.not_finite > 0) std::fprintf(to, "  %lld not finite", static_cast<long long>(t.not_finite));
        std::fprintf(to, "\n");
    }
    for (auto const& p : i.problems) std::fprintf(to, "    BROKEN %s\n", p.c_str());
}

}  // namespace midtrain::inline MT_ABI
