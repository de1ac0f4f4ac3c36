#include <boost/test/unit_test.hpp>
#include <set>
#include <span>
#include <vector>
#include <midtrain/core/checksum.hpp>

namespace mt = midtrain;

namespace {
std::vector<std::byte> bytes(std::size_t n) {
    std::vector<std::byte> v(n);
    for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<std::byte>(mt::mix_bits(i));
    return v;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(checksum)

BOOST_AUTO_TEST_CASE(pieces_change_nothing) {
    auto const v     = bytes(1000);
    auto const whole = mt::checksum().add(v).value();
    for (std::size_t piece : {1u, 7u, 31u, 32u, 33u, 999u}) {
        mt::checksum c;
        for (std::size_t i = 0; i < v.size(); i += piece) c.add(std::span(v).subspan(i, std::min(piece, v.size() - i)));
        BOOST_TEST(c.value() == whole, piece);
    }
}
BOOST_AUTO_TEST_CASE(every_flipped_bit_and_every_length_shows) {
    auto                    v = bytes(100);
    std::set<std::uint64_t> seen{mt::checksum().add(v).value()};
    for (auto& b : v)
        for (int bit = 0; bit < 8; ++bit) {
            b ^= std::byte(1 << bit);
            seen.insert(mt::checksum().add(v).value());
            b ^= std::byte(1 << bit);
        }
    for (std::size_t n = 0; n < 100; ++n) seen.insert(mt::checksum().add(std::span(v).first(n)).value());
    BOOST_TEST(seen.size() == 1 + 800 + 100);
    BOOST_TEST((mt::checksum().add(std::vector<std::byte>(3)).value() != mt::checksum().add(std::vector<std::byte>(4)).value()));
    BOOST_TEST(mt::checksum().text().size() == 16u);
}

BOOST_AUTO_TEST_SUITE_END()
