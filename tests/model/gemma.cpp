#include <boost/test/unit_test.hpp>
#include <midtrain/model/gemma.hpp>
#include <support/family_laws.hpp>

namespace mt = midtrain;

namespace {

struct capped : mt::model::gemma_shape {
    static constexpr int    layers = 1, width = 18, heads = 3, kv_heads = 1, head_size = 6, ffn = 12, vocab = 96, context = 64;
    static constexpr double deviation = 0.3, embedding_multiplier = 4.2, logits_cap = 2;
};
struct uncapped : capped {
    static constexpr double logits_cap = 0;
};
struct without_scores : capped {
    static constexpr double attention_cap = 0;
};

std::vector<double> logits_of(auto shape) {
    mt::host                                                              device(2);
    mt::trainable<mt::host, mt::model::gemma, decltype(shape), mt::fp64> m(device, shape);
    test::begin(m);
    std::vector<double> out(20 * 96);
    m.logits(test::owned_batch::random(1, 20, 96, 0).view(), mt::as_matrix(out.data(), 20, 96));
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gemma)

BOOST_AUTO_TEST_CASE(keeps_all_laws) { test::keeps_all_laws<mt::model::gemma>(mt::io::hf_model::gemma); }

/// Each logit is what stands there without a cap, bent.
BOOST_AUTO_TEST_CASE(last_logits_are_capped) {
    auto const plain = logits_of(uncapped{}), bent = logits_of(capped{});
    double     most = 0;
    for (std::size_t i = 0; i < plain.size(); ++i) {
        BOOST_REQUIRE(std::abs(bent[i] - 2 * std::tanh(plain[i] / 2)) < 1e-12);
        most = std::max(most, std::abs(plain[i]));
    }
    BOOST_TEST(most > 2);
}
BOOST_AUTO_TEST_CASE(a_cap_of_scores_is_above_zero) {
    mt::parameter_layout layout;
    BOOST_CHECK_THROW(mt::model::gemma::make(layout, without_scores{}), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
