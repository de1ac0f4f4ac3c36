#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <vector>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/model/llama.hpp>
#include <support/golden.hpp>
#include <support/model_laws.hpp>
#include <support/slopes.hpp>
#include <support/tiny_deepseek_v3.hpp>

namespace mt = midtrain;

namespace {

struct tiny : mt::decoder_shape {
    static constexpr int layers = 1, width = 16, heads = 4, kv_heads = 2, ffn = 24, vocab = 96, context = 64;
    static constexpr double deviation = 0.2;
};
struct like_deepseek : tiny {
    static constexpr bool          tied = false;
    static constexpr mt::mtp_shape mtp{.depth = 2, .own_head = true};
};
struct like_mimo : tiny {
    static constexpr bool          qkv_bias = true;
    static constexpr mt::mtp_shape mtp{.depth = 1, .form = mt::mtp_form::mimo};
};
struct deep : tiny {
    static constexpr mt::mtp_shape mtp{.depth = 3};
};

/// As tests/oracle/tiny_mtp.py makes it with transformers' own module.
struct released : test::tiny_deepseek_v3 {
    static constexpr mt::mtp_shape mtp{.depth = 1};
};

constexpr double weight = 0.3;

template <class Device, class Shape, class Precision, class Family = mt::model::llama>
struct played {
    using computed = typename Precision::computed;

    Device                                                  device{2};
    mt::trainable<Device, Family, Shape, Precision> m;
    std::vector<computed>                                   by_token;

    explicit played(mt::pass_mode mode = mt::pass_mode::train) : m(device, {}, mode) {
        m.initialise(1);
        m.set_rotary(64, test::plain_rope);
        m.mtp_weight = weight;
    }
    /// The main head's loss.
    double accumulate(mt::token_batch const& b) {
        by_token.resize(static_cast<std::size_t>(b.count()));
        m.zero_gradient();
        m.accumulate(b, {by_token.data(), b.count()});
        return std::accumulate(by_token.begin(), by_token.end(), 0.0) / b.target_count;
    }
    /// What the gradient is of.
    double whole_loss(mt::token_batch const& b) {
        double total = accumulate(b);
        auto const further = m.read_mtp_losses();
        for (std::size_t k = 0; k < further.size(); k += 2) total += weight / (further.size() / 2) * further[k] / b.target_count;
        return total;
    }
};

template <class Shape, class Family = mt::model::llama>
void equals_pytorch(std::string const& file) {
    mt::io::safetensors const f(test::golden + file);
    played<mt::host, Shape, mt::fp32, Family> one;
    auto&                             m = one.m;
    m.load([&](std::string const& name, mt::index_t rows, mt::index_t columns, std::span<float> to) { f("weight." + name, rows, columns, to); });
    test::owned_batch owned(2, 24);
    owned.inputs = test::integers(f, "input"), owned.targets = test::integers(f, "target");
    auto const b = owned.view();
    BOOST_TEST(std::abs(one.accumulate(b) * b.target_count / test::floats(f, "loss")[0] - 1) < 1e-6);
    auto const want = test::floats(f, "further");
    auto const got  = m.read_mtp_losses();
    BOOST_REQUIRE(got.size() == 2 * want.size());
    for (std::size_t k = 0; k < want.size(); ++k) BOOST_TEST(std::abs(got[2 * k] / double(want[k]) - 1) < 1e-6);
    double worst = 0;
    for (auto const& e : m.parameters().entries())
        for (auto const& p : e.parts) {
            double const apart = test::relative(m.part(mt::row_view<float const>(m.gradient()), e, p), test::floats(f, "gradient." + p.name));
            BOOST_TEST(apart < 1e-5, p.name << " is " << apart << " apart");
            worst = std::max(worst, apart);
        }
    BOOST_TEST_MESSAGE(file << ": gradients " << worst);
}

template <class Shape>
double worst_slope() {
    played<mt::host, Shape, mt::fp64> one;
    auto const owned = test::owned_batch::random(2, 24, 96, 10);
    auto const b     = owned.view();
    one.accumulate(b);
    std::vector<double> const gradient(one.m.gradient().begin(), one.m.gradient().end());
    return test::worst_slope_error(one.m, gradient, 1e-4, [&] { return one.whole_loss(b); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mtp)

BOOST_AUTO_TEST_CASE(deepseek_equals_its_equations) { equals_pytorch<like_deepseek>("tiny_mtp_deepseek.safetensors"); }
BOOST_AUTO_TEST_CASE(mimo_equals_its_equations) { equals_pytorch<like_mimo>("tiny_mtp_mimo.safetensors"); }
BOOST_AUTO_TEST_CASE(deepseek_v3_equals_transformers) { equals_pytorch<released, mt::model::deepseek_v3>("tiny_mtp_transformers.safetensors"); }

BOOST_AUTO_TEST_CASE(equals_finite_differences) {
    BOOST_TEST(worst_slope<like_deepseek>() < 1e-6);
    BOOST_TEST(worst_slope<like_mimo>() < 1e-6);
    BOOST_TEST(worst_slope<deep>() < 1e-6);
}

BOOST_AUTO_TEST_CASE(what_backward_calls_finished_is_final) {
    BOOST_TEST((test::finished_is_final<mt::model::llama, like_deepseek>(20)));
    BOOST_TEST((test::finished_is_final<mt::model::llama, like_mimo>(20)));
}
BOOST_AUTO_TEST_CASE(recomputation_changes_no_bit_and_a_crowd_little) {
    auto const                            owned = test::owned_batch::random(2, 24, 96, 10);
    played<mt::host, deep, mt::fp32>  kept, again(mt::pass_mode::recompute);
    played<mt::crowd, deep, mt::fp32> crowd;
    for (auto* one : {&kept, &again}) one->accumulate(owned.view());
    crowd.accumulate(owned.view());
    BOOST_TEST(std::equal(kept.m.gradient().begin(), kept.m.gradient().end(), again.m.gradient().begin()));
    BOOST_TEST((kept.m.read_mtp_losses() == again.m.read_mtp_losses()));
    BOOST_TEST(test::relative(std::vector<float>(crowd.m.gradient().begin(), crowd.m.gradient().end()),
                              std::vector<float>(kept.m.gradient().begin(), kept.m.gradient().end())) < 1e-5);
}

/// Two documents in one row give the gradients and the losses of each by itself, one after the other.
BOOST_AUTO_TEST_CASE(nothing_crosses_a_document) {
    constexpr std::int32_t cut = 10, length = 24;
    auto                   row = test::owned_batch::random(1, length, 96, 0);
    for (std::int32_t t = cut; t < length; ++t) row.document_begin[t] = cut, row.positions[t] = t - cut;
    played<mt::host, deep, mt::fp64> packed, alone;
    packed.accumulate(row.view());
    alone.m.zero_gradient();
    for (auto const& [from, to] : {std::pair{0, cut}, {cut, length}}) {
        test::owned_batch one(1, to - from);
        std::copy(row.inputs.begin() + from, row.inputs.begin() + to, one.inputs.begin());
        std::copy(row.targets.begin() + from, row.targets.begin() + to, one.targets.begin());
        auto b         = one.view();
        b.target_count = row.view().target_count;
        std::vector<double> losses(static_cast<std::size_t>(to - from));
        alone.m.accumulate(b, {losses.data(), to - from});
    }
    auto const a = packed.m.read_mtp_losses(), b = alone.m.read_mtp_losses();
    for (std::size_t k = 0; k < a.size(); ++k) BOOST_TEST(std::abs(a[k] - b[k]) <= 1e-12 * std::abs(b[k]));
    std::vector<double> const x(packed.m.gradient().begin(), packed.m.gradient().end()), y(alone.m.gradient().begin(), alone.m.gradient().end());
    BOOST_TEST(test::relative(x, y) < 1e-12);
}

/// The main head's losses are those of a model without modules, in training and in evaluation; without weight so is its gradient.
BOOST_AUTO_TEST_CASE(the_main_head_stays_as_it_is) {
    auto const                       owned = test::owned_batch::random(2, 24, 96, 10);
    auto const                       b     = owned.view();
    played<mt::host, deep, mt::fp32> with;
    played<mt::host, tiny, mt::fp32> without;
    with.m.load([&](std::string const& name, mt::index_t rows, mt::index_t columns, std::span<float> to) {
        std::fill(to.begin(), to.end(), 0.1f);
        for (auto const& e : without.m.parameters().entries())
            for (auto const& p : e.parts)
                if (p.name == name && p.rows == rows && e.columns == columns) {
                    auto const v = without.m.part(mt::row_view<float const>(without.m.master()), e, p);
                    std::copy(v.begin(), v.end(), to.begin());
                }
    });
    with.m.mtp_weight = 0;
    with.accumulate(b), without.accumulate(b);
    BOOST_TEST((with.by_token == without.by_token));
    for (auto const& e : without.m.parameters().entries())
        for (auto const& wide : with.m.parameters().entries())
            if (wide.name == e.name)
                for (mt::index_t i = 0; i < e.size(); ++i) BOOST_REQUIRE(with.m.gradient()[wide.offset + i] == without.m.gradient()[e.offset + i]);
    std::vector<float> evaluated(48);
    with.m.evaluate(b, {evaluated.data(), 48});
    BOOST_TEST((evaluated == without.by_token));
}

BOOST_AUTO_TEST_CASE(learns_a_batch_by_heart) {
    played<mt::host, deep, mt::fp32> one;
    auto const                       owned = test::owned_batch::random(2, 24, 96, 10);
    auto const                       b     = owned.view();
    mt::adamw const                  optimizer{.decay = 0};
    one.m.prepare(optimizer);
    for (int step = 1; step <= 200; ++step) {
        one.accumulate(b);
        mt::step_scalars s;
        s.rate = 1e-2, s.step = step, s.clip_factor = std::min(1.0, 1.0 / one.m.gradient_norm());
        one.m.apply(optimizer, s);
    }
    BOOST_TEST(one.accumulate(b) < 0.05);
    auto const further = one.m.read_mtp_losses();
    for (std::size_t k = 0; k < further.size(); k += 2) BOOST_TEST(further[k] / further[k + 1] < 0.05);
}

BOOST_AUTO_TEST_SUITE_END()
