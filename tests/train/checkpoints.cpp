#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>
#include <midtrain/model/trainable.hpp>
#include <midtrain/train/checkpoints.hpp>
#include <support/faulty_calls.hpp>

namespace mt = midtrain;
namespace fs = std::filesystem;

namespace {

/// Two buffers that hold the number of the step.
struct plain_model {
    using computed = float;
    std::vector<float> master, slots;

    explicit plain_model(double step = 0) : master(3000, static_cast<float>(step)), slots(6000, static_cast<float>(-step)) {}
    std::vector<mt::state_buffer> state_buffers() {
        return {{"master", std::as_writable_bytes(std::span(master))}, {"slots", std::as_writable_bytes(std::span(slots))}};
    }
    void take_state() {}
};

mt::run_state state_at(std::int64_t step, std::string settings = "a.rate=1\n") {
    mt::run_state s;
    s.settings = std::move(settings), s.sources = {"one"}, s.step = s.step_in_stage = s.optimizer_step = step, s.tokens = 100 * step;
    s.drawn = {{step}, {static_cast<double>(step)}}, s.cursors = {{0, step, 0, 100 * step}};
    s.record.assign(static_cast<std::size_t>(2 * step), 0.5), s.norms.assign(static_cast<std::size_t>(step), 1.0);
    return s;
}

/// In memory where there is such a place: bringing thousands of files to a disk would take most of the time.
struct scratch {
    std::string path = ((fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) / ("midtrain-checkpoints-" + std::to_string(getpid()))).string();
    scratch() { fs::remove_all(path); }
    ~scratch() { fs::remove_all(path); }
};

void save(mt::checkpoints& to, std::int64_t step, mt::tokens batch = {}) {
    plain_model m(static_cast<double>(step));
    to.save(state_at(step), m, batch);
}
/// The step of the newest checkpoint, with all that it holds; -1: none.
std::int64_t loaded(std::string const& folder) {
    mt::checkpoints const c{mt::checkpoints::options{.folder = folder}};
    auto const            found = c.newest();
    if (!found) return -1;
    plain_model m;
    auto        s = state_at(0);
    c.load(*found, s, m);
    BOOST_TEST(s.step == found->step);
    BOOST_TEST((std::all_of(m.master.begin(), m.master.end(), [&](float x) { return x == static_cast<float>(s.step); })));
    BOOST_TEST((std::all_of(m.slots.begin(), m.slots.end(), [&](float x) { return x == static_cast<float>(-s.step); })));
    return s.step;
}
std::set<std::int64_t> steps_in(std::string const& folder) {
    std::set<std::int64_t> all;
    for (auto const& c : mt::checkpoints_in(folder)) all.insert(c.step);
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoints)

BOOST_AUTO_TEST_CASE(the_newest_stay_and_every_so_many_for_good) {
    scratch         s;
    mt::checkpoints c(mt::checkpoints::options{.folder = s.path, .every_steps = 1, .keep = 2, .keep_every_steps = 4});
    c.open();
    for (int n = 1; n <= 10; ++n) save(c, n);
    c.wait();
    BOOST_TEST((steps_in(s.path) == std::set<std::int64_t>{4, 8, 9, 10}));
    BOOST_TEST(fs::read_symlink(s.path + "/latest") == "step-00000010");
}
BOOST_AUTO_TEST_CASE(every_so_many_tokens_for_good) {
    scratch         s;
    mt::checkpoints c(mt::checkpoints::options{.folder = s.path, .every_seconds = 1e9, .keep = 1, .keep_every_tokens = {250}});
    for (int n = 1; n <= 9; ++n)
        if (c.due({n, 100 * n}, {100})) save(c, n, {100});
    save(c, 10, {100});
    c.wait();
    BOOST_TEST((steps_in(s.path) == std::set<std::int64_t>{3, 5, 8, 10}));  // the first past 250, 500, 750, 1000
}
BOOST_AUTO_TEST_CASE(what_the_loop_changes_meanwhile_is_not_what_is_saved) {
    scratch         s;
    mt::checkpoints c(mt::checkpoints::options{.folder = s.path});
    plain_model     m(7);
    auto            state = state_at(7);
    c.save(state, m);
    std::fill(m.master.begin(), m.master.end(), 9.f);
    state.record.clear();
    c.wait();
    BOOST_TEST(loaded(s.path) == 7);
}
BOOST_AUTO_TEST_CASE(without_latest_and_with_a_broken_newest_the_run_goes_on) {
    scratch s;
    {
        mt::checkpoints c(mt::checkpoints::options{.folder = s.path});
        save(c, 1), save(c, 2), c.wait();
    }
    fs::remove(s.path + "/latest");
    fs::resize_file(s.path + "/step-00000002/state.safetensors", 1000);
    fs::create_directories(s.path + "/.partial-step-00000003");
    BOOST_TEST(loaded(s.path) == 1);
    mt::checkpoints c(mt::checkpoints::options{.folder = s.path});
    c.open();
    BOOST_TEST(fs::read_symlink(s.path + "/latest") == "step-00000001");
    BOOST_TEST(!fs::exists(s.path + "/.partial-step-00000003"));
    save(c, 2), c.wait();  // takes the place of the broken one
    BOOST_TEST(loaded(s.path) == 2);
}
BOOST_AUTO_TEST_CASE(two_processes_do_not_share_a_folder_and_a_dead_ones_lock_is_taken_over) {
    scratch         s;
    mt::checkpoints mine(mt::checkpoints::options{.folder = s.path});
    {
        mt::checkpoints other(mt::checkpoints::options{.folder = s.path});
        other.open();
        BOOST_CHECK_EXCEPTION(mine.open(), mt::error, [&](mt::error const& e) {
            return e.what() == s.path + ": is used by process " + std::to_string(getpid()) + "; two runs cannot write into one folder";
        });
    }
    std::ofstream(s.path + "/lock") << "999999\n";
    mine.open();
    std::ifstream file(s.path + "/lock");
    int           number = 0;
    file >> number;
    BOOST_TEST(number == getpid());
}
BOOST_AUTO_TEST_CASE(a_changed_recipe_is_told_in_full_and_accepted_on_demand) {
    scratch         s;
    mt::checkpoints c(mt::checkpoints::options{.folder = s.path});
    plain_model     m(3);
    c.save(state_at(3, "a.rate=1\na.steps=5\nold=2\n"), m);
    c.wait();
    auto now = state_at(0, "a.rate=1\na.steps=6\nfresh=3\n");
    BOOST_CHECK_EXCEPTION(c.load(*c.newest(), now, m), mt::error, [](mt::error const& e) {
        return std::string(e.what()).find("was made with another recipe: a.steps there 5, here 6; old there 2, here none; fresh there none, here 3; ") != std::string::npos;
    });
    BOOST_TEST(now.step == 0);
    mt::checkpoints bold(mt::checkpoints::options{.folder = s.path, .accept_changes = true});
    BOOST_TEST(bold.load(*bold.newest(), now, m).size() == 3u);
    std::vector<mt::run_state::event> const expected{{3, "a.steps: 5 -> 6"}, {3, "old: 2 -> none"}, {3, "fresh: none -> 3"}};
    BOOST_TEST((now.lineage == expected));
    ++now.step, now.record.resize(8), now.norms.resize(4);
    bold.save(now, m), bold.wait();
    auto again = state_at(0, now.settings);
    c.load(*c.newest(), again, m);
    BOOST_TEST((again.lineage == expected));
}
BOOST_AUTO_TEST_CASE(a_fork_takes_what_it_is_told_and_remembers_its_parent) {
    scratch         s;
    mt::checkpoints parent(mt::checkpoints::options{.folder = s.path + "/parent"});
    save(parent, 5), parent.wait();
    auto const from = fs::weakly_canonical(s.path).string() + "/parent/step-00000005";
    for (std::string const& named : {s.path + "/parent", s.path + "/parent/latest", from}) {
        mt::checkpoints child(mt::checkpoints::options{.folder = s.path + "/child", .fork_from = named});
        plain_model     m;
        auto            state = state_at(0, "other=1\n");
        child.fork(state, m);
        BOOST_TEST(m.master[0] == 5);
        BOOST_TEST(m.slots[0] == -5);
        BOOST_TEST((state.step == 0 && state.optimizer_step == 5 && state.record.empty()));
        BOOST_TEST(state.cursors[0].document == 5);
        BOOST_TEST((state.parent == mt::run_state::origin{from, 5, 500, mt::whole_checkpoint(from)}));
        child.save(state, m), child.wait();
        auto again = state_at(0, "other=1\n");
        child.load(*child.newest(), again, m);
        BOOST_TEST((again.parent == state.parent));
        BOOST_TEST(again.lineage.back().what == "forked from " + from + " at step 5");
    }
    mt::checkpoints fresh(mt::checkpoints::options{.fork_from = from, .fork = {.slots = false, .cursors = false, .counters = true}});
    plain_model     m;
    auto            state = state_at(0);
    fresh.fork(state, m);
    BOOST_TEST((m.master[0] == 5 && m.slots[0] == 0));
    BOOST_TEST((state.step == 5 && state.tokens == 500 && state.optimizer_step == 0 && state.record.size() == 10u && state.cursors[0].document == 0));
    mt::checkpoints nowhere(mt::checkpoints::options{.fork_from = s.path + "/none"});
    BOOST_CHECK_THROW(nowhere.fork(state, m), mt::error);
}
BOOST_AUTO_TEST_CASE(a_write_that_goes_wrong_in_the_background_reaches_the_loop) {
    scratch         s;
    mt::checkpoints c(mt::checkpoints::options{.folder = s.path, .every_steps = 100});
    save(c, 1), c.wait();
    test::arm_faults(test::fault_mode::refuse, 4, ENOSPC);
    save(c, 2);
    std::string said;
    try {
        for (int i = 0; i < 1000 && said.empty(); ++i) c.due({3, 0}, {}), usleep(1000);
    } catch (mt::error const& e) {
        said = e.what();
    }
    test::disarm_faults();
    BOOST_TEST(said.find("No space left on device") != std::string::npos, said);
    BOOST_TEST(said.find(s.path) != std::string::npos, said);
    BOOST_TEST(loaded(s.path) == 1);
}
BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written_is_named) {
    scratch         s;
    mt::checkpoints c(mt::checkpoints::options{.folder = s.path});
    test::arm_faults(test::fault_mode::refuse, 0, EROFS);
    BOOST_CHECK_EXCEPTION(c.open(), mt::error, [&](mt::error const& e) { return std::string(e.what()) == s.path + ": cannot be made: Read-only file system"; });
    test::disarm_faults();
}

// Every call that changes files goes wrong in turn, in a process of its own: an error, a write that takes half, and the power that goes.
// Whatever happens, the checkpoint before or the new one loads, `latest` leads to one that is whole, and the next save succeeds.
BOOST_AUTO_TEST_CASE(a_save_that_is_interrupted_at_any_call_leaves_a_good_checkpoint) {
    for (auto const mode : {test::fault_mode::refuse, test::fault_mode::halve, test::fault_mode::cut})
        for (bool const background : {false, true}) {
            std::set<std::int64_t> ends;
            int                    calls = 0;
            for (bool reached = true; reached; ++calls) {
                scratch                        s;
                mt::checkpoints::options const how{.folder = s.path, .keep = 1, .background = background};
                {
                    mt::checkpoints c(how);
                    c.open();
                    save(c, 1), save(c, 2), c.wait();
                }
                auto const child = fork();
                if (child == 0) {
                    int status = 0;
                    try {
                        test::arm_faults(mode, calls, calls % 2 ? ENOSPC : EIO);
                        mt::checkpoints c(how);
                        c.open();
                        save(c, 3), c.wait();
                    } catch (mt::error const&) {
                        status = 1;
                    }
                    test::disarm_faults();
                    _exit(test::faulty_call().empty() ? 42 : status);
                }
                int status = 0;
                BOOST_REQUIRE(waitpid(child, &status, 0) == child);
                BOOST_REQUIRE(WIFEXITED(status));
                reached = WEXITSTATUS(status) != 42;
                if (reached && mode == test::fault_mode::cut) BOOST_TEST(WEXITSTATUS(status) == test::power_cut);
                if (mode == test::fault_mode::halve) BOOST_TEST((WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 1 || !reached));
                auto const end = loaded(s.path);
                BOOST_TEST((end == 2 || end == 3), "call " << calls << " left step " << end);
                BOOST_TEST(!mt::whole_checkpoint(s.path + "/latest").empty(), "call " << calls);
                ends.insert(end);
                mt::checkpoints c(how);
                c.open();
                save(c, 4), c.wait();
                BOOST_TEST(loaded(s.path) == 4);
                for (auto const& e : fs::directory_iterator(s.path)) BOOST_TEST(!e.path().filename().string().starts_with(".partial"));
            }
            BOOST_TEST(calls > 15);
            BOOST_TEST((ends.contains(2) || mode == test::fault_mode::halve));
            BOOST_TEST(ends.contains(3));
        }
}

BOOST_AUTO_TEST_SUITE_END()
