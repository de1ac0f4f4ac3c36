#pragma once
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/golden.hpp>
#include <support/small_models.hpp>

// Feature by feature: what a word of a shape says is seen in the logits, while all weights that bear the same name are the same.
namespace test {

/// Weights that follow from a tensor's name, none of them zero or one.
inline void weights_by_name(std::string const& name, midtrain::index_t, midtrain::index_t, std::span<float> to) {
    std::uint64_t seed = 1;
    for (char c : name) seed = midtrain::mix_bits(seed + static_cast<unsigned char>(c));
    for (std::size_t i = 0; i < to.size(); ++i)
        to[i] = static_cast<float>(midtrain::random_stream{seed, 0}.uniform(i)) - 0.5f;
}

template <class Family>
std::vector<double> logits_by_name(midtrain::io::hf_config const& shape) {
    namespace mt = midtrain;
    mt::host                                                            device(1);
    mt::trainable<mt::host, Family, mt::io::hf_config, mt::fp64> m(device, shape);
    m.load(weights_by_name);
    if constexpr (Family::turns) m.set_rotary(24, mt::io::position_of(shape.rotary));
    auto const          owned = owned_batch::random(2, 24, shape.vocab, 10);
    std::vector<double> out(static_cast<std::size_t>(48 * shape.vocab));
    m.logits(owned.view(), mt::as_matrix(out.data(), 48, shape.vocab));
    return out;
}

struct toggle {
    char const* what;
    void (*turn)(midtrain::io::hf_config&);
};

/// Each changes logits of `shape`, and no two to the same.
template <class Family>
void each_shows(midtrain::io::hf_config const& shape, std::span<toggle const> toggles) {
    std::vector<std::vector<double>> seen{logits_by_name<Family>(shape)};
    for (auto const& t : toggles) {
        auto changed = shape;
        t.turn(changed);
        auto const now = logits_by_name<Family>(changed);
        for (double x : now) BOOST_TEST_REQUIRE(std::isfinite(x), t.what);
        for (std::size_t n = 0; n < seen.size(); ++n)
            BOOST_TEST(relative(now, seen[n]) > 1e-4, t.what << " as " << (n == 0 ? "nothing" : toggles[n - 1].what));
        seen.push_back(now);
    }
}

}  // namespace test
