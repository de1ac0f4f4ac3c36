// Processes that train one model: the same bits on all of them, with and without a share of the optimizer's memory, and the numbers of one
// alone; a run goes on from where they were.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>
#include <unistd.h>
#include <midtrain/comm/self.hpp>
#include <mpi/ranks.hpp>
#include <support/golden.hpp>
#include <support/rank_runs.hpp>

namespace mt = midtrain;

namespace {

constexpr mt::rank_sharing whole{.bucket = 1}, sharded{.shard = true, .bucket = 1};

boost::test_tools::assertion_result divides(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result found(8 % test::ranks().size() == 0);
    found.message() << "eight sequences do not divide over " << test::ranks().size() << " ranks";
    return found;
}
bool same_everywhere(std::vector<double> const& mine) {
    auto of_first = mine;
    test::ranks().broadcast(mt::row_view<double>{of_first.data(), static_cast<mt::index_t>(of_first.size())}, 0);
    return of_first == mine;
}
/// One folder for all processes, which nobody has.
std::string shared_folder() {
    std::int64_t number[] = {static_cast<std::int64_t>(::getpid())};
    test::ranks().broadcast(mt::row_view<std::int64_t>{number, 1}, 0);
    return (std::filesystem::temp_directory_path() / ("midtrain_mpi_" + std::to_string(number[0]))).string();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mpi_runs, *boost::unit_test::precondition(divides))

BOOST_AUTO_TEST_CASE(all_hold_the_same_bits_and_those_of_one_alone_but_for_rounding) {
    mt::self   alone;
    auto const one = test::run_on<mt::fp64>(alone, {}), plain = test::run_on<mt::fp64>(test::ranks(), {.sharing = whole}),
               shared = test::run_on<mt::fp64>(test::ranks(), {.sharing = sharded});
    BOOST_TEST(test::same_bits(plain, shared));
    BOOST_TEST((same_everywhere(plain.weights) && same_everywhere(plain.record) && same_everywhere(plain.norms)));
    BOOST_TEST(test::relative(plain.record, one.record) < 1e-12);
    BOOST_TEST(test::relative(plain.weights, one.weights) < 1e-9);
    BOOST_TEST((test::ranks().size() == 1 || shared.slots < plain.slots * 5 / 4 / test::ranks().size()));
}

BOOST_AUTO_TEST_CASE(a_run_goes_on_from_a_checkpoint_of_all) {
    auto const folder    = shared_folder();
    auto const whole_run = test::run_on<mt::fp32>(test::ranks(), {.sharing = sharded, .folder = folder});
    std::int64_t removed[] = {0};
    if (test::ranks().rank() == 0) removed[0] = std::filesystem::remove_all(folder + "/step-00000012") > 0;
    test::ranks().sum(mt::row_view<std::int64_t>{removed, 1});
    BOOST_TEST(removed[0] == 1);
    auto const again = test::run_on<mt::fp32>(test::ranks(), {.sharing = sharded, .folder = folder});  // from step 8
    BOOST_TEST(test::same_bits(again, whole_run));
    test::ranks().sum(mt::row_view<std::int64_t>{removed, 1});
    if (test::ranks().rank() == 0) std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_CASE(all_stop_when_one_is_asked_to_and_go_on) {
    auto const folder = shared_folder();
    auto const in_one_go = test::run_on<mt::fp32>(test::ranks(), {.sharing = sharded});
    auto const stopped   = test::run_on<mt::fp32>(test::ranks(), {.sharing = sharded, .folder = folder, .stops_after = 5});
    BOOST_TEST(stopped.norms.size() == 5);
    BOOST_TEST((same_everywhere(stopped.norms) && same_everywhere(stopped.weights)));
    BOOST_TEST(test::same_bits(test::run_on<mt::fp32>(test::ranks(), {.sharing = sharded, .folder = folder}), in_one_go));
    std::int64_t met[] = {1};
    test::ranks().sum(mt::row_view<std::int64_t>{met, 1});
    if (test::ranks().rank() == 0) std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_SUITE_END()
