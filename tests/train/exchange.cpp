// Gradients of ranks become one, bucket by bucket, as backward finishes them: whole or by slices, with the same bits for any bucket.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <vector>
#include <midtrain/comm/threads.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/problem/rank_slices.hpp>
#include <midtrain/train/gradient_exchange.hpp>

namespace mt = midtrain;

namespace exchange_under_test {

constexpr mt::index_t values = 10 * 4096 + 640;

std::vector<float> gradient_of(int rank) {
    mt::random_stream const draws{3, static_cast<std::uint64_t>(rank)};
    std::vector<float>      g(values);
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = static_cast<float>(draws.uniform(i) - 0.5);
    return g;
}
/// In the order of the ranks.
std::vector<float> total(int ranks) {
    auto sum = gradient_of(0);
    for (int r = 1; r < ranks; ++r) {
        auto const g = gradient_of(r);
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += g[i];
    }
    return sum;
}

}  // namespace exchange_under_test

using namespace exchange_under_test;

BOOST_AUTO_TEST_SUITE(exchange)

BOOST_AUTO_TEST_CASE(slices_are_whole_units_and_miss_nothing) {
    for (int ranks : {1, 2, 3, 4, 8, 11})
        for (mt::index_t bucket : {1, 4096, 3 * 4096 + 1, 1 << 20}) {
            std::vector<int> owners(values, 0), everyone(values, 0);
            for (int r = 0; r < ranks; ++r) {
                mt::rank_slices const cut(values, r, ranks, bucket);
                mt::index_t           own = 0;
                cut.each_slice(r, [&](mt::value_range s, mt::index_t at) {
                    BOOST_TEST(s.begin % 4096 == 0);
                    BOOST_TEST(at == own);
                    own += s.size;
                    for (mt::index_t i = s.begin; i < s.end(); ++i) ++owners[static_cast<std::size_t>(i)];
                });
                BOOST_TEST(own == cut.own());
                BOOST_TEST(cut.rest().size < 4096 * ranks);
                for (mt::index_t i = cut.rest().begin; i < cut.rest().end(); ++i) everyone[static_cast<std::size_t>(i)] = ranks - 1;
            }
            for (std::size_t i = 0; i < owners.size(); ++i)
                if (owners[i] - everyone[i] != 1) BOOST_FAIL("value " << i << " has " << owners[i] << " of " << ranks << " ranks");
        }
}

BOOST_AUTO_TEST_CASE(sums_are_those_of_all_ranks_whatever_the_bucket) {
    for (int ranks : {1, 2, 3, 4})
        for (mt::index_t bucket : {1, 2 * 4096 * ranks, 1 << 20})
            mt::on_ranks(ranks, [&](mt::threads& me) {
                mt::rank_slices const cut(values, me.rank(), ranks, bucket);
                auto const            want = total(ranks);
                for (auto as : {mt::exchange_form::whole, mt::exchange_form::slices}) {
                    auto                                      g = gradient_of(me.rank());
                    mt::gradient_exchange<mt::threads, float> all(me, {g.data(), values}, cut, as);
                    for (int done : {0, 5000, 20'000, 20'001}) all.finished(done);
                    // What is not finished may still change; the exchange has not taken it.
                    for (std::size_t i = 20'001 / 4096 * 4096 + 4096; i < g.size(); ++i) g[i] *= 2;
                    all.wait();
                    auto const twice = [&](mt::index_t i) { return i >= 20'001 / 4096 * 4096 + 4096 ? 2.0f : 1.0f; };
                    auto const judge = [&](mt::value_range s) {
                        for (mt::index_t i = s.begin; i < s.end(); ++i)
                            if (g[static_cast<std::size_t>(i)] != want[static_cast<std::size_t>(i)] * twice(i)) throw mt::error("another sum");
                    };
                    if (as == mt::exchange_form::whole) judge({0, values});
                    else {
                        cut.each_slice(me.rank(), [&](mt::value_range s, mt::index_t) { judge(s); });
                        mt::gather_slices(me, mt::row_view<float>{g.data(), values}, cut);
                        judge({0, values});
                    }
                }
            });
}

BOOST_AUTO_TEST_SUITE_END()
