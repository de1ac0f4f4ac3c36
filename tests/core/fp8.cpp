// Eight-bit floats against PyTorch's: every value, every bfloat16.
#include <cmath>
#include <cstdint>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <boost/test/unit_test.hpp>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/fp8.hpp>
#include <midtrain/io/safetensors.hpp>

namespace mt = midtrain;

namespace {

mt::io::safetensors golden() { return mt::io::safetensors(MIDTRAIN_SOURCE_DIR "/tests/golden/fp8.safetensors"); }

float float_at(std::span<std::byte const> bytes, std::size_t i) {
    float x;
    std::memcpy(&x, bytes.data() + 4 * i, 4);
    return x;
}
/// The same, sign of a zero included; what is no number has any bits.
bool same(float a, float b) { return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b); }

template <class T>
void equals_torch(std::string const& name) {
    auto const file   = golden();
    auto const values = file.at(name + ".values").bytes, of_bf16 = file.at(name + ".of_bf16").bytes;
    auto const of_some = file.at(name + ".of_some").bytes, some = file.at("some").bytes;
    int apart = 0;
    for (std::size_t i = 0; i < 256; ++i) {
        T x;
        x.bits = static_cast<std::uint8_t>(i);
        apart += !same(x, float_at(values, i));
        // And back: each value is its own nearest.
        apart += !std::isnan(float(x)) && T(float(x)).bits != x.bits;
    }
    BOOST_TEST(apart == 0);
    for (std::size_t i = 0; i < 65'536; ++i) {
        mt::bf16 x;
        x.bits = static_cast<std::uint16_t>(i);
        T there;
        there.bits = static_cast<std::uint8_t>(of_bf16[i]);
        apart += !same(T(float(x)), there);
    }
    BOOST_TEST(apart == 0);
    for (std::size_t i = 0; i < 4096; ++i) apart += T(float_at(some, i)).bits != static_cast<std::uint8_t>(of_some[i]);
    BOOST_TEST(apart == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fp8)

BOOST_AUTO_TEST_CASE(e4m3_is_pytorchs) { equals_torch<mt::e4m3>("e4m3"); }
BOOST_AUTO_TEST_CASE(e5m2_is_pytorchs) { equals_torch<mt::e5m2>("e5m2"); }

BOOST_AUTO_TEST_SUITE_END()
