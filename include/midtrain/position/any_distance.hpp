#pragma once
#include <midtrain/position/dual_chunk.hpp>
#include <midtrain/position/self_extend.hpp>
#include <midtrain/problem/distance.hpp>

namespace midtrain::inline MT_ABI::position {

/// One of the distances, chosen while the program runs; by itself as they stand.
class any_distance {
    enum class kind { none, dual_chunk, self_extend };

    template <class F>
    MT_HOST_DEVICE constexpr auto visit(F const& f) const -> decltype(f(as_they_stand{})) {
        switch (kind_) {
            case kind::dual_chunk: return f(dual_chunk{.chunk = first_, .local = second_});
            case kind::self_extend: return f(self_extend{.group = first_, .window = second_});
            default: return f(as_they_stand{});
        }
    }

  public:
    constexpr any_distance() = default;
    constexpr any_distance(dual_chunk const& d) : kind_(kind::dual_chunk), first_(d.chunk), second_(d.local), fits_(d.fits()) {}
    constexpr any_distance(self_extend const& d) : kind_(kind::self_extend), first_(d.group), second_(d.window), fits_(d.fits()) {}

    constexpr bool changes() const { return kind_ != kind::none; }
    constexpr bool fits() const { return fits_; }

    MT_HOST_DEVICE constexpr int forms() const {
        return visit([](auto const& d) { return d.forms(); });
    }
    MT_HOST_DEVICE constexpr int key_forms() const {
        return visit([](auto const& d) { return d.key_forms(); });
    }
    MT_HOST_DEVICE constexpr int key_form(int form) const {
        return visit([=](auto const& d) { return d.key_form(form); });
    }
    MT_HOST_DEVICE constexpr index_t first_key(int form, index_t query) const {
        return visit([=](auto const& d) { return d.first_key(form, query); });
    }
    MT_HOST_DEVICE constexpr index_t query_position(int form, index_t t) const {
        return visit([=](auto const& d) { return d.query_position(form, t); });
    }
    MT_HOST_DEVICE constexpr index_t key_position(int form, index_t t) const {
        return visit([=](auto const& d) { return d.key_position(form, t); });
    }
    MT_HOST_DEVICE constexpr index_t reach(index_t length) const {
        return visit([=](auto const& d) { return d.reach(length); });
    }
    MT_HOST_DEVICE constexpr index_t spans(index_t length) const {
        return visit([=](auto const& d) { return d.spans(length); });
    }

  private:
    kind    kind_  = kind::none;
    index_t first_ = 1, second_ = 1;
    bool    fits_  = true;
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::any_distance;
}
