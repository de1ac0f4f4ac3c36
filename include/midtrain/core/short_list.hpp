#pragma once
#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <midtrain/core/blank.hpp>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI {

/// At most `Most` values in a row, which a constexpr recipe can own: the points of a plan. Settings know them by number: points.0.rate.
template <class T, std::size_t Most = 16>
class short_list {
  public:
    using value_type                      = T;
    static constexpr std::size_t capacity = Most;

    constexpr short_list() : items_(nothing(std::make_index_sequence<capacity>{})) {}
    constexpr short_list(std::initializer_list<T> all) : short_list() {
        for (T const& x : all) push_back(x);
    }

    constexpr void push_back(T const& x) {
        if (size_ == capacity) refuse();
        items_[size_++] = x;
    }
    constexpr void        clear() { size_ = 0; }
    constexpr std::size_t size() const { return size_; }
    constexpr bool        empty() const { return size_ == 0; }
    constexpr T const&    operator[](std::size_t i) const { return items_[i]; }
    constexpr T&          operator[](std::size_t i) { return items_[i]; }
    constexpr T const&    back() const { return items_[size_ - 1]; }
    constexpr T const*    begin() const { return items_.data(); }
    constexpr T const*    end() const { return items_.data() + size_; }

    template <class F>
    constexpr void for_each_part(F&& f) {
        for (std::size_t i = 0; i < size_; ++i) f(name(i), items_[i]);
    }
    template <class F>
    constexpr void for_each_part(F&& f) const {
        for (std::size_t i = 0; i < size_; ++i) f(name(i), items_[i]);
    }

  private:
    static_assert(Most <= 1000, "midtrain: a short_list has at most 1000 values, since it writes their numbers in three digits");
    static constexpr auto digits = [] {
        std::array<std::array<char, 3>, capacity> all{};
        for (std::size_t i = 0; i < capacity; ++i)
            for (std::size_t n = i, k = i < 10 ? 1 : i < 100 ? 2 : 3; k > 0; n /= 10) all[i][--k] = static_cast<char>('0' + n % 10);
        return all;
    }();
    static constexpr std::string_view name(std::size_t i) { return {digits[i].data(), i < 10 ? 1u : i < 100 ? 2u : 3u}; }

    template <std::size_t... I>
    static constexpr std::array<T, capacity> nothing(std::index_sequence<I...>) {
        return {(static_cast<void>(I), blank<T>())...};
    }
    // Not constexpr: in a constant expression a list that is too long does not compile.
    [[noreturn]] static void refuse() { throw error("a list has more values than there is room for"); }

    std::array<T, capacity> items_;
    std::size_t             size_ = 0;
};

}  // namespace midtrain::inline MT_ABI
