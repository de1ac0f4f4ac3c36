#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/model/experts.hpp>
#include <laws/layer_law.hpp>
#include <support/devices.hpp>

namespace mt = midtrain;

namespace {

/// Ten columns, experts of three: nothing is a multiple of anything. What is chosen does not change within a step of the slope, since
/// scores lie further apart.
template <class Device>
std::string law_of(mt::expert_shape const& s) {
    Device               device;
    mt::parameter_layout layout;
    mt::model::experts   layer(layout, 1, "", s, 10, 0.1, 0.1);
    layout.close();
    return laws::layer(device, layout, laws::mapping<mt::model::experts>{layer}, 10);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(experts, *boost::unit_test::precondition(test::has_devices))

BOOST_AUTO_TEST_CASE_TEMPLATE(softmax_of_all, Device, test::devices) {
    BOOST_TEST(law_of<Device>({.count = 5, .chosen = 2, .ffn = 3}) == "");
}
BOOST_AUTO_TEST_CASE_TEMPLATE(softmax_renormalised_and_scaled, Device, test::devices) {
    BOOST_TEST(law_of<Device>({.count = 5, .chosen = 3, .ffn = 3, .renormalise = true, .scale = 2.5}) == "");
}
BOOST_AUTO_TEST_CASE_TEMPLATE(sigmoid_of_the_best_groups_and_a_shared_expert, Device, test::devices) {
    BOOST_TEST(law_of<Device>({.count = 6, .chosen = 3, .ffn = 3, .shared_ffn = 7, .scores = mt::router_scores::sigmoid, .renormalise = true,
                               .scale = 2.5, .grouping = mt::expert_groups::best, .groups = 3, .top_groups = 2}) == "");
}
BOOST_AUTO_TEST_CASE_TEMPLATE(one_of_each_group_with_learned_scales, Device, test::devices) {
    BOOST_TEST(law_of<Device>({.count = 6, .chosen = 2, .ffn = 3, .scaled = true, .grouping = mt::expert_groups::each, .groups = 2}) == "");
}
BOOST_AUTO_TEST_CASE_TEMPLATE(sigmoid_of_one, Device, test::devices) {
    BOOST_TEST(law_of<Device>({.count = 3, .chosen = 1, .ffn = 4, .scores = mt::router_scores::sigmoid}) == "");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_shared_expert_behind_a_gate, Device, test::devices) {
    BOOST_TEST(law_of<Device>({.count = 3, .chosen = 2, .ffn = 4, .shared_ffn = 5, .shared_gate = true}) == "");
}

BOOST_AUTO_TEST_SUITE_END()
