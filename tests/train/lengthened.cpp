#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/yarn.hpp>
#include <midtrain/train/lengthened.hpp>
#include <midtrain/train/recipe.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace {

struct small : mt::decoder_shape {
    static constexpr int layers = 2, width = 64, heads = 4, kv_heads = 2, ffn = 128, vocab = 256;
};
template <class T>
struct sources {
    T books;
};

// begin: six_stages
constexpr auto recipe = mt::checked([] {
    mt::stage first{.name = "long", .budget = 100_Mtok, .mixture = mt::fixed_mixture<sources>{.share = {.books = 1}},
                    .rate = mt::constant{.peak = 1e-5}, .batch = {.sequences = 64, .length = 8192, .micro = 2},
                    .position = mt::yarn{.base = 500'000, .trained = 8192, .extended = 8192}};
    return mt::recipe{.optimizer = mt::adamw{}, .stages = mt::lengthened<6>(first, 8192, 131'072)};
}, small{});
// end: six_stages

}  // namespace

BOOST_AUTO_TEST_SUITE(lengthened)

BOOST_AUTO_TEST_CASE(six_stages_from_8k_to_128k) {
    mt::index_t const lengths[] = {13'312, 20'480, 32'768, 52'224, 82'944, 131'072};
    int               seen      = 0;
    mt::for_each_stage(recipe->stages, [&](auto const& s, int n) {
        BOOST_TEST(std::string_view(s.name) == "long_" + std::to_string(n + 1));
        BOOST_TEST(s.batch.length == lengths[n]);
        BOOST_TEST(s.position.context() == lengths[n]);
        BOOST_TEST(s.position.stretch() == static_cast<double>(lengths[n]) / 8192);
        // The tokens of a batch stay within two sequences, and a micro-batch divides it.
        BOOST_TEST(s.batch.size().count <= 64 * 8192);
        BOOST_TEST(s.batch.size().count > 64 * 8192 - 2 * lengths[n]);
        BOOST_TEST(s.batch.sequences % s.batch.micro == 0);
        ++seen;
    });
    BOOST_TEST(seen == 6);
}
BOOST_AUTO_TEST_CASE(a_batch_of_one_sequence_stays_one) {
    mt::stage const one{.name = "a", .budget = 1_Mtok, .mixture = mt::fixed_mixture<sources>{.share = {.books = 1}},
                      .rate = mt::constant{.peak = 1e-5}, .batch = {.sequences = 2, .length = 1024, .micro = 2},
                            .position = mt::rope{.base = 1e4, .length = 1024}};
    auto const last = mt::lengthened_stage(one, {.from = 1024, .to = 8192, .steps = 12}, 12);
    BOOST_TEST((last.batch.sequences == 1 && last.batch.micro == 1 && last.batch.length == 8192 && last.position.context() == 8192));
    BOOST_TEST(std::string_view(last.name) == "a_12");
}

BOOST_AUTO_TEST_SUITE_END()
