#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>
#include <midtrain/train/svg.hpp>
#include <support/xml.hpp>

namespace chart = midtrain::chart;

BOOST_AUTO_TEST_SUITE(svg)

BOOST_AUTO_TEST_CASE(ticks_are_one_two_or_five) {
    auto const ticks = [](double low, double high, int most) { return chart::axis{low, high, 0, 100, false}.ticks(most); };
    BOOST_TEST((ticks(0, 1, 5) == std::vector<double>{0, 0.2, 0.4, 0.2 * 3, 0.8, 1}));
    BOOST_TEST((ticks(0, 23e6, 8) == std::vector<double>{0, 5e6, 10e6, 15e6, 20e6}));
    BOOST_TEST((ticks(-3, 3, 3) == std::vector<double>{-2, 0, 2}));
    BOOST_TEST(!std::signbit(ticks(-0.06, 1, 5).front()));
    for (double high : {1e-7, 0.013, 2.5, 99.0, 1e12})
        for (double low : {0.0, 0.3 * high, 0.99 * high})
            for (int most = 1; most < 12; ++most) {
                chart::axis const a{low, high, 0, 100, false};
                double const      mantissa = a.step(most) / std::pow(10, std::floor(std::log10(a.step(most)) + 1e-9));
                BOOST_TEST((std::abs(mantissa - 1) < 1e-9 || std::abs(mantissa - 2) < 1e-9 || std::abs(mantissa - 5) < 1e-9));
                BOOST_TEST((high - low) / a.step(most) <= most * (1 + 1e-9));
                BOOST_TEST((high - low) / a.step(most) * 2.5 > most * (1 - 1e-9));  // the next finer step would be too many
            }
}
BOOST_AUTO_TEST_CASE(decimals_tell_ticks_apart) {
    auto const decimals = [](double low, double high) { return chart::axis{low, high, 0, 1, false}.decimals(5); };
    BOOST_TEST(decimals(0, 5) == 0);
    BOOST_TEST(decimals(0, 1) == 1);
    BOOST_TEST(decimals(2.31, 2.36) == 2);
    BOOST_TEST(decimals(2.310, 2.313) == 3);
}
BOOST_AUTO_TEST_CASE(powers_of_two_are_evenly_apart) {
    chart::axis const a{16, 16'384, 0, 100, true};
    BOOST_TEST(a.ticks(0).size() == 11u);
    BOOST_TEST(std::abs(a(512) - 50) < 1e-9);
    chart::axis const up{0, 10, 200, 100, false};
    BOOST_TEST(up(2.5) == 175);
}
BOOST_AUTO_TEST_CASE(labels_keep_apart_and_in_order) {
    auto const y = chart::spread({50, 51, 49, 198, 199, 10}, 15, 6, 196);
    BOOST_TEST((y == std::vector<double>{64, 79, 49, 181, 196, 10}));
}
BOOST_AUTO_TEST_CASE(text_is_escaped_and_cut_at_characters) {
    BOOST_TEST(chart::escaped("a<b & \"c\">\x01") == "a&lt;b &amp; &quot;c&quot;&gt;");
    BOOST_TEST(chart::fitted("short", 10, 100) == "short");
    BOOST_TEST(chart::fitted("dictionaries", 10, 40) == "dictio\u2026");
    BOOST_TEST(chart::fitted("\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc", 10, 24) == "\u00e4\u00f6\u00fc\u2026");
    BOOST_TEST(chart::fitted("long", 10, 3).empty());
}
BOOST_AUTO_TEST_CASE(a_drawing_is_xml) {
    chart::svg to(100, 50, "a & b");
    to.text({1.25, -0.01}, "<tag>", 11);
    to.polyline({{0, 0}, {10.04, 5}}, chart::svg::stroke(chart::look_of(9), 1.5));
    to.circle({3, 4}, 2, "fill=\"#000000\"");
    auto const text = to.finish();
    BOOST_TEST(test::xml_fault(text) == "");
    BOOST_TEST(test::count(text, "points=\"0,0 10,5\"") == 1u);
    BOOST_TEST(test::count(text, "y=\"0\" font-size") == 1u);
    BOOST_TEST(test::count(text, "stroke-dasharray=\"6 3\"") == 1u);
    BOOST_TEST(test::xml_fault("<a><b></a>") != "");
    BOOST_TEST(test::xml_fault("<a>&</a>") != "");
}

BOOST_AUTO_TEST_SUITE_END()
