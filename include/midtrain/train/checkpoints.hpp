#pragma once
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/seconds_now.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/folder_lock.hpp>
#include <midtrain/io/folders.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/train/background_job.hpp>
#include <midtrain/train/checkpoint_folder.hpp>
#include <midtrain/train/report.hpp>
#include <midtrain/train/run_state.hpp>
#include <midtrain/train/setting_changes.hpp>
#include <midtrain/train/state_file.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

/// Whether the state_buffers() are the model's own memory, and no copy.
template <class Model>
constexpr bool read_in_place = true;
template <class Model>
    requires requires(Model& m) { m.device(); }
constexpr bool read_in_place<Model> = std::remove_reference_t<decltype(std::declval<Model&>().device())>::shares_memory;

}  // namespace detail

/// What a fork brings along from its parent besides the weights.
struct fork_options {
    bool slots    = true;   ///< the optimizer's memory, and how many updates it has seen
    bool cursors  = true;   ///< how far each source has been read; sources are matched by name
    bool counters = false;  ///< steps, tokens and the record of losses go on instead of starting at zero
};

/// Where and how often a run is saved. A checkpoint is a folder `step-00000042`; see checkpoint_folder.hpp for how it stays whole.
/// The newest `keep` stay, and for good those at each multiple of keep_every_steps and at the first step past each multiple of
/// keep_every_tokens. Without a folder nothing is saved.
class checkpoints {
  public:
    struct options {
        std::string  folder{};
        double       every_seconds  = 120;
        std::int64_t every_steps    = 0;  ///< 0: by time
        int          keep           = 2;
        std::int64_t keep_every_steps = 0;    ///< 0: none
        tokens       keep_every_tokens{};     ///< 0: none
        bool         background     = true;   ///< a copy is written beside the run; else the run waits, and no copy is needed
        bool         accept_changes = false;  ///< go on although the recipe is another one
        std::string  fork_from{};             ///< a checkpoint of another run, or its folder: where a new run begins
        fork_options fork{};
    };

    checkpoints() = default;
    explicit checkpoints(std::string folder) : checkpoints(options{.folder = std::move(folder)}) {}
    explicit checkpoints(options how) : how_(std::move(how)), saved_(seconds_now()) {
        check(how_.every_steps >= 0 && how_.every_seconds > 0 && how_.keep >= 1,
              "checkpoints: every_steps is not negative, every_seconds positive, keep at least 1");
        check(how_.keep_every_steps >= 0 && how_.keep_every_tokens.count >= 0,
              "checkpoints: keep_every_steps and keep_every_tokens are not negative");
    }

    options const& how() const { return how_; }

    /// From here on this process alone writes into the folder.
    void open() {
        if (how_.folder.empty() || lock_.holds()) return;
        io::make_folders(how_.folder);
        lock_ = io::folder_lock(how_.folder);
        tidy_checkpoints(how_.folder);
    }

    /// Whether to save where so many steps and tokens are done, the last step of `batch` tokens. Throws what went wrong in the background since.
    bool due(saved_step at, tokens batch) {
        if (how_.folder.empty()) return false;
        if (writing_.done()) wait();
        if (for_good(at, batch)) return true;
        if (how_.every_steps > 0) return at.step % how_.every_steps == 0;
        return !writing_.begun() && seconds_now() - saved_ >= how_.every_seconds;
    }

    /// The newest checkpoint whose bytes are those that were written.
    std::optional<checkpoint_place> newest() const { return newest_checkpoint(how_.folder); }
    /// For a message: the newest one, or that there is none. Waits for one that is being written.
    std::string last_good() {
        writing_.wait();
        auto const at = newest();
        return at ? "the last good checkpoint is " + at->folder : "there is no checkpoint";
    }

    /// Saves, after a step of `batch` tokens; with `background` only a copy is made here. Waits for an earlier save first.
    template <class Model>
    void save(run_state const& s, Model& model, tokens batch = {}) {
        if (how_.folder.empty()) return;
        wait();
        std::vector<saved_buffer> buffers;
        for (auto const& b : model.state_buffers()) buffers.push_back(described<Model>(b.name, b.bytes));
        kept_checkpoints const stay{how_.keep, for_good({s.step, s.tokens}, batch)};
        if (how_.background) {
            keep_copies<Model>(buffers);
            begin_writing([folder = how_.folder, stay, state = s, layout = written_layout(model), buffers = std::move(buffers)] {
                write(folder, stay, state, layout, buffers);
            });
        } else {
            write(how_.folder, stay, s, written_layout(model), buffers);
        }
        saved_ = seconds_now();
    }
    /// Until what is being written is whole; throws what went wrong.
    void wait() { writing_.finish(); }
    /// Bytes of the copy that saving in the background needs.
    template <class Model>
    std::int64_t copy_bytes(std::int64_t weights_and_slots) const {
        return how_.folder.empty() || (detail::read_in_place<Model> && !how_.background) ? 0 : weights_and_slots;
    }

    /// Fills state and model, which then go on from there. A recipe that differs from the one that was saved is refused with each setting
    /// that does, unless the options accept changes; then the lineage keeps them, and they are returned.
    template <class Model>
    std::vector<setting_change> load(checkpoint_place const& from, run_state& s, Model& model) const {
        io::safetensors const file(from.folder + "/state.safetensors");
        run_state             there   = read_state(file);
        auto const            changes = changed_settings(there.settings, s.settings);
        check(changes.empty() || how_.accept_changes, [&] {
            std::string all;
            for (auto const& c : changes) all += (all.empty() ? "" : "; ") + c.compared();
            return from.folder + " was made with another recipe: " + all +
                   "; give the same settings to go on, accept the changes (--accept-changes), or give another folder to begin anew";
        });
        check_same_optimizer(from.folder, changes, "fork from it with slots = false");
        for (auto const& c : changes) there.lineage.push_back({there.step, c.changed()});
        there.settings = s.settings;
        take(file, model, [](std::string const&) { return true; });
        s = std::move(there);
        return changes;
    }

    /// Whether the options name a parent.
    bool forks() const { return !how_.fork_from.empty(); }
    /// Fills the model, and of the state what a fork brings along; its lineage says where it came from.
    template <class Model>
    void fork(run_state& s, Model& model) const {
        auto const parent = fork_place();
        auto const sum    = whole_checkpoint(parent);
        check(!sum.empty(), [&] { return how_.fork_from + ": is no checkpoint to fork from, or a broken one"; });
        io::safetensors const file(parent + "/state.safetensors");
        run_state             there = read_state(file);
        if (how_.fork.slots) check_same_optimizer(parent, changed_settings(there.settings, s.settings), "say fork.slots = false");
        take(file, model, [&](std::string const& name) { return name == "master" || (name == "slots" && how_.fork.slots); });
        s.parent  = {parent, there.step, there.tokens, sum, there.rate};
        s.lineage = there.lineage;
        s.lineage.push_back({how_.fork.counters ? there.step : 0, "forked from " + parent + " at step " + std::to_string(there.step)});
        if (how_.fork.slots) s.optimizer_step = there.optimizer_step;
        if (how_.fork.cursors || how_.fork.counters) s.sources = there.sources;
        if (how_.fork.cursors) s.cursors = std::move(there.cursors), s.buckets = std::move(there.buckets);
        else s.cursors.assign(s.sources.size(), {});
        s.drawn = {std::vector<std::int64_t>(s.sources.size()), std::vector<double>(s.sources.size())};
        if (how_.fork.counters) {
            s.step = there.step, s.tokens = there.tokens, s.record = std::move(there.record), s.norms = std::move(there.norms);
            s.held_out = std::move(there.held_out), s.noise = std::move(there.noise);
        }
    }

  private:
    // Slots of one kind of optimizer may be as many as another's, and mean something else.
    static void check_same_optimizer(std::string const& folder, std::vector<setting_change> const& changes, char const* instead) {
        for (auto const& c : changes)
            check(c.key != "optimizer.kind" || c.before.empty() || c.now.empty(), [&] {
                return folder + " holds the memory of another optimizer: " + c.compared() + "; " + instead;
            });
    }
    bool for_good(saved_step at, tokens batch) const {
        auto const k = how_.keep_every_tokens.count;
        return (how_.keep_every_steps > 0 && at.step % how_.keep_every_steps == 0) ||
               (k > 0 && at.tokens / k != (at.tokens - batch.count) / k);
    }
    template <class Model>
    static saved_buffer described(std::string const& name, std::span<std::byte const> bytes) {
        constexpr auto size = sizeof(typename Model::computed);
        return {name, size == 8 ? "F64" : "F32", bytes, static_cast<std::int64_t>(bytes.size() / size)};
    }
    static void write(std::string const& folder, kept_checkpoints const& stay, run_state const& s, std::string const& layout,
                      std::vector<saved_buffer> const& buffers) {
        auto const   numbers = s.record.size() + s.norms.size() + s.held_out.size() + s.noise.size();
        std::int64_t bytes   = static_cast<std::int64_t>(numbers * sizeof(double) + 4096 + layout.size() + s.settings.size());
        for (auto const& b : buffers) bytes += static_cast<std::int64_t>(b.bytes.size());
        make_checkpoint(folder, s.step, bytes, stay,
                        [&](std::string const& partial) { write_state(partial + "/state.safetensors", s, layout, buffers); });
    }
    // The buffers of a device that the host cannot read are copies already, which stay until the next save asks for them.
    template <class Model>
    void keep_copies(std::vector<saved_buffer>& buffers) {
        if constexpr (detail::read_in_place<Model>) {
            copies_.resize(buffers.size());
            for (std::size_t i = 0; i < buffers.size(); ++i) {
                copies_[i].resize(buffers[i].bytes.size());
                if (!copies_[i].empty()) std::memcpy(copies_[i].data(), buffers[i].bytes.data(), copies_[i].size());
                buffers[i].bytes = copies_[i];
            }
        }
    }
    // Signals are for the loop, so the writer takes none.
    template <class Job>
    void begin_writing(Job&& job) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            writing_.begin(std::forward<Job>(job));
        } catch (...) {
            pthread_sigmask(SIG_SETMASK, &before, nullptr);
            throw error(how_.folder + ": no thread can be started to write a checkpoint; save without background");
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    template <class Model, class Wanted>
    static void take(io::safetensors const& file, Model& model, Wanted const& wanted) {
        check_same_layout(file, written_layout(model));
        for (auto const& b : model.state_buffers())
            if (wanted(b.name)) read_buffer(file, b.name, b.bytes);
        model.take_state();
    }
    std::string fork_place() const {
        auto const found = io::real_path(how_.fork_from);
        auto const path  = found.empty() ? how_.fork_from : found;
        if (io::exists(path + "/state.safetensors")) return path;
        auto const newest = newest_checkpoint(path);
        check(newest.has_value(), [&] { return how_.fork_from + ": holds no checkpoint to fork from"; });
        return newest->folder;
    }

    options                             how_;
    double                              saved_ = 0;
    io::folder_lock                     lock_;
    std::vector<std::vector<std::byte>> copies_;   // what the writer reads
    background_job                      writing_;  // last, so that it ends first
};

}  // namespace midtrain::inline MT_ABI
