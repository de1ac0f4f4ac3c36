#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>
#include <unistd.h>
#include <midtrain/midtrain.hpp>
#include <support/devices.hpp>
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
std::vector<double> train(Device& device, std::string const& folder) {
    mt::self      ranks;
    model<Device> m(device, {});
    m.initialise(1);
    mt::trainer trainer(ranks, m, recipe, mt::checkpoints(mt::checkpoints::options{.folder = folder, .every_steps = 1, .keep = 8}));
    trainer.run(sources<counting_documents>{.slow{1}, .fast{3}});
    return trainer.state().record;
}

/// A folder for checkpoints that goes with this.
struct run_folder {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("midtrain-far-" + std::to_string(getpid()));

    run_folder() { std::filesystem::remove_all(path); }
    ~run_folder() { std::filesystem::remove_all(path); }
    void forget_last_three() const {
        for (int n = 4; n <= 6; ++n) std::filesystem::remove_all(path / ("step-0000000" + std::to_string(n)));
    }
};

/// Other orders of sums, in double.
void are_near(std::vector<double> const& a, std::vector<double> const& b) {
    BOOST_REQUIRE((a.size() == 6 * 3 && b.size() == a.size()));
    for (std::size_t i = 0; i < a.size(); ++i) BOOST_REQUIRE_SMALL(a[i] - b[i], 1e-9);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(far, *boost::unit_test::precondition(test::has_devices))

// The trainer, its steps and its checkpoints where the host reads nothing; halfway, another model takes over.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_run_goes_on_in_another_model, Device, test::far_devices) {
    run_folder const folder;
    mt::host         host(1);
    Device           first, second;
    auto const       near = train(host, ""), whole = train(first, folder.path.string());
    are_near(near, whole);
    folder.forget_last_three();
    BOOST_TEST((train(second, folder.path.string()) == whole));
}
// A checkpoint does not know who made it.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_run_of_the_host_goes_on_there_and_back, Device, test::far_devices) {
    run_folder const folder;
    mt::host         host(1);
    Device           device;
    auto const       whole = train(host, folder.path.string());
    folder.forget_last_three();
    are_near(train(device, folder.path.string()), whole);
    folder.forget_last_three();
    BOOST_TEST((train(host, folder.path.string()) == whole));  // the first three steps were the host's
}

BOOST_AUTO_TEST_SUITE_END()
