#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fcntl.h>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>
#include <midtrain/core/checksum.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/safetensors_writer.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/run_state.hpp>

namespace midtrain::inline MT_ABI {

/// Where and how often a run is saved. A checkpoint is a folder `step-00000042` with one file, `state.safetensors`, and its checksum.
/// It is written under another name, brought to the disk, and then renamed; a folder of that name is therefore whole. The newest
/// `keep` stay. Without a folder nothing is saved.
class checkpoints {
  public:
    struct options {
        std::string  folder;
        double       every_seconds = 120;
        std::int64_t every_steps   = 0;  ///< 0: by time
        int          keep          = 2;
    };
    struct found {
        std::string  folder;
        std::int64_t step = 0;
    };

    checkpoints() = default;
    explicit checkpoints(std::string folder) : checkpoints(options{.folder = std::move(folder)}) {}
    explicit checkpoints(options how) : how_(std::move(how)), saved_(clock::now()) {
        check(how_.every_steps >= 0 && how_.every_seconds > 0 && how_.keep >= 1, "checkpoints: every_steps is not negative, every_seconds positive, keep at least 1");
    }

    bool due(std::int64_t step) const {
        if (how_.folder.empty()) return false;
        if (how_.every_steps > 0) return step % how_.every_steps == 0;
        return std::chrono::duration<double>(clock::now() - saved_).count() >= how_.every_seconds;
    }

    /// The newest checkpoint whose bytes are those that were written; older ones are tried when it is broken.
    std::optional<found> newest() const {
        auto all = steps();
        for (auto at = all.rbegin(); at != all.rend(); ++at)
            if (whole(*at)) return *at;
        return std::nullopt;
    }
    /// For a message: the newest one, or that there is none.
    std::string last_good() const {
        auto const at = newest();
        return at ? "the last good checkpoint is " + at->folder : "there is no checkpoint";
    }

    template <class Model>
    void save(run_state const& s, Model& model) {
        if (how_.folder.empty()) return;
        namespace fs = std::filesystem;
        auto const name = how_.folder + "/" + numbered(s.step), partial = how_.folder + "/.partial-" + numbered(s.step);
        std::error_code why;
        fs::remove_all(partial, why);
        fs::create_directories(partial, why);
        check(!why, [&] { return partial + ": cannot be made: " + why.message(); });
        auto const sum = write(partial + "/state.safetensors", s, model);
        io::write_whole(partial + "/checksum", sum + "\n");
        sync(partial);
        fs::remove_all(name, why);
        fs::rename(partial, name, why);
        check(!why, [&] { return name + ": cannot be put in place: " + why.message(); });
        sync(how_.folder);
        auto const all = steps();
        for (std::size_t i = 0; i + static_cast<std::size_t>(how_.keep) < all.size(); ++i) fs::remove_all(all[i].folder, why);
        saved_ = clock::now();
    }

    /// Fills state and model. A recipe that differs from the one that was saved is refused, with the first setting that does.
    template <class Model>
    void load(found const& from, run_state& s, Model& model) const {
        io::safetensors const file(from.folder + "/state.safetensors");
        auto const&           m = file.metadata();
        auto const            text = [&](char const* key) {
            auto const at = m.find(key);
            check(at != m.end(), [&] { return file.path() + ": lacks '" + key + "': not a checkpoint of midtrain"; });
            return at->second;
        };
        check(text("version") == std::to_string(run_state::version), [&] { return file.path() + ": has version " + text("version") + " where this program reads " + std::to_string(run_state::version); });
        compare(s.settings, text("settings"), from.folder);
        s.sources = split(text("sources"));
        auto const counts = read<std::int64_t>(file, "run.counts", 4);
        s.stage = counts[0], s.step_in_stage = counts[1], s.step = counts[2], s.tokens = counts[3];
        s.drawn = {read<std::int64_t>(file, "run.drawn", s.sources.size()), read<double>(file, "run.asked", s.sources.size())};
        auto const places = read<std::int64_t>(file, "run.cursors", 4 * s.sources.size());
        s.cursors.clear();
        for (std::size_t i = 0; i < s.sources.size(); ++i) s.cursors.push_back({places[4 * i], places[4 * i + 1], places[4 * i + 2], places[4 * i + 3]});
        s.record = read<double>(file, "run.record", static_cast<std::size_t>(s.step) * s.record_width());
        for (auto const& b : model.state_buffers()) {
            auto const& t = file.at("model." + b.name);
            check(t.bytes.size() == b.bytes.size(), [&] { return file.path() + ": '" + b.name + "' has " + std::to_string(t.bytes.size()) + " bytes where the model has " + std::to_string(b.bytes.size()); });
            std::memcpy(b.bytes.data(), t.bytes.data(), b.bytes.size());
        }
        model.take_state();
    }

  private:
    using clock = std::chrono::steady_clock;

    static std::string numbered(std::int64_t step) {
        auto const n = std::to_string(step);
        return "step-" + std::string(n.size() < 8 ? 8 - n.size() : 0, '0') + n;
    }
    std::vector<found> steps() const {
        std::vector<found> all;
        std::error_code    none;
        if (how_.folder.empty()) return all;
        for (auto const& e : std::filesystem::directory_iterator(how_.folder, none)) {
            auto const name = e.path().filename().string();
            if (name.starts_with("step-") && name.find_first_not_of("0123456789", 5) == std::string::npos)
                all.push_back({e.path().string(), std::atoll(name.c_str() + 5)});
        }
        std::sort(all.begin(), all.end(), [](found const& a, found const& b) { return a.step < b.step; });
        return all;
    }
    static bool whole(found const& f) {
        try {
            io::mapped_file const sum(f.folder + "/checksum"), state(f.folder + "/state.safetensors");
            return std::string_view(reinterpret_cast<char const*>(sum.bytes().data()), sum.bytes().size()) == checksum().add(state.bytes()).text() + "\n";
        } catch (error const&) {
            return false;
        }
    }

    template <class Model>
    static std::string write(std::string const& path, run_state const& s, Model& model) {
        std::vector<std::int64_t> const counts{s.stage, s.step_in_stage, s.step, s.tokens};
        std::vector<std::int64_t>       places;
        for (auto const& c : s.cursors) places.insert(places.end(), {c.epoch, c.document, c.offset, c.tokens});
        std::string sources;
        for (auto const& n : s.sources) sources += n + "\n";
        struct entry {
            std::string                name, dtype;
            std::int64_t               count;
            std::span<std::byte const> bytes;
        };
        auto const integers = [](std::string n, auto const& v) { return entry{std::move(n), "I64", static_cast<std::int64_t>(v.size()), std::as_bytes(std::span(v))}; };
        auto const reals    = [](std::string n, auto const& v) { return entry{std::move(n), "F64", static_cast<std::int64_t>(v.size()), std::as_bytes(std::span(v))}; };
        std::vector<entry> all{integers("run.counts", counts), integers("run.drawn", s.drawn.drawn), reals("run.asked", s.drawn.asked),
                               integers("run.cursors", places), reals("run.record", s.record)};
        for (auto const& b : model.state_buffers())
            all.push_back({"model." + b.name, sizeof(typename Model::computed) == 8 ? "F64" : "F32",
                           static_cast<std::int64_t>(b.bytes.size() / sizeof(typename Model::computed)), b.bytes});
        io::safetensors_writer file(path, {{"version", std::to_string(run_state::version)}, {"settings", s.settings}, {"sources", sources}});
        for (auto const& e : all) file.declare(e.name, e.dtype, {e.count});
        for (auto const& e : all) file.add(e.name, e.bytes);
        file.finish();
        return checksum().add(io::mapped_file(path).bytes()).text();
    }

    template <class T>
    static std::vector<T> read(io::safetensors const& file, std::string const& name, std::size_t count) {
        auto const& t = file.at(name);
        check(t.dtype == (std::is_same_v<T, double> ? "F64" : "I64") && t.bytes.size() == count * sizeof(T),
              [&] { return file.path() + ": '" + name + "' is not what a run with these sources and steps has"; });
        std::vector<T> v(count);
        if (count > 0) std::memcpy(v.data(), t.bytes.data(), t.bytes.size());
        return v;
    }
    static std::vector<std::string> split(std::string const& lines) {
        std::vector<std::string> v;
        for (std::size_t at = 0; at < lines.size();) {
            auto const end = std::min(lines.find('\n', at), lines.size());
            v.push_back(lines.substr(at, end - at));
            at = end + 1;
        }
        return v;
    }
    static void compare(std::string const& now, std::string const& before, std::string const& folder) {
        if (now == before) return;
        auto const  a = split(now), b = split(before);
        std::size_t i = 0;
        while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
        auto const line = [&](std::vector<std::string> const& v) { return i < v.size() ? v[i] : std::string("nothing more"); };
        throw error(folder + " was made with another recipe: there " + line(b) + ", here " + line(a) +
                    "; give the same settings to go on, or another folder to begin anew");
    }

    static void sync(std::string const& folder) {
        int const file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (file < 0) return;
        ::fsync(file);
        ::close(file);
    }

    options           how_;
    clock::time_point saved_{};
};

}  // namespace midtrain::inline MT_ABI
