#include <boost/test/unit_test.hpp>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/cuda/op/document_table.hpp>
#include <midtrain/problem/batch.hpp>
#include <support/devices.hpp>
#ifndef __CUDACC__
#include <support/played_block.hpp>
#endif

namespace mt = midtrain;
using mt::index_t;

namespace {

struct table {
    std::vector<std::int32_t> lengths;
    std::vector<std::int64_t> offsets;  // (2, room + 1)
    float                     scale;

    bool operator==(table const& b) const {
        return lengths == b.lengths && offsets == b.offsets && (scale == b.scale || (std::isnan(scale) && std::isnan(b.scale)));
    }
};
constexpr index_t strides[] = {7, 1};

/// As one would write it down.
table by_hand(std::vector<std::int32_t> const& begin, index_t length, index_t room) {
    std::vector<index_t> first;
    for (index_t t = 0; t < static_cast<index_t>(begin.size()); ++t)
        if (begin[t] == t % length) first.push_back(t);
    table      of{{}, {}, static_cast<index_t>(first.size()) > room ? NAN : 0.5f};
    auto const n = static_cast<index_t>(begin.size());
    first.resize(static_cast<std::size_t>(room), n), first.push_back(n);
    for (index_t k = 0; k < room; ++k) of.lengths.push_back(static_cast<std::int32_t>(first[k + 1] - first[k]));
    for (auto by : strides)
        for (auto f : first) of.offsets.push_back(f * by);
    return of;
}

template <class Device>
table on_device(Device& device, std::vector<std::int32_t> const& begin, index_t length, index_t room) {
    auto const b = test::uploaded(device, begin);
    mt::op::document_beginnings const of{b.view(), length};
    auto const counts = device.template make<std::int32_t>(of.chunks()), first = device.template make<std::int32_t>(room);
    auto const total = device.template make<std::int32_t>(1), lengths = device.template make<std::int32_t>(room);
    auto const offsets = device.template make<std::int64_t>(2 * (room + 1));
    auto const scale   = device.template make<float>(1);
    device.rows(of.chunks(), mt::op::count_documents{of, counts.view()});
    device.rows(of.chunks(), mt::op::place_documents{of, counts.view(), first.view(), total.view()});
    device.elements(room + 1, mt::op::write_documents{.first = first.view(), .total = total.view(), .tokens = of.tokens(),
                                                      .lengths = lengths.view(), .offsets = mt::as_matrix(offsets.view().data, 2, room + 1),
                                                      .strides = {strides[0], strides[1]}, .score_scale = 0.5f, .scale = scale.view()});
    return {test::downloaded(device, lengths.view()), test::downloaded(device, offsets.view()), test::downloaded(device, scale.view())[0]};
}

/// Documents that begin where numbers say, in every `mean` tokens or so.
std::vector<std::int32_t> documents(index_t sequences, index_t length, std::uint64_t mean) {
    std::vector<std::int32_t> begin;
    for (index_t t = 0; t < sequences * length; ++t) {
        auto const at = static_cast<std::int32_t>(t % length);
        begin.push_back(at == 0 || mt::mix_bits(static_cast<std::uint64_t>(t)) % mean == 0 ? at : begin.back());
    }
    return begin;
}

template <class Device>
void all_tables_are_as_by_hand(Device& device) {
    for (auto [sequences, length, mean] : {std::array<index_t, 3>{1, 1, 1}, {3, 100, 1'000'000}, {2, 300, 20}, {4, 257, 7}, {1, 600, 1}}) {
        auto const    begin = documents(sequences, length, static_cast<std::uint64_t>(mean));
        index_t const bound = mt::bound_of_documents({begin.data(), static_cast<index_t>(begin.size())}, length);
        BOOST_TEST((on_device(device, begin, length, bound) == by_hand(begin, length, bound)));
        BOOST_TEST((on_device(device, begin, length, bound + 5) == by_hand(begin, length, bound + 5)));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(documents_side_by_side, *boost::unit_test::precondition(test::has_devices))

BOOST_AUTO_TEST_CASE_TEMPLATE(the_table_is_as_by_hand, Device, test::devices) {
    Device device;
    all_tables_are_as_by_hand(device);
}
#ifndef __CUDACC__
BOOST_AUTO_TEST_CASE(warps_and_blocks_make_the_same_table) {
    test::played_warps warps;
    all_tables_are_as_by_hand(warps);
    test::played_blocks<128> blocks;
    all_tables_are_as_by_hand(blocks);
}
#endif
/// More documents than a step was made for: its scores are no numbers, so nobody takes its results for right.
BOOST_AUTO_TEST_CASE_TEMPLATE(too_many_documents_are_seen, Device, test::devices) {
    Device     device;
    auto const begin = documents(2, 300, 20);
    BOOST_TEST(std::isnan(on_device(device, begin, 300, 2).scale));
    BOOST_TEST((on_device(device, begin, 300, 2) == by_hand(begin, 300, 2)));
}
BOOST_AUTO_TEST_CASE(bounds_are_doubled_sequences) {
    auto const bound = [](std::vector<std::int32_t> const& begin, index_t length) {
        return mt::bound_of_documents({begin.data(), static_cast<index_t>(begin.size())}, length);
    };
    BOOST_TEST(bound({0, 0, 0, 0, 0, 0}, 3) == 2);
    BOOST_TEST(bound({0, 0, 0, 0, 1, 1}, 3) == 4);
    BOOST_TEST(bound({0, 1, 2, 0, 1, 1}, 3) == 8);
}

BOOST_AUTO_TEST_SUITE_END()
