#include <boost/test/unit_test.hpp>
#include <tuple>
#include <vector>
#include <midtrain/exec/host/stream_zeros.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(stream_zeros)

using types = std::tuple<float, double>;

/// From any place on, any number of them, and nothing beside.
BOOST_AUTO_TEST_CASE_TEMPLATE(zeroes_what_it_is_given_and_no_more, T, types) {
    for (mt::index_t first = 0; first < 20; ++first)
        for (mt::index_t n : {0, 1, 5, 16, 31, 64, 99}) {
            std::vector<T> v(128, T(1));
            mt::detail::stream_zeros(v.data() + first, n);
            mt::index_t wrong = 0;
            for (mt::index_t i = 0; i < 128; ++i) wrong += v[static_cast<std::size_t>(i)] != (i >= first && i < first + n ? T(0) : T(1));
            BOOST_TEST(wrong == 0);
        }
}

BOOST_AUTO_TEST_SUITE_END()
