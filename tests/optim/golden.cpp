#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/optim/adafactor.hpp>
#include <midtrain/optim/careful.hpp>
#include <midtrain/optim/lion.hpp>
#include <midtrain/optim/muon.hpp>
#include <midtrain/optim/rmsprop.hpp>
#include <support/some_tensors.hpp>

// Against torch, transformers, lion-pytorch and pytorch-optimizer: see tests/oracle/optimizers.py.
namespace mt = midtrain;

namespace {

struct golden {
    mt::io::mapped_file const file{MIDTRAIN_SOURCE_DIR "/tests/golden/optimizers.json"};
    mt::io::json const all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());

    std::vector<double> weights(char const* run, std::string const& tensor) const {
        std::vector<double> w;
        for (auto const& x : *all.find(run)->find(tensor)->as<mt::io::json::array>()) w.push_back(*x.as<double>());
        return w;
    }
};

/// The largest distance of any weight after 24 steps, over the largest way that a weight went.
template <class Precision, class Device, class Optimizer>
double apart(Device&& device, char const* run, Optimizer const& optimizer, double rate = 1e-2) {
    static golden const                                                             g;
    test::some_tensors<std::remove_cvref_t<Device>, Optimizer, Precision>           got(device, optimizer);
    test::some_tensors<std::remove_cvref_t<Device>, Optimizer, Precision> const     began(device, optimizer);
    double                                                                          worst = 0, way = 0;
    for (int n = 1; n <= 24; ++n) got.step(n, rate);
    for (char const* tensor : {"tall", "wide", "odd", "table", "vector"}) {
        auto const want = g.weights(run, tensor), is = got.weights(tensor), was = began.weights(tensor);
        BOOST_REQUIRE(want.size() == is.size());
        for (std::size_t i = 0; i < is.size(); ++i) {
            worst = std::max(worst, std::abs(is[i] - want[i]));
            way   = std::max(way, std::abs(want[i] - was[i]));
        }
    }
    BOOST_TEST_MESSAGE(run << " " << worst / way);
    return worst / way;
}

/// Both devices in double: sums of at most a hundred terms in another order and some ten roundings a step; seen: at most 5e-15.
template <class Optimizer>
void equals(char const* run, Optimizer const& optimizer, double rate = 1e-2) {
    BOOST_TEST(apart<mt::fp64>(mt::host(2), run, optimizer, rate) < 1e-13, run);
    BOOST_TEST(apart<mt::fp64>(mt::crowd(4), run, optimizer, rate) < 1e-13, run);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(optimizers_against_their_published_form)

BOOST_AUTO_TEST_CASE(muon_as_jordan_scales_it) {
    equals("muon_spectral", mt::muon{.scale = mt::muon_scale::spectral, .rest = {.decay = 0.1}});
}
BOOST_AUTO_TEST_CASE(muon_as_moonshot_scales_it) {
    equals("muon_like_adamw", mt::muon{.momentum = 0.9, .nesterov = false, .decay = 0.2, .rest = {.decay = 0.1}});
}
BOOST_AUTO_TEST_CASE(muon_in_less_precision) {
    // In float the same but for 24 bits; with products in bfloat16 orthogonal directions are some percent off, as in the published form.
    mt::muon const o{.scale = mt::muon_scale::spectral, .rest = {.decay = 0.1}};
    BOOST_TEST(apart<mt::fp32>(mt::host(2), "muon_spectral", o) < 2e-5);
    double const rough = apart<mt::bf16_mixed>(mt::host(2), "muon_spectral", o);
    BOOST_TEST((rough > 1e-4 && rough < 3e-2), rough);
}
BOOST_AUTO_TEST_CASE(adafactor) {
    equals("adafactor", mt::adafactor{});
    equals("adafactor_momentum", mt::adafactor{.beta1 = 0.9, .fall = 0.7, .clip = 0.5, .relative = false, .by_size = false});
    equals("adafactor_decay", mt::adafactor{.decay = 0.1}, 0.25);
}
BOOST_AUTO_TEST_CASE(rmsprop) {
    equals("rmsprop", mt::rmsprop{.beta = 0.99, .epsilon = 1e-8, .epsilon_in_square = 0, .corrected = false, .clip = 0,
                                  .form = mt::momentum_form::sum});
    equals("rmsprop_apple", mt::rmsprop{.decay = 0.1, .clip = 0.5});
}
BOOST_AUTO_TEST_CASE(lion) {
    equals("lion", mt::lion{.decay = 0.5});
    equals("lion_cautious", mt::careful<mt::lion>{.of = {.decay = 0.5}, .mask = true});
}
BOOST_AUTO_TEST_CASE(careful_adamw) {
    equals("adamw_cautious", mt::careful<mt::adamw>{.mask = true});
    equals("adamw_decay_along", mt::careful<mt::adamw>{.of = {.decay = 0.5}, .decay_along = true});
    equals("adamw_clipped", mt::careful<mt::adamw>{.clip = 0.4});
}

BOOST_AUTO_TEST_SUITE_END()
