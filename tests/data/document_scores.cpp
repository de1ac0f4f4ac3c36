#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>
#include <midtrain/data/any_tokens.hpp>
#include <midtrain/data/document_buckets.hpp>
#include <midtrain/data/document_scores.hpp>
#include <midtrain/mixture/by_length.hpp>
#include <midtrain/mixture/by_score.hpp>
#include "scratch_folder.hpp"

namespace mt = midtrain;

namespace {

constexpr float no_score = std::numeric_limits<float>::quiet_NaN();

struct scored {
    std::vector<int>    sizes;
    std::vector<double> scores;
    std::size_t         documents() const { return sizes.size(); }
    std::vector<int>    document(std::int64_t i) const { return std::vector<int>(static_cast<std::size_t>(sizes[static_cast<std::size_t>(i)])); }
    double              score(std::int64_t i) const { return scores[static_cast<std::size_t>(i)]; }
};
std::vector<std::uint32_t> of(mt::data::document_buckets const& b, std::size_t bucket) { return {b.of(bucket).begin(), b.of(bucket).end()}; }
using ids = std::vector<std::uint32_t>;

}  // namespace

BOOST_AUTO_TEST_SUITE(document_scores)

BOOST_AUTO_TEST_CASE(scores_are_read_as_they_were_written) {
    test::scratch_folder const folder;
    auto const                 path = folder.file("a.scores");
    std::vector<float> const   scores{1.5f, no_score, -2, 3e30f};
    mt::data::write_scores(path, scores, 77);
    mt::data::document_scores const read(path);
    BOOST_TEST((read.documents() == 4 && read.tokens() == 77 && read[0] == 1.5 && std::isnan(read[1]) && read[2] == -2));
    for (std::size_t at : {0u, 9u, 16u, 30u, 41u}) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(at));
        char const was = static_cast<char>(file.get());
        file.seekp(static_cast<std::streamoff>(at));
        file.put(static_cast<char>(was ^ 4)), file.flush();
        BOOST_CHECK_THROW(mt::data::document_scores{path}, mt::error);
        file.seekp(static_cast<std::streamoff>(at));
        file.put(was);
    }
    mt::data::document_scores const again(path);
    std::ofstream(path, std::ios::binary) << "short";
    BOOST_CHECK_THROW(mt::data::document_scores{path}, mt::error);
}
BOOST_AUTO_TEST_CASE(scores_of_other_tokens_are_refused) {
    test::scratch_folder const folder;
    auto const                 path = folder.file("a.tok");
    mt::data::token_file_writer writer(path, 100, 1);
    writer.add(std::vector<std::int32_t>{1, 2, 3}), writer.add(std::vector<std::int32_t>{4});
    writer.finish();
    auto tokens = mt::data::open_tokens(path);
    BOOST_CHECK_EXCEPTION(tokens.score(0), mt::error, [](auto const& e) { return std::string(e.what()).find("has no scores") != std::string::npos; });
    mt::data::write_scores(folder.file("b.scores"), std::vector<float>{1, 2, 3}, 4);
    BOOST_CHECK_EXCEPTION(tokens.score_with(mt::data::document_scores(folder.file("b.scores"))), mt::error,
                          [](auto const& e) { return std::string(e.what()).find("scores 3 documents of 4 tokens") != std::string::npos; });
    mt::data::write_scores(folder.file("a.scores"), std::vector<float>{1, 2}, 4);
    tokens.score_with(mt::data::document_scores(folder.file("a.scores")));
    BOOST_TEST(tokens.score(1) == 2);
}
BOOST_AUTO_TEST_CASE(buckets_have_equal_tokens_in_the_scores_order) {
    // Five documents of 9 tokens and an end token each; the one without a score is in no bucket.
    scored const                     s{{9, 9, 9, 9, 9}, {3, 1, no_score, 4, 2}};
    mt::data::document_buckets const b(s, mt::by_score{.grades = 2}, "s");
    BOOST_TEST((of(b, 0) == ids{1, 4} && of(b, 1) == ids{0, 3} && !b.all()));
    // A long document takes its stretch of quantiles: of 100 tokens 80 are the lowest one's.
    scored const                     uneven{{79, 9, 9}, {0, 1, 2}};
    mt::data::document_buckets const u(uneven, mt::by_score{.grades = 10}, "s");
    BOOST_TEST((of(u, 0) == ids{0} && of(u, 8) == ids{1} && of(u, 9) == ids{2} && of(u, 5).empty()));
    scored const equal{{9, 9, 9, 9}, {1, 1, 1, 1}};
    BOOST_TEST((of(mt::data::document_buckets(equal, mt::by_score{.grades = 4}, "s"), 2) == ids{2}));
}
BOOST_AUTO_TEST_CASE(lengths_fall_into_their_buckets_and_short_ones_out) {
    scored const                     s{{5, 100, 20, 19, 4}, {}};
    mt::data::document_buckets const b(s, mt::by_length{.from = {5, 20}, .shares = {.5, .5}}, "s");
    BOOST_TEST((of(b, 0) == ids{0, 3} && of(b, 1) == ids{1, 2}));
}

BOOST_AUTO_TEST_SUITE_END()
