#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/op/turn_apart.hpp>
#include <midtrain/position/dual_chunk.hpp>
#include <midtrain/position/logn.hpp>
#include <midtrain/position/mapped.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/rotary_table.hpp>
#include <midtrain/position/self_extend.hpp>
#include <support/devices.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

std::vector<double> numbers(mt::io::json const& of, char const* key) {
    std::vector<double> v;
    for (auto const& x : *of.find(key)->as<mt::io::json::array>()) v.push_back(*x.as<double>());
    return v;
}
index_t whole(mt::io::json const& of, char const* key) { return static_cast<index_t>(*of.find(key)->as<double>()); }

/// tests/oracle/far_attention.py: one head's queries, keys and values, and what comes of them.
struct golden {
    mt::io::json        all;
    index_t             length, size;
    double              base;
    std::vector<double> query, key, value;

    golden() : all(read()), length(whole(all, "length")), size(whole(all, "size")), base(*all.find("base")->as<double>()),
               query(numbers(all, "query")), key(numbers(all, "key")), value(numbers(all, "value")) {}
    static mt::io::json read() {
        mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/far_attention.json");
        return mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    }
    mt::rope positions() const { return {.base = base, .length = length}; }

    /// The farthest that a value of ours is from the case's, the plain way and the device's own.
    template <class Device, class Position, class Distance, class Modifier = mt::unmodified>
    void is(Device& device, mt::io::json const& wanted, Position const& positions, Distance const& distance, Modifier const& modifier = {}) const {
        index_t const             columns = (distance.forms() + distance.key_forms() + 1) * size, rows = distance.reach(length);
        std::vector<double>       qkv(length * 3 * size), cosine(rows * size / 2), sine(cosine.size());
        std::vector<std::int32_t> begin(length, 0), place(length);
        for (index_t t = 0; t < length; ++t) {
            place[t] = static_cast<std::int32_t>(t);
            std::copy_n(query.begin() + t * size, size, qkv.begin() + 3 * t * size);
            std::copy_n(key.begin() + t * size, size, qkv.begin() + (3 * t + 1) * size);
            std::copy_n(value.begin() + t * size, size, qkv.begin() + (3 * t + 2) * size);
        }
        mt::fill_rotary(positions, rows, size, cosine.data(), sine.data());
        auto const from = test::uploaded(device, qkv), cosines = test::uploaded(device, cosine), sines = test::uploaded(device, sine);
        auto const begins = test::uploaded(device, begin), places = test::uploaded(device, place);
        auto const wide = device.template make<double>(length * columns);
        auto const to = mt::as_matrix(wide.view().data, length, columns);
        auto const c = mt::as_matrix<double const>(cosines.view().data, rows, size / 2), s = mt::as_matrix<double const>(sines.view().data, rows, size / 2);
        mt::row_view<std::int32_t const> const at = places.view();
        device.rows(length, mt::op::turn_apart<double, Distance>{mt::as_matrix<double const>(from.view().data, length, 3 * size), to, at, c, s, 1, 1, size, distance});
        auto const want = numbers(wanted, "output");
        for (bool plainly : {true, false}) {
            auto const result = device.template make<double>(length * size), log_sum = device.template make<double>(length);
            mt::attention_problem<double, Modifier, Distance> const p{
                .qkv = to, .document_begin = begins.view(), .output = mt::as_matrix(result.view().data, length, size),
                .log_sum = mt::as_matrix(log_sum.view().data, 1, length), .sequences = 1, .length = length, .heads = 1, .kv_heads = 1, .head_size = size,
                .scale = 1 / std::sqrt(static_cast<double>(size)), .position = at, .modifier = modifier, .distance = distance};
            plainly ? mt::plain(device, p) : mt::run(device, p);
            auto const output = test::downloaded(device, result.view());
            double worst = 0;
            BOOST_REQUIRE(want.size() == output.size());
            for (std::size_t i = 0; i < want.size(); ++i) worst = std::max(worst, std::abs(output[i] - want[i]));
            BOOST_TEST(worst < 1e-12);
        }
    }
    mt::io::json::array const& cases(char const* kind) const { return *all.find(kind)->as<mt::io::json::array>(); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(attention_past_the_trained_length, *boost::unit_test::precondition(test::has_devices))

BOOST_AUTO_TEST_CASE_TEMPLATE(logn_is_that_of_qwen, Device, test::devices) {
    Device       device;
    golden const g;
    for (auto const& c : g.cases("logn")) g.is(device, c, g.positions(), mt::as_they_stand{}, mt::logn{.trained = whole(c, "trained")});
}
BOOST_AUTO_TEST_CASE_TEMPLATE(dual_chunks_are_merged_as_chunkllama_merges_them, Device, test::devices) {
    Device       device;
    golden const g;
    for (auto const& c : g.cases("dual_chunk")) {
        mt::dual_chunk const d{.chunk = whole(c, "chunk"), .local = whole(c, "local")};
        // ChunkLlama's temperature is one of positions, of the whole text's length.
        double const trained = static_cast<double>(whole(c, "trained")), length = static_cast<double>(g.length);
        mt::position::with_temperature const positions{
            g.positions(), [=](index_t) { return trained > 0 ? 0.05 * std::log(length / trained) + 1 : 1.0; }};
        g.is(device, c, positions, d);
    }
}
BOOST_AUTO_TEST_CASE_TEMPLATE(self_extend_is_algorithm_1, Device, test::devices) {
    Device       device;
    golden const g;
    for (auto const& c : g.cases("self_extend")) g.is(device, c, g.positions(), mt::self_extend{.group = whole(c, "group"), .window = whole(c, "window")});
}

BOOST_AUTO_TEST_SUITE_END()
