#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>
#include <unistd.h>
#include <midtrain/midtrain.hpp>
#include <support/far_device.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

struct counting_documents {
    int                       stride;
    std::size_t               documents() const { return 40; }
    std::vector<std::int32_t> document(std::int64_t d) const {
        std::vector<std::int32_t> v;
        for (int i = 0; i < 25; ++i) v.push_back(static_cast<std::int32_t>((7 * d + stride * i) % 90));
        return v;
    }
};

template <class T>
struct sources {
    T slow, fast;
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "only",
                                                        .budget   = mt::tokens{6 * 4 * 32},
                                                        .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                                        .rate     = mt::linear{.from = 3e-3, .to = 0},
                                                        .batch    = {.sequences = 4, .length = 32, .micro = 2},
                                                        .position = mt::rope{.base = 1e4, .length = 64}}}};
}, test::small_shape{});

template <class Device>
using model = mt::trainable<Device, mt::model::llama, test::small_shape, mt::fp64>;

/// Trains from where the folder stands to the end; losses step by step.
template <class Device>
std::vector<double> train(model<Device>& m, std::string const& folder) {
    mt::self ranks;
    m.initialise(1);
    mt::trainer trainer(ranks, m, recipe, mt::checkpoints(mt::checkpoints::options{.folder = folder, .every_steps = 1, .keep = 8}));
    trainer.run(sources<counting_documents>{.slow{1}, .fast{3}});
    return trainer.state().record;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(far)

// The trainer, its steps and its checkpoints on a device whose memory the host cannot read; halfway, another model takes over.
BOOST_AUTO_TEST_CASE(a_run_and_its_checkpoints_where_the_host_reads_nothing) {
    namespace fs      = std::filesystem;
    auto const folder = fs::temp_directory_path() / ("midtrain-far-" + std::to_string(getpid()));
    mt::host   host(1);
    test::far_device        first, second;
    model<mt::host>         a(host, {});
    model<test::far_device> b(first, {}), c(second, {});
    auto const near = train(a, ""), whole = train(b, folder.string());
    for (int n = 4; n <= 6; ++n) fs::remove_all(folder / ("step-0000000" + std::to_string(n)));
    auto const resumed = train(c, folder.string());
    fs::remove_all(folder);
    BOOST_REQUIRE(near.size() == whole.size());
    BOOST_REQUIRE(near.size() == 6 * 3);
    for (std::size_t i = 0; i < near.size(); ++i) BOOST_REQUIRE_SMALL(near[i] - whole[i], 1e-9);  // other orders of sums, in double
    BOOST_TEST((resumed == whole));
}

BOOST_AUTO_TEST_SUITE_END()
