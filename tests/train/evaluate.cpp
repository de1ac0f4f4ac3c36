#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/evaluate.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

using model_type = mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::fp32>;

constexpr std::int32_t end_token = 95;

struct store {
    std::vector<std::vector<std::int32_t>> all;
    std::size_t                      documents() const { return all.size(); }
    std::span<std::int32_t const>    document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
};

/// Documents of 0 to 40 tokens.
store some_documents() {
    store s;
    for (std::uint64_t d = 0; d < 23; ++d) {
        s.all.emplace_back();
        for (std::uint64_t i = 0; i < (d == 0 ? 0 : mt::mix_bits(d) % 41); ++i)
            s.all.back().push_back(static_cast<std::int32_t>(mt::mix_bits(100 * d + i) % 95));
    }
    return s;
}

struct evaluated {
    mt::host   device{2};
    model_type model{device, {}};
    evaluated() {
        model.initialise(1);
        model.set_rotary(64, test::plain_rope);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(evaluate)

BOOST_AUTO_TEST_CASE(a_document_loses_the_same_in_any_pack) {
    evaluated  e;
    auto const s      = some_documents();
    auto const packed = mt::evaluate_documents(e.model, s, end_token, {.sequences = 3, .length = 64});
    auto const wide   = mt::evaluate_documents(e.model, s, end_token, {.sequences = 8, .length = 48});
    BOOST_TEST_REQUIRE(packed.size() == s.all.size());
    for (std::size_t d = 0; d < s.all.size(); ++d) {
        store const alone{{s.all[d]}};
        auto const  one = mt::evaluate_documents(e.model, alone, end_token, {.sequences = 1, .length = 64});
        BOOST_TEST_REQUIRE(one.size() == 1u);
        BOOST_TEST(one[0].targets == static_cast<std::int64_t>(s.all[d].size()));
        for (auto const& other : {packed[d], wide[d]}) {
            BOOST_TEST(other.targets == one[0].targets);
            // The order of sums in attention depends on where a document lies in its sequence: float rounding.
            BOOST_TEST(std::abs(other.loss - one[0].loss) <= 1e-5 * one[0].loss);
        }
    }
}
BOOST_AUTO_TEST_CASE(the_loss_is_that_of_the_logits) {
    evaluated   e;
    store const s{{{5, 17, 3, 60, 42}}};
    auto const  got = mt::evaluate_documents(e.model, s, end_token, {.sequences = 2, .length = 8});
    test::owned_batch b(1, 6);
    b.inputs = {5, 17, 3, 60, 42, end_token};
    std::vector<float> logits(6 * 96);
    e.model.logits(b.view(), mt::as_matrix(logits.data(), 6, 96));
    double expected = 0;
    for (std::size_t t = 0; t < 5; ++t) {
        double sum = 0;
        for (std::size_t v = 0; v < 96; ++v) sum += std::exp(static_cast<double>(logits[96 * t + v]));
        expected += std::log(sum) - static_cast<double>(logits[96 * t + static_cast<std::size_t>(b.inputs[t + 1])]);
    }
    BOOST_TEST(got[0].targets == 5);
    BOOST_TEST(std::abs(got[0].loss - expected) < 1e-5 * expected);  // one softmax in float, one in double
}
BOOST_AUTO_TEST_CASE(long_documents_are_cut_and_bytes_are_those_of_the_targets) {
    evaluated   e;
    store const s{{{1, 2, 3, 4, 5, 6, 7, 8}, {9, 10}, {}}};
    auto const  bytes = [](std::span<std::int32_t const> t) {
        std::int64_t n = 0;
        for (auto x : t) n += 100 + x;
        return n;
    };
    auto const got = mt::evaluate_documents(e.model, s, end_token, {.max_tokens = 4, .sequences = 1, .length = 16}, bytes);
    BOOST_TEST_REQUIRE(got.size() == 3u);
    BOOST_TEST(got[0].targets == 3);
    BOOST_TEST(got[0].bytes == 102 + 103 + 104);
    BOOST_TEST(got[1].targets == 2);
    BOOST_TEST(got[1].bytes == 110);  // the end token is a target, but no text
    BOOST_TEST((got[2] == mt::document_loss{}));
    BOOST_TEST(std::abs(mt::mean_loss(got) - (got[0].loss + got[1].loss) / 5) < 1e-14);
    auto const first = mt::evaluate_documents(e.model, s, end_token, {.documents = 1, .max_tokens = 4, .sequences = 1, .length = 16});
    BOOST_TEST(first.size() == 1u);
    BOOST_TEST(first[0].loss == got[0].loss, boost::test_tools::tolerance(1e-5));
    BOOST_TEST(first[0].bytes == 0);
    BOOST_CHECK_EXCEPTION(mt::evaluate_documents(e.model, s, end_token, {.max_tokens = 18, .length = 16}), mt::error,
                          [](mt::error const& x) { return std::string(x.what()).find("max_tokens is 18") != std::string::npos; });
}
BOOST_AUTO_TEST_CASE(what_a_loss_mask_leaves_out_is_no_target) {
    struct masked_document : std::vector<std::int32_t> {
        std::vector<bool> mask;
        bool counts(std::size_t i) const { return mask.empty() || mask[std::min(i, mask.size() - 1)]; }
    };
    struct masked_store {
        std::vector<masked_document> all;
        std::size_t            documents() const { return all.size(); }
        masked_document const& document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
    };
    evaluated    e;
    masked_store s{{{{5, 17, 3, 60, 42}, {true, false, true, true, false}}, {{9, 8, 7}, {true, false, false}}, {{1, 2, 3}, {}}}};
    auto const   bytes = [](std::span<std::int32_t const> t) {
        std::int64_t n = 0;
        for (auto x : t) n += 100 + x;
        return n;
    };
    std::vector<std::vector<double>> whole(3), judged(3);
    store const                      same{{s.all[0], s.all[1], s.all[2]}};
    mt::evaluate_options const       how{.sequences = 2, .length = 16};
    auto const keep = [](auto& to) { return [&](std::int64_t d, mt::index_t at, double loss) { to[static_cast<std::size_t>(d)].push_back(static_cast<double>(at)), to[static_cast<std::size_t>(d)].push_back(loss); }; };
    mt::visit_losses(e.model, same, end_token, how, keep(whole));
    BOOST_TEST(mt::visit_losses(e.model, s, end_token, how, keep(judged)) == 3);
    // Tokens 2 and 3 of the first document are targets at positions 1 and 2; the end token goes with the last one, which is none.
    std::vector<double> const wanted(whole[0].begin() + 2, whole[0].begin() + 6);
    BOOST_TEST_REQUIRE(judged[0].size() == 4u);
    for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(std::abs(judged[0][i] - wanted[i]) < 1e-5);  // another place in the batch: float rounding
    BOOST_TEST(judged[1].empty());
    BOOST_TEST(judged[2].size() == 6u);
    auto const got = mt::evaluate_documents(e.model, s, end_token, how, bytes);
    BOOST_TEST((got[0].targets == 2 && got[0].bytes == 103 + 160));
    BOOST_TEST((got[1] == mt::document_loss{}));
    BOOST_TEST((got[2].targets == 3 && got[2].bytes == 102 + 103));
    BOOST_TEST(mt::evaluate_positions(e.model, s, end_token, how)[0].targets == 1);
}
BOOST_AUTO_TEST_CASE(losses_by_position_are_the_same_losses) {
    evaluated  e;
    auto const s        = some_documents();
    auto const document = mt::evaluate_documents(e.model, s, end_token, {.sequences = 3, .length = 64});
    auto const position = mt::evaluate_positions(e.model, s, end_token, {.sequences = 3, .length = 64});
    double       a = 0, b = 0;
    std::int64_t n = 0, m = 0;
    for (auto const& d : document) a += d.loss, n += d.targets;
    for (auto const& p : position) b += p.loss * static_cast<double>(p.targets), m += p.targets;
    BOOST_TEST(n == m);
    BOOST_TEST(std::abs(a - b) < 1e-10 * a);
    BOOST_TEST_REQUIRE(position.size() >= 4u);
    BOOST_TEST(position[0].first == 0);
    BOOST_TEST(position[0].last == 0);
    BOOST_TEST(position[0].targets == 22);  // each document but the empty one, if it has a token
    BOOST_TEST(position[3].first == 4);
    BOOST_TEST(position[3].last == 7);
}

BOOST_AUTO_TEST_SUITE_END()
