#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/annealing/then.hpp>
#include <midtrain/core/blank.hpp>
#include <midtrain/core/enum_names.hpp>
#include <midtrain/core/short_name.hpp>
#include <midtrain/mixture/any_mixture.hpp>
#include <midtrain/mixture/sources.hpp>
#include <midtrain/position/any_position.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace {

enum class colour { red, green };

struct form {
    mt::required<double> size;
    mt::required<mt::tokens> span;
    colour               paint = colour::green;
    double               edge  = 3;
};

}  // namespace

static_assert(mt::blank<form>().size == 0 && mt::blank<form>().edge == 3 && mt::blank<form>().paint == colour::green);
static_assert(mt::blank<mt::yarn>().fast == 32 && mt::blank<mt::wsd>().peak == 0);
static_assert(mt::enum_name(colour::green) == "green" && mt::enum_name(mt::annealing::warmup_from::one_batch) == "one_batch");
static_assert(mt::enum_value<colour>("red") == colour::red && !mt::enum_value<colour>("blue") && !mt::enum_value<colour>(""));
static_assert(mt::enum_name(static_cast<colour>(7)).empty());
static_assert(std::string_view(mt::short_name("long")) == "long" && mt::short_name("a") == mt::short_name("a"));

BOOST_AUTO_TEST_SUITE(choices)

BOOST_AUTO_TEST_CASE(a_choice_has_the_kind_that_was_chosen) {
    mt::any_annealing any;
    BOOST_TEST(any.kind() == "constant");
    BOOST_TEST(any.choose("wsd"));
    BOOST_TEST(any.kind() == "wsd");
    BOOST_TEST(!any.choose("wds"));
    BOOST_TEST(any.kind() == "wsd");
    any = mt::cosine{.from = 3, .to = 1};
    BOOST_TEST(any.rate({0, 0_tok, 100_tok, 1_tok}) == 3);
    BOOST_TEST(any.fits(1_tok));
    any = mt::wsd_of<mt::annealing::any_shape>{.peak = 1, .decay = 10_tok};
    BOOST_TEST(any.fits(10_tok));
    BOOST_TEST(!any.fits(9_tok));
    BOOST_TEST(mt::any_position::listed() == "rope, none, interpolated, ntk, ntk_alpha, dynamic_ntk, by_parts, yarn, llama3, longrope, proportional, partial, xpos");
}

BOOST_AUTO_TEST_CASE(a_row_of_policies_is_then_without_a_compiler) {
    using one = mt::annealing::one_annealing;
    auto const compiled = mt::then{.first = mt::linear{.from = 0, .to = 2}, .until = 30_tok,
                                   .second = mt::then{.first = mt::constant{2}, .until = 40_tok, .second = mt::cosine{.from = 2, .to = 0.5}}};
    mt::annealing::joined<one> read;
    read.parts = {{.over = 30_tok, .rate = mt::linear{.from = 0, .to = 2}}, {.over = 40_tok, .rate = mt::constant{2}},
                  {.over = 0_tok, .rate = mt::cosine{.from = 2, .to = 0.5}}};
    mt::any_annealing const any = read;
    for (std::int64_t k = 0; k <= 100; ++k) {
        mt::progress const at{k, {k}, 100_tok, 1_tok};
        BOOST_TEST(any.rate(at) == compiled.rate(at));
    }
    BOOST_TEST(any.fits(100_tok));
    BOOST_TEST(!any.fits(69_tok));
    read.parts[1].rate = mt::constant{1.9};
    BOOST_TEST(!read.fits(100_tok));
    read.parts[0].at_end = mt::joint::jump;
    BOOST_TEST(!read.fits(100_tok));
    read.parts[1].at_end = mt::joint::jump;
    BOOST_TEST(read.fits(100_tok));
}

BOOST_AUTO_TEST_CASE(sources_that_a_file_names_weigh_as_the_compilers_do) {
    mt::named_sources<mt::weight> from, to;
    for (auto [name, a, b] : {std::tuple{"web", .8, .3}, {"code", .2, .7}}) from.add(name, a), to.add(name, b);
    mt::any_mixture const any = mt::annealed_mixture<mt::named_sources>{from, to};
    auto const            w   = any.weights({5, 50_tok, 100_tok, 10_tok});
    BOOST_TEST(w.size() == 2u);
    BOOST_TEST(w[0] == .8 * .5 + .3 * .5);
    BOOST_TEST((mt::names_of_sources(from) == std::vector<std::string>{"web", "code"}));
    BOOST_CHECK_EXCEPTION(from.add("web", 1.0), mt::error, [](auto const& e) { return std::string(e.what()).find("stands twice") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(a_name_that_is_too_long_is_refused) {
    BOOST_CHECK_THROW(mt::short_name(std::string(48, 'a')), mt::error);
    BOOST_TEST(mt::short_name(std::string(47, 'a')).text().size() == 47u);
}

BOOST_AUTO_TEST_SUITE_END()
