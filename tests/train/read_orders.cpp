#include <boost/test/unit_test.hpp>
#include <string>
#include <midtrain/data/fim.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/mixture/any_order.hpp>
#include <midtrain/train/read_fields.hpp>
#include <midtrain/train/stage.hpp>
#include <midtrain/train/written_fields.hpp>

namespace mt = midtrain;

namespace read_orders_under_test {

struct form {
    mt::any_order  order{};
    mt::data::fim  fim{};
    mt::batch_form batch{.sequences = 1, .length = 8};
};
form read(std::string const& text) {
    form f;
    mt::read_fields(mt::io::parse_json(text, "run"), "run", f, {"web", "code"});
    return f;
}

}  // namespace read_orders_under_test

using namespace read_orders_under_test;

BOOST_AUTO_TEST_SUITE(read_orders)

BOOST_AUTO_TEST_CASE(orders_packing_and_fim_are_read_from_a_file) {
    auto const f = read(R"({"order": {"kind": "by_length", "from": [0, 8192], "shares": [0.6, 0.4], "only": ["web"]},
                            "fim": {"rate": 0.5, "spm": 0.25, "prefix": 5, "suffix": 6, "middle": 7, "only": ["code"]},
                            "batch": {"sequences": 4, "length": 64, "packing": "best_fit", "window": 32, "attention": "sequence", "positions": "run_on"}})");
    BOOST_TEST((f.order.kind() == "by_length" && f.order.buckets() == 2 && f.order.share(1, {}) == 0.4 && f.order.bucket_of({9000, 0}) == 1));
    BOOST_TEST((f.order.is_for("web") && !f.order.is_for("code") && f.order.fits()));
    BOOST_TEST((f.fim.names_sentinels() && f.fim.spm == 0.25 && mt::is_meant(f.fim.only, "code") && !mt::is_meant(f.fim.only, "web")));
    BOOST_TEST((f.batch.packed().packing == mt::data::packing_kind::best_fit && f.batch.packed().window == 32));
    BOOST_TEST((f.batch.packed().attention == mt::data::packed_attention::sequence));
    auto const again = read(mt::io::written(mt::written_fields(f)));
    BOOST_TEST(mt::io::written(mt::written_fields(again)) == mt::io::written(mt::written_fields(f)));
}
BOOST_AUTO_TEST_CASE(shuffled_is_an_order_and_scores_have_stretches) {
    BOOST_TEST(read(R"({"order": {"kind": "shuffled"}})").order.buckets() == 1);
    auto const f = read(R"({"order": {"kind": "by_score", "from": {"high": 0.25}, "to": {"low": 0.5}, "pace": 0.5, "grades": 8}})");
    BOOST_TEST((f.order.wants_scores() && f.order.buckets() == 8 && f.order.share(0, {}) == 0.5));
    BOOST_CHECK_THROW(read(R"({"order": {"kind": "by_size"}})"), mt::error);
    BOOST_CHECK_THROW(read(R"({"order": {"kind": "shuffled", "seed": 3}})"), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
