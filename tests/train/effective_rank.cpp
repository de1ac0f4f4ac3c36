#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/train/effective_rank.hpp>
#include <support/choice_model.hpp>

namespace mt = midtrain;

namespace {

mt::io::json golden() {
    std::string const         path = MIDTRAIN_SOURCE_DIR "/tests/golden/spectra.json";
    mt::io::mapped_file const file(path);
    return mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
}
std::vector<double> numbers(mt::io::json const& of, char const* key) {
    std::vector<double> v;
    for (auto const& x : *of.find(key)->as<mt::io::json::array>()) v.push_back(*x.as<double>());
    return v;
}
double member(mt::io::json const& of, char const* key) { return *of.find(key)->as<double>(); }

struct store {
    std::vector<std::vector<std::int32_t>> all;
    std::int64_t                     documents() const { return static_cast<std::int64_t>(all.size()); }
    std::vector<std::int32_t> const& document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(effective_rank)

BOOST_AUTO_TEST_CASE(eigenvalues_are_numpys) {
    auto const all = golden();
    int        seen = 0;
    for (auto const& c : *all.find("symmetric")->as<mt::io::json::array>()) {
        auto const n = static_cast<std::size_t>(member(c, "n"));
        auto const got = mt::symmetric_eigenvalues(numbers(c, "matrix"), n), want = numbers(c, "eigenvalues");
        BOOST_TEST_REQUIRE(got.size() == n);
        double largest = 0, worst = 0;
        for (double x : want) largest = std::max(largest, std::abs(x));
        for (std::size_t i = 0; i < n; ++i) worst = std::max(worst, std::abs(got[i] - want[i]));
        BOOST_TEST(worst <= 4e-16 * static_cast<double>(n + 2) * largest, *c.find("kind")->as<std::string>() << " " << n << ": " << worst / largest);
        ++seen;
    }
    BOOST_TEST(seen == 9);
}
BOOST_AUTO_TEST_CASE(a_large_matrix_keeps_its_trace_and_its_square) {
    std::size_t const   n = 200;
    std::vector<double> a(n * n);
    double              trace = 0, square = 0;
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) a[i * n + j] = a[j * n + i] = std::sin(static_cast<double>(3 * i * i + 7 * j));
    for (std::size_t i = 0; i < n; ++i) trace += a[i * n + i];
    for (double x : a) square += x * x;
    double t = 0, s = 0;
    for (double l : mt::symmetric_eigenvalues(a, n)) t += l, s += l * l;
    BOOST_TEST(std::abs(t - trace) < 1e-10);
    BOOST_TEST(std::abs(s / square - 1) < 1e-12);
}
BOOST_AUTO_TEST_CASE(degenerate_matrices_settle_and_impossible_ones_are_refused) {
    for (double l : mt::symmetric_eigenvalues(std::vector<double>(49, 0.0), 7)) BOOST_TEST(l == 0);
    auto const ones = mt::symmetric_eigenvalues(std::vector<double>(49, 1.0), 7);
    BOOST_TEST(std::abs(ones.back() - 7) < 1e-14);
    BOOST_TEST(std::abs(ones.front()) < 1e-14);
    BOOST_TEST(mt::symmetric_eigenvalues({}, 0).empty());
    BOOST_CHECK_THROW(mt::symmetric_eigenvalues({1, 2}, 2), mt::error);
    BOOST_CHECK_THROW(mt::symmetric_eigenvalues({std::nan("")}, 1), mt::error);
}
BOOST_AUTO_TEST_CASE(ranks_and_entropies_are_numpys_and_scipys) {
    auto const all = golden();
    for (auto const& c : *all.find("rows")->as<mt::io::json::array>()) {
        auto const rows  = numbers(c, "rows");
        auto const count = static_cast<std::size_t>(member(c, "count")), width = static_cast<std::size_t>(member(c, "width"));
        auto const r     = mt::rank_of(std::span<double const>(rows), count, width);
        // A zero singular value comes out as the root of a rounding error, some 1e-8 of the largest.
        BOOST_TEST(std::abs(r.effective_rank / member(c, "effective_rank") - 1) < 1e-6);
        BOOST_TEST(std::abs(r.entropy - member(c, "entropy")) < 1e-12);
        BOOST_TEST(std::abs(mt::spectral_entropy(mt::covariance_spectrum(std::span<double const>(rows), count, width), 2) - member(c, "renyi_2")) < 1e-12);
    }
}
BOOST_AUTO_TEST_CASE(equal_directions_count_each_and_a_single_one_counts_one) {
    BOOST_TEST(std::abs(std::exp(mt::spectral_entropy(std::vector<double>(17, 0.3))) - 17) < 1e-12);
    BOOST_TEST(mt::spectral_entropy(std::vector<double>{0, 0, 5, 0}) == 0);
    BOOST_TEST(mt::spectral_entropy(std::vector<double>{0, 0}) == 0);
    std::vector<double> line;
    for (int i = 0; i < 10; ++i) line.insert(line.end(), {1.0 * i, 2.0 * i + 1, -3.0 * i});
    BOOST_TEST(std::abs(mt::rank_of(std::span<double const>(line), 10, 3).effective_rank - 1) < 1e-5);
}
BOOST_AUTO_TEST_CASE(a_models_layers_are_looked_at_as_the_model_sees_them_and_it_stays_as_it_is) {
    test::choice_model m;
    store              web, code;
    for (int d = 0; d < 6; ++d) {
        web.all.push_back(m.tokenizer.encode("the quick brown fox number " + std::to_string(d) + " jumps over the lazy dog"));
        code.all.push_back(m.tokenizer.encode("int main() { return " + std::to_string(100 * d) + "; }"));
    }
    m.model.set_rotary(48, mt::rope{.base = 1e4, .length = 64});
    std::vector<float> const                  before(m.model.master().begin(), m.model.master().end());
    std::vector<mt::named_store<store>> const both{{"web", &web}, {"code", &code}};
    auto const ranks = mt::layer_ranks(m.model, std::span<mt::named_store<store> const>(both), 0, 40, 48);
    BOOST_TEST_REQUIRE(ranks.size() == static_cast<std::size_t>(m.model.shape().layers) + 1);
    for (std::size_t l = 0; l < ranks.size(); ++l) {
        BOOST_TEST(ranks[l].layer == static_cast<std::int64_t>(l));
        BOOST_TEST(ranks[l].tokens == 40);
        BOOST_TEST((ranks[l].effective_rank > 1 && ranks[l].effective_rank <= static_cast<double>(m.model.shape().width)));
        BOOST_TEST((ranks[l].entropy > 0 && ranks[l].entropy <= std::log(static_cast<double>(m.model.shape().width))));
    }
    BOOST_TEST(std::memcmp(before.data(), m.model.master().data, before.size() * sizeof(float)) == 0);
    // The first rows are embeddings: the same token, the same row.
    std::vector<std::int32_t> const tokens{5, 9, 5}, targets{9, 5, -1}, positions{0, 1, 2}, begin{0, 0, 0};
    mt::token_batch const batch{{tokens.data(), 3}, {targets.data(), 3}, {positions.data(), 3}, {begin.data(), 3}, 1, 3, 2};
    std::vector<float>    rows;
    m.model.residuals(batch, rows);
    auto const width = static_cast<std::size_t>(m.model.shape().width);
    BOOST_TEST_REQUIRE(rows.size() == ranks.size() * 3 * width);
    BOOST_TEST(std::memcmp(&rows[0], &rows[2 * width], width * sizeof(float)) == 0);
    BOOST_TEST(std::memcmp(&rows[3 * width], &rows[5 * width], width * sizeof(float)) != 0);  // after a block they know what came before
}

BOOST_AUTO_TEST_SUITE_END()
