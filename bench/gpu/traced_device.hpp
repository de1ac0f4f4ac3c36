#pragma once
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/types.hpp>

namespace bench {

/// What the time of a step goes to.
enum class work { products, attention, optimizer, elementwise };
inline constexpr std::array<char const*, 4> work_names{"products", "attention", "optimizer", "elementwise"};

/// Which of them a functor or a problem is, by the name of its type.
template <class F>
constexpr work work_of() {
    std::string_view const name  = __PRETTY_FUNCTION__;
    auto const             about = [&](char const* word) { return name.find(word) != std::string_view::npos; };
    if (about("attention")) return work::attention;
    if (about("gemm")) return work::products;
    if (about("elementwise_step") || about("squares_of") || about("sum_of_part") || about("settle_step")) return work::optimizer;
    return work::elementwise;
}

/// A device that, once trace() was called, remembers when each of its operations began and ended, in the device's own time. `Clock` stamps: whether what is asked for
/// now counts(), and begins_anew() or adds to what was; index stamp(), double seconds(index, index), and whether a graph repeats() the stamps.
template <class Base, class Clock>
class traced : public Base {
  public:
    using Base::Base;

    template <class F>
    void elements(midtrain::index_t n, F const& f) {
        timed(work_of<F>(), [&] { Base::elements(n, f); });
    }
    template <class F>
    void rows(midtrain::index_t n, F const& f) {
        timed(work_of<F>(), [&] { Base::rows(n, f); });
    }
    template <class Problem>
    void gemm(Problem const& p) {
        timed(work::products, [&] { Base::gemm(p); });
    }
    template <class Problem>
        requires requires(Base& b, Problem const& p) { b.run(p); }
    void run(Problem const& p) {
        timed(work_of<Problem>(), [&] { Base::run(p); });
    }

    void trace() { traces_ = true; }
    /// Forgets what was, so that steps from here on count.
    void forget() { spans_.clear(), clock_.forget(); }

    /// Seconds that each kind took, of all operations since, or of one repetition where a graph repeats them.
    std::array<double, 4> seconds() {
        Base::wait();
        std::array<double, 4> all{};
        for (auto const& s : spans_) all[static_cast<std::size_t>(s.kind)] += clock_.seconds(s.begin, s.end);
        return all;
    }
    bool        repeats() const { return clock_.repeats(); }
    std::size_t operations() const { return spans_.size(); }

  private:
    struct span {
        work        kind;
        std::size_t begin, end;
    };

    template <class F>
    void timed(work kind, F&& f) {
        if (!traces_ || !clock_.counts()) return f();
        if (clock_.begins_anew()) spans_.clear(), clock_.forget();
        auto const begin = clock_.stamp();
        f();
        spans_.push_back({kind, begin, clock_.stamp()});
    }

    bool              traces_ = false;
    Clock             clock_{static_cast<Base&>(*this)};
    std::vector<span> spans_;
};

}  // namespace bench
