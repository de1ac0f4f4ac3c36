#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/score_documents.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace scores_under_test {

struct store {
    std::vector<std::vector<std::int32_t>> all;
    std::size_t                            documents() const { return all.size(); }
    std::vector<std::int32_t> const&       document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
};

}  // namespace scores_under_test

using namespace scores_under_test;

BOOST_AUTO_TEST_SUITE(score_documents)

BOOST_AUTO_TEST_CASE(a_score_is_the_mean_loss_of_its_document_alone) {
    mt::host                                                                   device(1);
    mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::fp32> model(device, {});
    model.initialise(3);
    model.set_rotary(16, mt::rope{.base = 1e4, .length = 64});
    store const s{{{1, 2, 3}, {}, {7}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 9, 8}}};
    auto const  scores = mt::score_documents(model, s, 95, {.sequences = 2, .length = 16});
    BOOST_REQUIRE(scores.size() == 4u);
    BOOST_TEST(std::isnan(scores[1]));  // nothing but an end token, which is no target
    for (std::size_t d : {0u, 2u, 3u}) {
        auto text = s.all[d];
        text.push_back(95);
        text.resize(std::min<std::size_t>(text.size(), 17));
        auto const                n = static_cast<mt::index_t>(text.size()) - 1;
        test::owned_batch         b(1, n);
        std::vector<float>        loss(static_cast<std::size_t>(n));
        for (mt::index_t i = 0; i < n; ++i) b.inputs[static_cast<std::size_t>(i)] = text[static_cast<std::size_t>(i)], b.targets[static_cast<std::size_t>(i)] = text[static_cast<std::size_t>(i) + 1];
        model.evaluate(b.view(), {loss.data(), n});
        double mean = 0;
        for (float x : loss) mean += static_cast<double>(x) / static_cast<double>(n);
        BOOST_TEST(static_cast<double>(scores[d]) == mean, boost::test_tools::tolerance(1e-5));
    }
}

BOOST_AUTO_TEST_SUITE_END()
