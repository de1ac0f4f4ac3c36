#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/rotary_table.hpp>
#include <midtrain/position/xpos.hpp>

namespace mt = midtrain;

namespace {

std::vector<double> numbers(mt::io::json const& of, char const* key) {
    std::vector<double> v;
    for (auto const& x : *of.find(key)->as<mt::io::json::array>()) v.push_back(*x.as<double>());
    return v;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(xpos)

/// torchscale pairs neighbours, and computes angles and powers in fp32: at most 33 radians, 2^-24 of them each.
BOOST_AUTO_TEST_CASE(turns_as_its_authors_code) {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/xpos.json");
    auto const all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    for (auto const& c : *all.find("cases")->as<mt::io::json::array>()) {
        auto const size = static_cast<mt::index_t>(*c.find("size")->as<double>()), length = static_cast<mt::index_t>(*c.find("length")->as<double>());
        mt::xpos const policy{.base = 1e4, .length = length, .scale_base = *c.find("scale_base")->as<double>()};
        BOOST_TEST((policy.fault(size) == mt::position_fault::none));
        auto const x = numbers(c, "x");
        for (auto what : {mt::turned::queries, mt::turned::keys}) {
            auto const          wanted = numbers(c, what == mt::turned::queries ? "query" : "key");
            std::vector<double> cosine(length * size / 2), sine(cosine.size());
            mt::fill_rotary(policy, length, size, cosine.data(), sine.data(), what);
            double worst = 0, largest = 0;
            for (std::size_t i = 0; i < cosine.size(); ++i) {
                double const u = x[2 * i], v = x[2 * i + 1];
                worst   = std::max({worst, std::abs(u * cosine[i] - v * sine[i] - wanted[2 * i]), std::abs(v * cosine[i] + u * sine[i] - wanted[2 * i + 1])});
                largest = std::max(largest, std::abs(wanted[2 * i]));
            }
            BOOST_TEST(worst < 4e-6 * largest);
        }
    }
}
BOOST_AUTO_TEST_CASE(a_score_decays_with_the_distance_alone) {
    mt::xpos const      policy{.base = 1e4, .length = 4096};
    mt::index_t const   half = 8;
    std::vector<double> qc(4096 * half), qs(qc.size()), kc(qc.size()), ks(qc.size());
    mt::fill_rotary(policy, 4096, 2 * half, qc.data(), qs.data());
    mt::fill_rotary(policy, 4096, 2 * half, kc.data(), ks.data(), mt::turned::keys);
    auto const size = [&](mt::index_t query, mt::index_t key, mt::index_t pair) {
        auto const q = query * half + pair, k = key * half + pair;
        return std::hypot(qc[q], qs[q]) * std::hypot(kc[k], ks[k]);
    };
    for (mt::index_t pair : {0, 3, 7}) {
        double const zeta = (static_cast<double>(pair) / 8 + 0.4) / 1.4;
        for (mt::index_t query : {512, 2000, 4095})
            for (mt::index_t back : {0, 1, 512}) BOOST_TEST(std::abs(size(query, query - back, pair) / std::pow(zeta, static_cast<double>(back) / 512) - 1) < 1e-12);
    }
}
BOOST_AUTO_TEST_CASE(what_would_leave_the_range_of_a_float_is_a_fault) {
    static_assert(mt::PositionScalingPolicy<mt::xpos> && mt::grows(mt::xpos{.base = 1e4, .length = 64}) && !mt::grows(mt::rope{.base = 1e4, .length = 64}));
    static_assert(mt::xpos{.base = 1e4, .length = 32'640}.fault(64) == mt::position_fault::none);  // 31.9 times ln 3.5
    static_assert(mt::xpos{.base = 1e4, .length = 32'768}.fault(64) == mt::position_fault::decay);
    static_assert(mt::xpos{.base = 1e4, .length = 131'072}.fault(64) == mt::position_fault::decay);
    static_assert(mt::xpos{.base = 1e4, .length = 131'072, .scale_base = 4096}.fault(64) == mt::position_fault::none);
    static_assert(mt::xpos{.base = 1e4, .length = 1024, .scale_base = 0}.fault(64) == mt::position_fault::factor);
}

BOOST_AUTO_TEST_SUITE_END()
