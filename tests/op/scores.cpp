#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>
#include <midtrain/concepts/score_modifier.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/position/alibi.hpp>
#include <midtrain/position/logn.hpp>
#include <midtrain/position/query_temperature.hpp>
#include <midtrain/position/soft_cap.hpp>
#include <support/devices.hpp>

namespace mt = midtrain;

namespace {

// Near misses: what is almost a modifier is none.
struct without_slope {
    template <class C>
    C score(C s, mt::index_t, mt::index_t, mt::index_t) const {
        return s;
    }
};
struct double_alone {
    double score(double s, mt::index_t, mt::index_t, mt::index_t) const { return s; }
    double slope(double, mt::index_t, mt::index_t, mt::index_t) const { return 1; }
};
struct with_memory : mt::unmodified {
    std::vector<double> table;
};
static_assert(!mt::ScoreModifier<without_slope> && !mt::ScoreModifier<double_alone> && !mt::ScoreModifier<with_memory>);
static_assert(mt::ScoreModifier<mt::unmodified> && mt::ScoreModifier<mt::alibi> && mt::ScoreModifier<mt::logn>);
static_assert(mt::ScoreModifier<mt::query_temperature> && mt::ScoreModifier<mt::soft_cap>);

std::vector<double> numbers(mt::io::json const& of, char const* key) {
    std::vector<double> v;
    for (auto const& x : *of.find(key)->as<mt::io::json::array>()) v.push_back(*x.as<double>());
    return v;
}
double number(mt::io::json const& of, char const* key) { return *of.find(key)->as<double>(); }

mt::io::json golden() {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/scores.json");
    return mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
}
mt::io::json::array const& part(mt::io::json const& all, char const* key) { return *all.find(key)->as<mt::io::json::array>(); }

/// The law: the slope is the score's (central differences of fourth order, 1e-16 / h of rounding), and a row is what is asked each time.
template <class Modifier>
void obeys_the_law(Modifier const& m) {
    for (mt::index_t query : {0, 5, 4096, 70'000})
        for (mt::index_t back : {0, 1, 3})
            for (mt::index_t head : {0, 3})
                for (double s : {-3.0, 0.0, 0.7, 20.0}) {
                    mt::index_t const key = query - std::min(query, back);
                    auto const        at  = [&](double x) { return m.score(x, query, key, head); };
                    double const      h = 1e-3, slope = (8 * (at(s + h) - at(s - h)) - (at(s + 2 * h) - at(s - 2 * h))) / (12 * h);
                    BOOST_TEST(std::abs(slope - m.slope(s, query, key, head)) < 1e-9);
                    mt::score_row<Modifier> const row(m, query, head);
                    BOOST_TEST((row.score(s, query - key) == at(s) && row.slope(s, query - key) == m.slope(s, query, key, head)));
                }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scores, *boost::unit_test::precondition(test::has_devices))

BOOST_AUTO_TEST_CASE(slopes_are_the_scores) {
    obeys_the_law(mt::unmodified{});
    obeys_the_law(mt::alibi{.heads = 6});
    obeys_the_law(mt::logn{.trained = 2048});
    obeys_the_law(mt::query_temperature{});
    obeys_the_law(mt::soft_cap{.cap = 5.0});
    mt::random_stream const random{5, 1};
    for (std::uint64_t n = 0; n < 40; n += 4) {
        auto const whole = [&](std::uint64_t k, mt::index_t most) { return static_cast<mt::index_t>(random.bits(n + k) % static_cast<std::uint64_t>(most)); };
        obeys_the_law(mt::alibi{.heads = 4 + whole(0, 60)});
        obeys_the_law(mt::logn{.trained = 2 + whole(1, 100'000)});
        obeys_the_law(mt::query_temperature{.scale = random.uniform(n + 2), .floor_length = 1 + whole(3, 20'000)});
        obeys_the_law(mt::soft_cap{.cap = 3 + 60 * random.uniform(n + 3)});
    }
}

/// Theirs are fp32, and a power of a rounded start: some 40 roundings.
BOOST_AUTO_TEST_CASE(alibi_slopes_are_those_of_bloom) {
    auto const all = golden();
    for (auto const& c : part(all, "alibi")) {
        auto const      slopes = numbers(c, "slopes");
        mt::alibi const m{.heads = static_cast<mt::index_t>(slopes.size())};
        for (std::size_t h = 0; h < slopes.size(); ++h)
            BOOST_TEST(std::abs(m.slope_of(static_cast<mt::index_t>(h)) / slopes[h] - 1) < 40 * 6e-8, slopes.size() << " heads, head " << h);
    }
    static_assert(mt::alibi{.heads = 8}.score(0.0, 7, 3, 0) == -2.0);  // Press et al. 2022: 1/2 a token for the first of eight heads
}

/// Theirs is computed in fp32.
BOOST_AUTO_TEST_CASE(temperature_of_queries_is_that_of_llama4) {
    auto const all = golden();
    for (auto const& c : part(all, "temperature")) {
        mt::query_temperature const m{.scale = number(c, "scale"), .floor_length = static_cast<mt::index_t>(number(c, "floor"))};
        auto const places = numbers(c, "places"), factors = numbers(c, "factors");
        for (std::size_t i = 0; i < places.size(); ++i)
            BOOST_TEST(std::abs(m.factor(static_cast<mt::index_t>(places[i])) / factors[i] - 1) < 2e-7, places[i]);
    }
}

BOOST_AUTO_TEST_CASE(logn_is_one_up_to_the_trained_length_and_the_ratio_of_logarithms_after) {
    mt::logn const m{.trained = 2048};
    BOOST_TEST(m.factor(0) == 1.0);
    BOOST_TEST(m.factor(2047) == 1.0);  // the 2048th token
    BOOST_TEST(std::abs(m.factor(2048) - std::log(2049.0) / std::log(2048.0)) < 1e-15);
    BOOST_TEST(std::abs(m.factor(2048 * 2048 - 1) - 2.0) < 1e-15);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(soft_caps_are_those_of_gemma2, Device, test::devices) {
    Device     device;
    auto const all = golden();
    for (auto const& c : part(all, "soft_cap")) {
        auto const n = static_cast<mt::index_t>(number(c, "tokens")), size = static_cast<mt::index_t>(number(c, "size")),
                   heads = static_cast<mt::index_t>(number(c, "heads")), w = heads * size;
        std::vector<double> qkv(n * 3 * w), gradient(n * w);
        // Theirs is (head, token, size), ours (token, head, size).
        auto const each = [&](auto const& f) {
            for (mt::index_t t = 0; t < n; ++t)
                for (mt::index_t h = 0; h < heads; ++h)
                    for (mt::index_t i = 0; i < size; ++i) f(t, h * size + i, static_cast<std::size_t>((h * n + t) * size + i));
        };
        auto const q = numbers(c, "query"), k = numbers(c, "key"), v = numbers(c, "value"), d = numbers(c, "gradient");
        each([&](auto t, auto i, auto at) {
            qkv[t * 3 * w + i] = q[at], qkv[t * 3 * w + w + i] = k[at], qkv[t * 3 * w + 2 * w + i] = v[at], gradient[t * w + i] = d[at];
        });
        auto const from = test::uploaded(device, qkv), slope = test::uploaded(device, gradient);
        auto const begin = device.template make<std::int32_t>(n);
        auto const to = device.template make<double>(n * w), dqkv = device.template make<double>(n * 3 * w);
        auto const log_sum = device.template make<double>(heads * n), dot = device.template make<double>(heads * n);
        mt::attention_gradient_problem<double, mt::soft_cap> const g{
            {mt::as_matrix<double const>(from.view().data, n, 3 * w), begin.view(), mt::as_matrix(to.view().data, n, w), mt::as_matrix(log_sum.view().data, heads, n), 1,
             n, heads, heads, size, 1 / std::sqrt(static_cast<double>(size)), 0, {}, mt::soft_cap{.cap = number(c, "cap")}},
            mt::as_matrix<double const>(slope.view().data, n, w), mt::as_matrix(dqkv.view().data, n, 3 * w), mt::as_matrix(dot.view().data, heads, n)};
        mt::run(device, g.forward);
        mt::run(device, g);
        auto const output = test::downloaded(device, to.view()), result = test::downloaded(device, dqkv.view());
        auto const o = numbers(c, "output"), dq = numbers(c, "dquery"), dk = numbers(c, "dkey"), dv = numbers(c, "dvalue");
        double     worst = 0;
        each([&](auto t, auto i, auto at) {
            worst = std::max({worst, std::abs(output[t * w + i] - o[at]), std::abs(result[t * 3 * w + i] - dq[at]),
                              std::abs(result[t * 3 * w + w + i] - dk[at]), std::abs(result[t * 3 * w + 2 * w + i] - dv[at])});
        });
        BOOST_TEST(worst < 1e-11);  // cap * tanh(s / cap) by way of exp: an ulp of one, times a cap of 50
    }
}

BOOST_AUTO_TEST_SUITE_END()
