#pragma once
#include <cmath>
#include <cstddef>
#include <vector>

namespace test {

/// A double that remembers what it was made of, so that one walk backward gives its slope by every number it depends on (Wengert 1964).
class traced {
  public:
    double value = 0;

    traced(double v = 0) : value(v) {}
    /// One that slopes are asked for.
    static traced input(double v) { return {v, {}, 0, {}, 0}; }

    friend traced operator+(traced a, traced b) { return {a.value + b.value, a, 1, b, 1}; }
    friend traced operator-(traced a, traced b) { return {a.value - b.value, a, 1, b, -1}; }
    friend traced operator*(traced a, traced b) { return {a.value * b.value, a, b.value, b, a.value}; }
    friend traced operator/(traced a, traced b) { return {a.value / b.value, a, 1 / b.value, b, -a.value / (b.value * b.value)}; }
    friend traced exp(traced a) { return {std::exp(a.value), a, std::exp(a.value), {}, 0}; }
    friend traced log(traced a) { return {std::log(a.value), a, 1 / a.value, {}, 0}; }
    friend traced sqrt(traced a) { return {std::sqrt(a.value), a, 0.5 / std::sqrt(a.value), {}, 0}; }
    traced& operator+=(traced b) { return *this = *this + b; }

    static void forget() { steps().clear(); }
    /// Slopes of `y` by all that was remembered; slope_of() reads one.
    static std::vector<double> slopes(traced y) {
        std::vector<double> d(steps().size(), 0.0);
        d[y.at_] = 1;
        for (std::size_t n = d.size(); n-- > 0;)
            for (auto const& from : steps()[n].from)
                if (from.at != none) d[from.at] += d[n] * from.slope;
        return d;
    }
    double slope_of(std::vector<double> const& slopes) const { return slopes[at_]; }

  private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    struct step {
        struct {
            std::size_t at;
            double      slope;
        } from[2];
    };
    static std::vector<step>& steps() {
        static std::vector<step> all;
        return all;
    }
    traced(double v, traced a, double by_a, traced b, double by_b) : value(v), at_(steps().size()) {
        steps().push_back({{{a.at_, by_a}, {b.at_, by_b}}});
    }

    std::size_t at_ = none;
};

}  // namespace test
