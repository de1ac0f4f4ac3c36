#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/core/fields.hpp>
#include <midtrain/mixture/mixtures.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace fields_under_test {
template <class T>
struct sources {
    T web, code, maths;
};
struct twelve {
    int a, b, c, d, e, f, g, h, i, j, k, last;
};
struct sixteen {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, last;
};
struct none {};
}  // namespace fields_under_test

namespace {
template <class T>
struct hidden {
    T slow, fast;
};
}  // namespace

using namespace fields_under_test;

static_assert(mt::field_count<none> == 0 && mt::field_count<twelve> == 12 && mt::field_names<twelve>[11] == "last");
static_assert(mt::field_count<sixteen> == 16 && mt::field_names<sixteen>[15] == "last" && mt::field_names<sixteen>[12] == "m");
static_assert(mt::field_names<sources<double>>[2] == "maths" && mt::field_names<sources<std::string>>[0] == "web");
static_assert(mt::field_names<hidden<double>>[0] == "slow" && mt::field_names<sources<hidden<none>>>[1] == "code");
static_assert(mt::field_names<mt::wsd>[0] == "peak" && mt::field_names<mt::wsd>[2] == "warmup");
static_assert(mt::field_names<mt::annealed_mixture<sources>>[1] == "to");

BOOST_AUTO_TEST_SUITE(fields)

BOOST_AUTO_TEST_CASE(a_loop_sees_each_field_once_and_may_change_it) {
    sources<int> s{1, 2, 3};
    std::string  names;
    mt::for_each_field(s, [&](std::string_view name, int& x) {
        names += std::string(name) + " ";
        x *= 10;
    });
    BOOST_TEST(names == "web code maths ");
    BOOST_TEST((s.web == 10 && s.code == 20 && s.maths == 30));
}

BOOST_AUTO_TEST_SUITE_END()
