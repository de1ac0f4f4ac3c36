#pragma once
#include <cstddef>
#include <cstdint>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/math.hpp>

namespace midtrain::inline MT_ABI {

/// The gradient noise scale B = tr(Sigma) / |G|^2 (McCandlish et al. 2018, eq. 2.9): the batch, in target tokens, at which what the batch's
/// noise costs a step equals what the step gains. Below it twice the batch is nearly half the steps, above it twice the batch buys little.
struct noise_scale {
    double       signal = 0;  ///< |G|^2, of the gradient that endless batches would give
    double       noise  = 0;  ///< tr(Sigma), of one token's gradient
    double       error  = 0;  ///< standard error of value()
    std::int64_t steps  = 0;  ///< measured ones that it is made of

    constexpr bool   known() const { return steps > 0 && signal > 0 && noise >= 0; }
    /// Tokens; not a number where the noise hides the signal.
    constexpr double value() const { return known() ? noise / signal : math::not_a_number; }
};

namespace detail {

/// What one measured step says, without bias: E|g_b|^2 = |G|^2 + tr(Sigma) / b (McCandlish et al. 2018, appendix A.1), from the batch of
/// B tokens and its m parts of B / m. `source` counts from 1; 0: all parts.
struct noise_pair {
    double signal = 0, noise = 0;

    constexpr noise_pair(double const* row, std::size_t source) {
        double const small = row[1], big = row[2], parts = row[3], targets = row[4];
        signal = (parts * big - small) / (parts - 1);
        noise  = source == 0 ? targets * (small - big) / (parts - 1) : targets / parts * (row[4 + source] - signal);
    }
};

}  // namespace detail

/// From the last `window` measured steps of a record: numerator and denominator are averaged before they are divided. `source` counts from
/// 1, 0 is all: of a source's micro-batches it is the noise about the whole batch's gradient, so that the shares' mean is that of all.
constexpr noise_scale noise_scale_of(loss_record const& record, std::int64_t window, std::size_t source = 0) {
    std::size_t const width = record.noise_width();
    auto const        each  = [&](auto const& f) {
        std::int64_t taken = 0;
        for (std::size_t row = record.noise_rows(); row-- > 0 && taken < window;)
            if (detail::noise_pair const p(&record.noise[row * width], source); p.noise == p.noise) f(p), ++taken;
    };
    noise_scale s;
    each([&](detail::noise_pair const& p) { s.signal += p.signal, s.noise += p.noise, ++s.steps; });
    if (s.steps == 0) return s;
    double const n = static_cast<double>(s.steps);
    s.signal /= n, s.noise /= n;
    double squares = 0;
    each([&](detail::noise_pair const& p) {
        double const off = p.noise - s.value() * p.signal;  // of a ratio of means, by its linear part
        squares += off * off;
    });
    s.error = s.steps > 1 ? math::sqrt(squares / (n * (n - 1))) / s.signal : math::not_a_number;
    return s;
}

}  // namespace midtrain::inline MT_ABI
