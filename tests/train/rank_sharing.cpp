// Ranks that train one model: what they find does not depend on how many they are, nor on whether they share the optimizer's memory, and a
// run goes on with another number of them.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>
#include <midtrain/comm/self.hpp>
#include <midtrain/comm/threads.hpp>
#include <midtrain/optim/muon.hpp>
#include <support/golden.hpp>
#include <support/late_device.hpp>
#include <support/late_ranks.hpp>
#include <support/rank_runs.hpp>

namespace mt = midtrain;

namespace rank_sharing_under_test {

constexpr mt::rank_sharing whole{.bucket = 1}, sharded{.shard = true, .bucket = 1};

template <class Precision>
std::vector<test::rank_outcome> run_on(int ranks, test::rank_run const& how) {
    std::vector<test::rank_outcome> all(static_cast<std::size_t>(ranks));
    mt::on_ranks(ranks, [&](mt::threads& me) { all[static_cast<std::size_t>(me.rank())] = test::run_on<Precision>(me, how); });
    return all;
}
template <class Precision>
test::rank_outcome run_alone(test::rank_run const& how = {}) {
    mt::self alone;
    return test::run_on<Precision>(alone, how);
}
std::string fresh_folder(std::string const& name) {
    auto const at = std::filesystem::temp_directory_path() / ("midtrain_sharing_" + name);
    std::filesystem::remove_all(at);
    return at.string();
}
std::vector<char> bytes_of(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
template <class Precision>
void sharing_changes_no_bit(int ranks) {
    auto const plain = run_on<Precision>(ranks, {.sharing = whole}), shared = run_on<Precision>(ranks, {.sharing = sharded}),
               large = run_on<Precision>(ranks, {.sharing = {.shard = true}});
    for (auto const* all : {&plain, &shared, &large})
        for (auto const& one : *all) BOOST_TEST(test::same_bits(one, plain[0]));
    mt::rank_slices const cut(plain[0].slots / 2, 0, ranks, 1);
    BOOST_TEST(cut.rest().size > 0);
    for (auto const& one : shared) BOOST_TEST(one.slots == 2 * cut.own());
    BOOST_TEST(shared[0].slots < plain[0].slots * 5 / 4 / ranks);
}

}  // namespace rank_sharing_under_test

using namespace rank_sharing_under_test;

BOOST_AUTO_TEST_SUITE(rank_sharing)

BOOST_AUTO_TEST_CASE(any_number_of_ranks_finds_the_same) {
    auto const alone = run_alone<mt::fp64>();
    BOOST_TEST(alone.norms[0] > 0.5);  // the clipping shows
    for (int ranks : {2, 4})
        for (auto const& how : {whole, sharded})
            for (auto const& one : run_on<mt::fp64>(ranks, {.sharing = how})) {
                BOOST_TEST(test::relative(one.record, alone.record) < 1e-12);
                BOOST_TEST(test::relative(one.norms, alone.norms) < 1e-10);
                BOOST_TEST(test::relative(one.weights, alone.weights) < 1e-9);
            }
}

BOOST_AUTO_TEST_CASE(sharing_the_memory_of_the_optimizer_changes_no_bit) {
    sharing_changes_no_bit<mt::fp32>(2);
    sharing_changes_no_bit<mt::fp32>(4);
    sharing_changes_no_bit<mt::bf16_mixed>(4);
    sharing_changes_no_bit<mt::bf16_by_chance>(4);
}

BOOST_AUTO_TEST_CASE(checkpoints_do_not_know_how_many_ranks_there_were) {
    auto const one = fresh_folder("one"), other = fresh_folder("other");
    run_on<mt::fp32>(4, {.sharing = whole, .folder = one});
    run_on<mt::fp32>(4, {.sharing = sharded, .folder = other});
    for (auto const* step : {"/step-00000008", "/step-00000012"}) {
        auto const a = bytes_of(one + step + "/state.safetensors"), b = bytes_of(other + step + "/state.safetensors");
        BOOST_TEST(a.size() > 4 * 3 * 68'000);
        BOOST_TEST((a == b));
    }
    std::filesystem::remove_all(one), std::filesystem::remove_all(other);
}

BOOST_AUTO_TEST_CASE(a_run_goes_on_with_other_ranks) {
    auto const in_one_go = run_alone<mt::fp64>();
    auto const shared    = run_on<mt::fp64>(4, {.sharing = sharded});
    auto const begin     = fresh_folder("begin");
    BOOST_CHECK_THROW(run_on<mt::fp64>(4, {.sharing = sharded, .folder = begin, .fails_after = 6}), mt::error);
    for (int ranks : {1, 2, 4})
        for (auto const& how : {whole, sharded}) {
            auto const folder = fresh_folder("goes_on");
            std::filesystem::copy(begin, folder, std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
            for (auto const& one : run_on<mt::fp64>(ranks, {.sharing = how, .folder = folder})) {
                if (ranks == 4) BOOST_TEST(test::same_bits(one, shared[0]));
                BOOST_TEST(test::relative(one.record, in_one_go.record) < 1e-12);
                BOOST_TEST(test::relative(one.weights, in_one_go.weights) < 1e-9);
            }
            std::filesystem::remove_all(folder);
        }
    std::filesystem::remove_all(begin);
}

BOOST_AUTO_TEST_CASE(ranks_whose_exchange_is_their_devices_work_find_the_same) {
    auto const alone  = run_alone<mt::fp64>();
    auto const folder = fresh_folder("late");
    auto const late   = [&](test::rank_run const& how) {
        std::vector<test::rank_outcome> all(2);
        mt::on_ranks(2, [&](mt::threads& me) {
            test::late_device device;
            test::late_ranks  ranks(device, me);
            all[static_cast<std::size_t>(me.rank())] = test::run_on<mt::fp64>(device, ranks, how);
            if (device.replays() == 0) throw mt::error("no step was repeated");
        });
        return all;
    };
    auto const plain = late({.sharing = whole});
    BOOST_TEST(test::relative(plain[0].record, alone.record) < 1e-12);
    BOOST_TEST(test::relative(plain[0].weights, alone.weights) < 1e-9);
    BOOST_TEST(test::same_bits(plain[1], plain[0]));
    BOOST_CHECK_THROW(late({.sharing = sharded, .folder = folder, .fails_after = 6}), mt::error);
    for (auto const& one : late({.sharing = sharded, .folder = folder})) BOOST_TEST(test::same_bits(one, plain[0]));
    std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_shared_is_refused) {
    using model       = mt::trainable<mt::host, mt::model::llama, test::sliced_shape, mt::fp32>;
    auto const refused = [](auto const& f) {
        try {
            mt::on_ranks(2, [&](mt::threads& me) {
                mt::host device(1);
                model    m(device, {});
                mt::share_slots(me, m, sharded);
                f(m);
            });
        } catch (mt::error const& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    BOOST_TEST(refused([](model& m) { m.prepare(mt::muon{}); }).find("this one sees whole matrices") != std::string::npos);
    BOOST_TEST(refused([](model& m) { m.prepare(mt::adamw{}), m.clip_blocks(1); }).find("clip_block needs the whole gradient") != std::string::npos);
    BOOST_TEST(refused([](model& m) { m.prepare(mt::adamw{}); }) == "");
}

BOOST_AUTO_TEST_SUITE_END()
