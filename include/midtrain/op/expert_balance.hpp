#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/expert_shape.hpp>
#include <midtrain/problem/router_load.hpp>

// The losses that keep experts busy alike (balance_weights), and what is counted of a router's load. All are sum f(e) p(e) with f a count,
// which is taken as a constant, and p a mean of scores that sum to one, so their gradient is one number for each sequence and expert.
namespace midtrain::inline MT_ABI::op {

/// Choices by sequence and expert, of the tokens' experts and of the best plain scores, and sums of scores. One sequence a team.
template <class C>
struct sequence_loads {
    matrix_view<C const>            scores;   // (tokens, experts)
    row_view<C const>               total;    // (tokens): of a token's scores
    row_view<C const>               log_sum;  // (tokens)
    matrix_view<std::int32_t const> chosen;   // (tokens, chosen)
    matrix_view<std::int32_t const> best;     // (tokens, chosen): by score alone
    matrix_view<std::int32_t>       count, best_count;  // (sequences, experts)
    matrix_view<C>                  mean;     // (sequences, experts): of scores that sum to one
    row_view<C>                     square;   // (sequences): mean of log_sum^2

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t s) const {
        index_t const length = scores.rows / count.rows, first = s * length, k = chosen.columns;
        auto const    self   = *this;
        team.each(scores.columns, [=](index_t e) {
            auto const of = [=](matrix_view<std::int32_t const> which) {
                auto const   at = which.data + first * k;
                std::int32_t n  = 0;
                for (index_t i = 0; i < length * k; ++i) n += at[i] == e;
                return n;
            };
            self.count(s, e)      = of(self.chosen);
            self.best_count(s, e) = self.best.data == self.chosen.data ? self.count(s, e) : of(self.best);
            C sum_of              = 0;
            for (index_t t = first; t < first + length; ++t) sum_of += self.scores(t, e) / self.total[t];
            self.mean(s, e) = sum_of / C(length);
        });
        C const squares = team.reduce(length, sum{}, [=](index_t t) { return self.log_sum[first + t] * self.log_sum[first + t]; });
        if (team.leads()) square[s] = squares / C(length);
    }
};

/// Adds a micro-batch to the load and finds the gradient of all balance losses for the scores that sum to one: slope(sequence, expert), the
/// same for all tokens of the sequence. `share`: of the micro-batch in the global one. One row.
template <class C>
struct balance_experts {
    matrix_view<std::int32_t const> count, best_count;  // (sequences, experts)
    matrix_view<C const>            mean;     // (sequences, experts)
    row_view<C const>               square;   // (sequences)
    matrix_view<C>                  slope;    // (sequences, experts)
    row_view<double>                batch;    // (2 * experts + 2 * devices): workspace
    router_load                     load;
    balance_weights                 weights;
    index_t                         length, chosen, devices, room;
    double                          share;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t) const {
        auto const    self      = *this;
        index_t const sequences = count.rows, n = count.columns, of_device = n / devices, d = devices;
        double const  tokens    = static_cast<double>(sequences * length), even = static_cast<double>(n) / static_cast<double>(chosen);
        double* const f         = batch.data;      // N / k times the share of choices
        double* const p         = f + n;           // the mean score
        double* const f_device  = p + n;           // the same of devices
        double* const p_device  = f_device + d;
        double const  overflown = team.reduce(n, sum{}, [=](index_t e) { return self.add(e, f, p); });
        double const  all       = load.tokens() + tokens;
        team.each(d, [=](index_t g) {
            f_device[g] = p_device[g] = 0;
            for (index_t e = g * of_device; e < (g + 1) * of_device; ++e) f_device[g] += f[e] / static_cast<double>(of_device), p_device[g] += p[e];
        });
        double const by = self.share / tokens;
        team.each(sequences * n, [=](index_t i) {
            index_t const s = i / n, e = i % n;
            self.slope(s, e) = C(by * (self.weights.sequence * even * self.best_count(s, e) / static_cast<double>(self.length) +
                                       self.weights.micro_batch * f[e] + self.weights.global_batch * even * self.load.choices(e) / all +
                                       self.weights.devices * f_device[e / of_device]));
        });
        double const sequence = team.reduce(sequences * n, sum{}, [=](index_t i) {
            return even * self.best_count(i / n, i % n) / static_cast<double>(self.length * sequences) * static_cast<double>(self.mean(i / n, i % n));
        });
        double const micro  = team.reduce(n, sum{}, [=](index_t e) { return f[e] * p[e]; });
        double const global = team.reduce(n, sum{}, [=](index_t e) { return even * self.load.choices(e) / all * p[e]; });
        double const device = team.reduce(d, sum{}, [=](index_t g) { return f_device[g] * p_device[g]; });
        double const z      = team.reduce(sequences, sum{}, [=](index_t s) { return static_cast<double>(self.square[s]); });
        if (!team.leads()) return;
        load.tokens() = all;
        load.overflow() += overflown;
        double const loss[router_load::losses] = {sequence, micro, global, device, z / static_cast<double>(sequences)};
        for (index_t k = 0; k < router_load::losses; ++k) load.loss(k) += share * loss[k];
    }

  private:
    /// One expert: its f and p, its load, and how many of its choices found no room.
    MT_HOST_DEVICE double add(index_t e, double* f, double* p) const {
        index_t const sequences = count.rows;
        double        choices = 0, scores = 0;
        for (index_t s = 0; s < sequences; ++s) choices += count(s, e), scores += static_cast<double>(mean(s, e));
        f[e] = choices * static_cast<double>(count.columns) / static_cast<double>(chosen * length * sequences);
        p[e] = scores / static_cast<double>(sequences);
        load.choices(e) += choices;
        return room > 0 && choices > static_cast<double>(room) ? choices - static_cast<double>(room) : 0.0;
    }
};

/// bias(e) += speed * sign(mean load - load of e): the balance without a loss (Wang et al. 2024, algorithm 1; DeepSeek-V3, section 2.1.2).
/// One router a team; `stored` may round what `master` keeps.
template <class M, class T>
struct move_bias {
    row_view<M> master;  // (experts)
    row_view<T> stored;  // (experts)
    router_load load;
    double      speed;
    std::int64_t const* applies = nullptr;  // a step's, on the device; none: it does

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t) const {
        if (applies && *applies == 0) return;  // the same for all lanes of a team
        auto const    self = *this;
        index_t const n    = master.size();
        double const  mean = team.reduce(n, sum{}, [=](index_t e) { return self.load.choices(e); }) / static_cast<double>(n);
        team.each(n, [=](index_t e) {
            double const apart = mean - self.load.choices(e);
            self.master[e]     = M(static_cast<double>(self.master[e]) + (apart > 0 ? self.speed : apart < 0 ? -self.speed : 0.0));
            self.stored[e]     = T(computed_t<M>(self.master[e]));
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
