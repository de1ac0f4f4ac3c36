#pragma once
#include <algorithm>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/safetensors_writer.hpp>
#include <midtrain/problem/parameters.hpp>
#include <midtrain/train/run_state.hpp>
#include <midtrain/train/setting_changes.hpp>
#include <midtrain/train/source_places.hpp>

// A run_state and the model's buffers as one safetensors file: numbers are tensors `run.*`, buffers `model.*`, texts metadata. Nothing in
// it depends on the device or on the number of ranks.
namespace midtrain::inline MT_ABI {

/// A model's buffer as the file knows it.
struct saved_buffer {
    std::string                name;
    std::string                dtype;
    std::span<std::byte const> bytes;
    std::int64_t               count = 0;
};

namespace detail {

inline std::string written_events(std::vector<run_state::event> const& all) {
    std::string s;
    for (auto const& e : all) s += std::to_string(e.step) + " " + e.what + "\n";
    return s;
}
inline std::vector<run_state::event> read_events(std::string const& text) {
    std::vector<run_state::event> all;
    for (auto const& line : lines_of(text))
        all.push_back({std::atoll(line.c_str()), line.substr(std::min(line.find(' '), line.size() - 1) + 1)});
    return all;
}
inline std::string written_origin(run_state::origin const& o) {
    return o.path.empty() ? "" : std::to_string(o.step) + " " + std::to_string(o.tokens) + " " + o.checksum + " " + o.path;
}
inline run_state::origin read_origin(std::string text) {
    run_state::origin o;
    auto const        word = [&] {
        auto const end = std::min(text.find(' '), text.size());
        auto       w   = text.substr(0, end);
        text.erase(0, end + 1);
        return w;
    };
    if (text.empty()) return o;
    o.step     = std::atoll(word().c_str());
    o.tokens   = std::atoll(word().c_str());
    o.checksum = word();
    o.path     = text;
    return o;
}

template <class T>
std::vector<T> read_numbers(io::safetensors const& file, std::string const& name, std::size_t count) {
    auto const& t = file.at(name);
    check(t.dtype == (std::is_same_v<T, double> ? "F64" : "I64") && t.bytes.size() == count * sizeof(T),
          [&] { return file.path() + ": '" + name + "' is not what a run with these sources and steps has"; });
    std::vector<T> v(count);
    if (count > 0) std::memcpy(v.data(), t.bytes.data(), t.bytes.size());
    return v;
}
inline std::size_t numbers_in(io::safetensors const& file, std::string const& name) { return static_cast<std::size_t>(file.at(name).count()); }
/// Rows that each begin with a step, none of them later than `step`.
inline std::vector<double> read_rows(io::safetensors const& file, std::string const& name, std::size_t width, std::int64_t step) {
    auto const count = static_cast<std::size_t>(file.at(name).count());
    auto       rows  = read_numbers<double>(file, name, count);
    bool       sound = count % width == 0;
    for (std::size_t i = 0; sound && i < count; i += width) sound = rows[i] >= 0 && rows[i] <= static_cast<double>(step);
    check(sound, [&] { return file.path() + ": '" + name + "' is not what a run with these sources and steps has"; });
    return rows;
}
template <class T>
saved_buffer numbers(std::string name, std::vector<T> const& v) {
    return {std::move(name), std::is_same_v<T, double> ? "F64" : "I64", std::as_bytes(std::span(v)), static_cast<std::int64_t>(v.size())};
}

}  // namespace detail

/// Writes state and buffers to `path`. `layout`: written_layout() of the model.
inline void write_state(std::string const& path, run_state const& s, std::string const& layout, std::span<saved_buffer const> buffers) {
    std::vector<double> const       rates{s.rate, s.parent.rate};
    std::vector<std::int64_t> const counts{s.stage, s.step_in_stage, s.step, s.tokens, s.optimizer_step, s.average_updates};
    std::vector<std::int64_t>       places;
    for (auto const& c : s.cursors) detail::write_cursor(c, places);
    auto const buckets = detail::written_buckets(s.buckets);
    auto const asked   = detail::asked_of_buckets(s.buckets);
    std::string sources;
    for (auto const& n : s.sources) sources += n + "\n";
    std::vector<saved_buffer> all{detail::numbers("run.counts", counts), detail::numbers("run.drawn", s.drawn.drawn),
                                  detail::numbers("run.asked", s.drawn.asked), detail::numbers("run.cursors", places),
                                  detail::numbers("run.buckets", buckets), detail::numbers("run.buckets_asked", asked),
                                  detail::numbers("run.record", s.record), detail::numbers("run.norms", s.norms), detail::numbers("run.rates", rates),
                                  detail::numbers("run.held_out", s.held_out), detail::numbers("run.noise", s.noise)};
    for (auto const& b : buffers) all.push_back({"model." + b.name, b.dtype, b.bytes, b.count});
    io::safetensors_writer file(path, {{"version", std::to_string(run_state::version)}, {"settings", s.settings}, {"sources", sources},
                                       {"lineage", detail::written_events(s.lineage)}, {"faults", detail::written_events(s.faults)},
                                       {"parent", detail::written_origin(s.parent)}, {"layout", layout}});
    for (auto const& e : all) file.declare(e.name, e.dtype, {e.count});
    for (auto const& e : all) file.add(e.name, e.bytes);
    file.finish();
}

/// A text of a checkpoint's file; an error says that it is none of ours.
inline std::string const& state_text(io::safetensors const& file, std::string_view key) {
    auto const at = file.metadata().find(key);
    check(at != file.metadata().end(), [&] { return file.path() + ": lacks '" + std::string(key) + "': not a checkpoint of midtrain"; });
    return at->second;
}

/// All of a checkpoint but the model's buffers.
inline run_state read_state(io::safetensors const& file) {
    auto const version = state_text(file, "version");
    check(version == "2" || version == std::to_string(run_state::version),
          [&] { return file.path() + ": has version " + version + " where this program reads 2 and " + std::to_string(run_state::version); });
    run_state s;
    s.settings        = state_text(file, "settings");
    s.sources         = detail::lines_of(state_text(file, "sources"));
    s.lineage         = detail::read_events(state_text(file, "lineage"));
    s.faults          = detail::read_events(state_text(file, "faults"));
    s.parent          = detail::read_origin(state_text(file, "parent"));
    auto const counts = detail::read_numbers<std::int64_t>(file, "run.counts", 6);
    s.stage = counts[0], s.step_in_stage = counts[1], s.step = counts[2], s.tokens = counts[3];
    s.optimizer_step = counts[4], s.average_updates = counts[5];
    auto const least = *std::min_element(counts.begin(), counts.end());
    check(least >= 0 && s.step < std::int64_t{1} << 40, [&] { return file.path() + ": 'run.counts' holds numbers that no run has"; });
    s.drawn           = {detail::read_numbers<std::int64_t>(file, "run.drawn", s.sources.size()),
                         detail::read_numbers<double>(file, "run.asked", s.sources.size())};
    std::size_t const width  = version == "2" ? 4 : detail::cursor_numbers;
    auto const        places = detail::read_numbers<std::int64_t>(file, "run.cursors", width * s.sources.size());
    for (std::size_t i = 0; i < s.sources.size(); ++i) s.cursors.push_back(detail::read_cursor(&places[width * i], width));
    check(places.empty() || *std::min_element(places.begin(), places.end()) >= 0,
          [&] { return file.path() + ": 'run.cursors' holds places that no run has"; });
    s.record = detail::read_numbers<double>(file, "run.record", static_cast<std::size_t>(s.step) * s.record_width());
    s.norms  = detail::read_numbers<double>(file, "run.norms", static_cast<std::size_t>(s.step));
    if (version == "2") return s;
    auto const rates = detail::read_numbers<double>(file, "run.rates", 2);
    s.rate = rates[0], s.parent.rate = rates[1];
    loss_record const form{.sources = s.sources.size()};
    s.held_out = detail::read_rows(file, "run.held_out", form.width(), s.step);
    s.noise    = detail::read_rows(file, "run.noise", form.noise_width(), s.step);
    s.buckets  = detail::read_buckets(detail::read_numbers<std::int64_t>(file, "run.buckets", detail::numbers_in(file, "run.buckets")),
                                      detail::read_numbers<double>(file, "run.buckets_asked", detail::numbers_in(file, "run.buckets_asked")),
                                      s.sources.size(), file.path());
    return s;
}

/// Copies a buffer of the model out of the file.
inline void read_buffer(io::safetensors const& file, std::string const& name, std::span<std::byte> to) {
    auto const& t = file.at("model." + name);
    check(t.bytes.size() == to.size(), [&] {
        return file.path() + ": '" + name + "' has " + std::to_string(t.bytes.size()) + " bytes where the model has " +
               std::to_string(to.size());
    });
    if (!to.empty()) std::memcpy(to.data(), t.bytes.data(), to.size());
}

/// A tensor of a model within its flat buffers, under the name that model files know it by.
struct placed_tensor {
    enum class form { matrix, transposed, vector };  ///< a transposed one stands as (columns, rows) in model files

    std::string  name;
    std::int64_t offset = 0, rows = 0, columns = 0;
    form         is = form::matrix;

    /// As in model files.
    std::vector<std::int64_t> shape() const {
        if (is == form::vector) return {rows * columns};
        return is == form::transposed ? std::vector{columns, rows} : std::vector{rows, columns};
    }
};

/// A model's tensors in its flat buffers, a line each; empty for a model without a layout.
template <class Model>
std::string written_layout(Model const& model) {
    std::string s;
    if constexpr (requires { model.parameters().entries(); })
        for (auto const& e : model.parameters().entries())
            for (auto const& p : e.parts)
                s += p.name + " " + std::to_string(e.offset + p.first_row * e.columns) + " " + std::to_string(p.rows) + " " +
                     std::to_string(e.columns) +
                     (e.role == role::norm || e.role == role::bias ? " vector"
                      : p.transposed                               ? " transposed"
                                                                   : " matrix") +
                     "\n";
    return s;
}

/// Refuses a checkpoint whose tensors do not lie where a model's do; `layout`: written_layout() of the model.
inline void check_same_layout(io::safetensors const& file, std::string const& layout) {
    auto const there = detail::lines_of(state_text(file, "layout")), here = detail::lines_of(layout);
    for (std::size_t i = 0; i < there.size() || i < here.size(); ++i) {
        auto const line = [&](auto const& v) { return i < v.size() ? "'" + v[i] + "'" : std::string("nothing more"); };
        check(line(there) == line(here), [&] {
            return file.path() + ": is of another model: tensor, place, rows and columns there " + line(there) + ", here " + line(here);
        });
    }
}

/// The tensors of a checkpoint's master weights; each lies within them.
inline std::vector<placed_tensor> read_layout(io::safetensors const& file) {
    auto const                 count = file.at("model.master").count();
    std::vector<placed_tensor> all;
    for (auto const& line : detail::lines_of(state_text(file, "layout"))) {
        placed_tensor t;
        char          form[16] = "";
        auto const    end      = std::min(line.find(' '), line.size());
        t.name                 = line.substr(0, end);
        bool const read = std::sscanf(line.c_str() + end, "%" SCNd64 "%" SCNd64 "%" SCNd64 "%15s", &t.offset, &t.rows, &t.columns, form) == 4;
        bool const fits =
            read && !t.name.empty() && t.offset >= 0 && t.rows >= 0 && t.columns > 0 && t.rows <= count / t.columns && t.offset <= count - t.rows * t.columns;
        check(fits, [&] { return file.path() + ": '" + line + "' is no place within the master weights"; });
        std::string_view const is = form;
        t.is = is == "vector"       ? placed_tensor::form::vector
               : is == "transposed" ? placed_tensor::form::transposed
                                    : placed_tensor::form::matrix;
        all.push_back(std::move(t));
    }
    return all;
}

}  // namespace midtrain::inline MT_ABI
