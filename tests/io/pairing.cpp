#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <midtrain/concepts/weight_source.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/solo_team.hpp>
#include <midtrain/io/pairing.hpp>
#include <midtrain/op/rope.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/rotary_table.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

/// Weights that are known by name: as many random numbers as are asked for.
struct numbers {
    void operator()(std::string const&, index_t, index_t, std::span<float> to) const {
        for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<float>(mt::random_stream{3, 4}.uniform(i) - 0.5);
    }
};
static_assert(mt::WeightSource<mt::io::paired_rows<numbers>>);

/// A head of queries times a head of keys after turning neighbours, written down as in Su et al. 2021, eq. 34.
double score_of_neighbours(std::vector<double> q, std::vector<double> k, int at_q, int at_k, index_t width) {
    auto const turned = [&](std::vector<double> v, int at) {
        for (index_t i = 0; i < width / 2; ++i) {
            double const angle = at * std::pow(100.0, -2.0 * static_cast<double>(i) / static_cast<double>(width));
            auto&        a = v[static_cast<std::size_t>(2 * i)];
            auto&        b = v[static_cast<std::size_t>(2 * i + 1)];
            double const u = a * std::cos(angle) - b * std::sin(angle);
            b = a * std::sin(angle) + b * std::cos(angle), a = u;
        }
        return v;
    };
    q = turned(q, at_q), k = turned(k, at_k);
    double s = 0;
    for (std::size_t i = 0; i < q.size(); ++i) s += q[i] * k[i];
    return s;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pairing)

BOOST_AUTO_TEST_CASE(rows_go_there_and_back) {
    for (index_t width : {2, 6, 8})
        for (index_t r = 0; r < 32; ++r) {
            auto const there = mt::io::half_split_row(r, 8, width);
            BOOST_TEST(mt::io::interleaved_row(there, 8, width) == r);
            if (r % 8 >= width) BOOST_TEST(there == r);
        }
    BOOST_TEST(mt::io::half_split_row(1, 8, 8) == 4);
    BOOST_TEST(mt::io::half_split_row(8 + 2, 8, 8) == 8 + 1);
}
// Weights that were trained with neighbours give, read through paired_rows, the same scores by our own rope; also where a part turns.
BOOST_AUTO_TEST_CASE(scores_are_those_of_neighbours) {
    index_t const size = 8, inputs = 5;
    for (index_t width : {8, 4}) {
        numbers const                  theirs;
        mt::io::paired_rows<numbers> const ours(theirs, mt::io::pairing::interleaved, size, width);
        std::vector<float>             w(size * inputs), v(w.size());
        theirs("a.q_proj.weight", size, inputs, w), ours("a.q_proj.weight", size, inputs, v);
        auto const head = [&](std::vector<float> const& m, int token) {
            std::vector<double> x(size, 0.0);
            for (index_t r = 0; r < size; ++r)
                for (index_t c = 0; c < inputs; ++c) x[static_cast<std::size_t>(r)] += double(m[static_cast<std::size_t>(r * inputs + c)]) * std::sin(1.0 + 3 * token + static_cast<double>(c));
            return x;
        };
        double const wanted = score_of_neighbours(head(w, 0), head(w, 1), 3, 7, width);
        std::vector<double> c(8 * width / 2), s(c.size()), rows = head(v, 0);
        auto const second = head(v, 1);
        rows.insert(rows.end(), second.begin(), second.end());
        for (index_t t = 0; t < 8; ++t)
            for (index_t i = 0; i < width / 2; ++i) {
                double const angle = static_cast<double>(t) * mt::position::plain_frequency(100, i, width);
                c[static_cast<std::size_t>(t * width / 2 + i)] = std::cos(angle), s[static_cast<std::size_t>(t * width / 2 + i)] = std::sin(angle);
            }
        std::int32_t const place[] = {3, 7};
        mt::op::rope<double> const turn{mt::as_matrix(rows.data(), index_t{2}, size), {place, 2}, mt::as_matrix<double const>(c.data(), 8, width / 2),
                                        mt::as_matrix<double const>(s.data(), 8, width / 2), 1, size, mt::op::turn::forward};
        for (index_t t = 0; t < 2; ++t) turn(mt::solo_team{}, t);
        double got = 0;
        for (index_t i = 0; i < size; ++i) got += rows[static_cast<std::size_t>(i)] * rows[static_cast<std::size_t>(size + i)];
        BOOST_TEST(std::abs(got - wanted) < 1e-6);  // weights are floats
    }
}
BOOST_AUTO_TEST_CASE(what_does_not_turn_stays) {
    numbers const theirs;
    mt::io::paired_rows<numbers> const ours(theirs, mt::io::pairing::interleaved, 4, 4), same(theirs, mt::io::pairing::half_split, 4, 4);
    std::vector<float> a(16), b(16);
    auto const         alike = [&](auto const& source, char const* name) { return theirs(name, 8, 2, a), source(name, 8, 2, b), a == b; };
    BOOST_TEST(alike(ours, "x.v_proj.weight"));
    BOOST_TEST(!alike(ours, "x.k_proj.weight"));
    BOOST_TEST(!alike(ours, "x.q_norm.weight"));
    BOOST_TEST(alike(same, "x.k_proj.weight"));
    BOOST_CHECK_THROW(ours("x.k_proj.weight", 2, 8, b), mt::error);
    BOOST_CHECK_THROW(mt::io::paired_rows<numbers>(theirs, mt::io::pairing::interleaved, 4, 3), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
