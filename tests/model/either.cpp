#include <boost/test/unit_test.hpp>
#include <vector>
#include <midtrain/model/either.hpp>

namespace mt = midtrain;

namespace {

/// What a layer is to either: it saves in forward and takes in backward.
struct saving_pass {
    std::vector<double> saved;
};
template <int factor>
struct times {
    double forward(saving_pass& p, double x) const {
        p.saved.push_back(x);
        return factor * x;
    }
    double backward(saving_pass& p, double dy) const {
        p.saved.pop_back();
        return factor * dy;
    }
};
/// A block, whose backward changes what it is given.
template <int factor>
struct in_place {
    double forward(saving_pass&, double x) const { return factor * x; }
    void   backward(saving_pass&, double* d) const { *d *= factor; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(either)

BOOST_AUTO_TEST_CASE(asks_the_one_it_holds) {
    using layer = mt::model::either<times<2>, mt::model::either<times<3>, times<5>>>;
    std::vector<layer> const layers{times<2>{}, layer{mt::model::either<times<3>, times<5>>{times<3>{}}},
                                    layer{mt::model::either<times<3>, times<5>>{times<5>{}}}};
    saving_pass p;
    double      x = 1, d = 1;
    for (auto const& l : layers) x = l.forward(p, x);
    BOOST_TEST(x == 30);
    BOOST_TEST(p.saved == (std::vector<double>{1, 2, 6}), boost::test_tools::per_element());
    for (auto l = layers.rbegin(); l != layers.rend(); ++l) d = l->backward(p, d);
    BOOST_TEST(d == 30);
    BOOST_TEST(p.saved.empty());
    BOOST_TEST(layers[0].is_first());
    BOOST_TEST(!layers[1].is_first());
}

BOOST_AUTO_TEST_CASE(backward_may_work_in_place) {
    mt::model::either<in_place<2>, in_place<3>> const layer(in_place<3>{});
    saving_pass                                       p;
    double                                            d = 2;
    layer.backward(p, &d);
    BOOST_TEST(d == 6);
    BOOST_TEST(layer.forward(p, 1.0) == 3);
}

BOOST_AUTO_TEST_SUITE_END()
