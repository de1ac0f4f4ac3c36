#pragma once
#include <cmath>
#include <cstddef>
#include <vector>

namespace test {

/// The selective scan of one document in double, all states kept: Gu and Dao 2023, eq. 2a and 2b with the discretisation of the reference
/// (A bar = exp(d A), B bar = d B), d = softplus(step + bias), A = -exp(log_rate), output = (C h + skip u) silu(gate). And the gradient of
/// sum(output * slope) by the chain rule, a token after the other. One head.
struct naive_scan {
    using row = std::vector<double>;

    std::size_t tokens, channels, states;
    row         input, step, gate, written, read;  // (tokens, channels) three times, (tokens, states) twice
    row         log_rate, skip, bias;              // (channels, states), (channels) twice

    struct gradients {
        row input, step, gate, written, read, log_rate, skip, bias;
    };

    row output() const {
        row const h = all_states();
        row       y(tokens * channels);
        for (std::size_t t = 0; t < tokens; ++t)
            for (std::size_t c = 0; c < channels; ++c) y[t * channels + c] = seen(h, t, c) * silu(gate[t * channels + c]);
        return y;
    }
    gradients gradient(row const& slope) const {
        row const h = all_states();
        gradients g{row(input.size()), row(step.size()), row(gate.size()), row(written.size()), row(read.size()), row(log_rate.size()),
                    row(channels), row(channels)};
        for (std::size_t c = 0; c < channels; ++c) {
            row behind(states);
            for (std::size_t t = tokens; t-- > 0;) {
                std::size_t const i = t * channels + c;
                double const      l = 1 / (1 + std::exp(-gate[i])), dy = slope[i] * silu(gate[i]), d = step_of(t, c);
                g.gate[i]           = slope[i] * seen(h, t, c) * (l + gate[i] * l * (1 - l));
                g.skip[c] += dy * input[i];
                g.input[i] = dy * skip[c];
                double of_step = 0;
                for (std::size_t n = 0; n < states; ++n) {
                    double const a = -std::exp(log_rate[c * states + n]), keep = std::exp(d * a);
                    double const before = t > 0 ? h[(i - channels) * states + n] : 0, dh = behind[n] + dy * read[t * states + n];
                    g.read[t * states + n] += dy * h[i * states + n];
                    g.written[t * states + n] += dh * d * input[i];
                    g.input[i] += dh * d * written[t * states + n];
                    of_step += dh * (a * keep * before + written[t * states + n] * input[i]);
                    g.log_rate[c * states + n] += dh * d * keep * before * a;
                    behind[n] = dh * keep;
                }
                g.step[i] = of_step / (1 + std::exp(-(step[i] + bias[c])));
                g.bias[c] += g.step[i];
            }
        }
        return g;
    }

  private:
    static double silu(double z) { return z / (1 + std::exp(-z)); }
    double step_of(std::size_t t, std::size_t c) const { return std::log1p(std::exp(step[t * channels + c] + bias[c])); }
    double seen(row const& h, std::size_t t, std::size_t c) const {
        double y = skip[c] * input[t * channels + c];
        for (std::size_t n = 0; n < states; ++n) y += read[t * states + n] * h[(t * channels + c) * states + n];
        return y;
    }
    row all_states() const {
        row h(tokens * channels * states);
        for (std::size_t t = 0; t < tokens; ++t)
            for (std::size_t c = 0; c < channels; ++c)
                for (std::size_t n = 0; n < states; ++n) {
                    std::size_t const i = t * channels + c;
                    double const      d = step_of(t, c), a = -std::exp(log_rate[c * states + n]);
                    h[i * states + n]   = (t > 0 ? std::exp(d * a) * h[(i - channels) * states + n] : 0) + d * written[t * states + n] * input[i];
                }
        return h;
    }
};

}  // namespace test
