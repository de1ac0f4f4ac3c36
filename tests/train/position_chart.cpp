#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/position_chart.hpp>
#include <support/xml.hpp>

namespace mt = midtrain;

namespace {

std::vector<mt::position_curve> some_curves() {
    std::vector<mt::position_curve> all;
    for (auto name : {"books", "code & more"})
        for (auto variant : {"before", "after"}) {
            mt::position_curve c{name, variant, {}};
            for (int k = 0; k <= 13; ++k)
                c.loss.push_back({k > 0 ? mt::index_t{1} << (k - 1) : 0, (mt::index_t{1} << k) - 1, 8.0 / (k + 1) + (variant[0] == 'b' ? .1 : 0), 9});
            all.push_back(c);
        }
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(position_chart)

BOOST_AUTO_TEST_CASE(curves_of_a_name_share_a_colour_and_variants_their_dashes) {
    auto const svg = mt::draw_position_chart(some_curves(), {.marks = {{4096, "trained"}, {1e6, "beyond"}}});
    BOOST_TEST(test::xml_fault(svg) == "");
    BOOST_TEST(test::count(svg, "<polyline") == 4u);
    BOOST_TEST(test::count(svg, "nan") == 0u);
    for (auto good : {">books<", ">code &amp; more<", ">before<", ">after<", ">trained<", ">16<", ">4k<", ">8k<"})
        BOOST_TEST_CONTEXT(good) BOOST_TEST(test::count(svg, good) == 1u);
    BOOST_TEST(test::count(svg, ">beyond<") == 0u);
    BOOST_TEST(test::count(svg, ">1<") == 0u);  // begins at 16
    auto const dashed = "stroke-width=\"1.8\" stroke-linejoin=\"round\" stroke-dasharray=\"6 4\"";
    BOOST_TEST(test::count(svg, std::string("stroke=\"#0072B2\" ") + dashed) == 1u);
    BOOST_TEST(test::count(svg, std::string("stroke=\"#E69F00\" ") + dashed) == 1u);
    BOOST_TEST(test::count(svg, "stroke=\"#0072B2\" stroke-width=\"1.8\" stroke-linejoin=\"round\" data-name") == 1u);
}
BOOST_AUTO_TEST_CASE(the_scale_may_begin_at_the_first_token) {
    auto const svg = mt::draw_position_chart(some_curves(), {.marks = {}, .from = 1});
    BOOST_TEST(test::count(svg, ">1<") == 1u);
    BOOST_TEST(test::count(svg, "points=\"66,") == 4u);  // each curve begins at the left edge
}
BOOST_AUTO_TEST_CASE(without_a_point_there_is_no_chart) {
    BOOST_CHECK_THROW(mt::draw_position_chart({}), mt::error);
    BOOST_CHECK_THROW(mt::draw_position_chart({{"books", "before", {{0, 0, 5, 1}}}}), mt::error);
    BOOST_CHECK_THROW(mt::draw_position_chart(some_curves(), {.marks = {}, .from = 0}), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
