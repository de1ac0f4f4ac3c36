#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/train/distance_text.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(distance_text)

BOOST_AUTO_TEST_CASE(each_kind_is_read) {
    BOOST_TEST(!mt::read_distance("plain").changes());
    auto const dual = mt::read_distance("dual_chunk,chunk=12,local=4"), self = mt::read_distance("self_extend,window=8,group=2");
    mt::dual_chunk const  d{.chunk = 12, .local = 4};
    mt::self_extend const s{.group = 2, .window = 8};
    for (mt::index_t t = 0; t < 40; ++t) {
        BOOST_TEST(mt::distance_of(dual, 40, t) == mt::distance_of(d, 40, t));
        BOOST_TEST(mt::distance_of(self, 40, t) == mt::distance_of(s, 40, t));
    }
}
BOOST_AUTO_TEST_CASE(what_is_not_understood_is_said) {
    auto const says = [](char const* text, std::string const& part) {
        try {
            mt::read_distance(text);
        } catch (mt::error const& e) {
            return std::string(e.what()).find(part) != std::string::npos;
        }
        return false;
    };
    BOOST_TEST(says("sparse", "'sparse' is none of plain, dual_chunk and self_extend"));
    for (char const* text : {"dual_chunk", "dual_chunk,chunk=12", "dual_chunk,chunk=12,local=x", "dual_chunk,chunk=12,window=4", "dual_chunk,chunk,local=4"})
        BOOST_TEST(says(text, "'dual_chunk' is written dual_chunk,chunk=N,local=N"), text);
    BOOST_TEST(says("self_extend,group=8,window=4", "window >= group"));
}

BOOST_AUTO_TEST_SUITE_END()
