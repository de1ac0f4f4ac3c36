#pragma once
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/short_name.hpp>

namespace midtrain::inline MT_ABI {

/// Values by source for sources whose names are known at run time only: stands where a user's `sources<T>` stands.
template <class T>
struct named_sources {
    static constexpr std::size_t most = 64;

    std::vector<std::pair<short_name, T>> all{};

    void add(std::string_view name, T value) {
        check(find(name) == nullptr, [&] { return "source '" + std::string(name) + "' stands twice"; });
        check(all.size() < most, "there are more than 64 sources");
        all.emplace_back(short_name(name), std::move(value));
    }
    T const* find(std::string_view name) const {
        auto const at = std::find_if(all.begin(), all.end(), [&](auto const& s) { return std::string_view(s.first) == name; });
        return at == all.end() ? nullptr : &at->second;
    }
    /// f(name, value) for each, in order.
    template <class F>
    constexpr void for_each_part(F&& f) {
        for (auto& [name, value] : all) f(std::string_view(name), value);
    }
    template <class F>
    constexpr void for_each_part(F&& f) const {
        for (auto const& [name, value] : all) f(std::string_view(name), value);
    }
};

/// Their weights at one moment, without memory from the heap.
class source_weights {
  public:
    constexpr void        add(double w) { values_[size_++] = w; }
    constexpr std::size_t size() const { return size_; }
    constexpr double&     operator[](std::size_t i) { return values_[i]; }
    constexpr double      operator[](std::size_t i) const { return values_[i]; }
    constexpr double*     begin() { return values_; }
    constexpr double*     end() { return values_ + size_; }
    constexpr double const* begin() const { return values_; }
    constexpr double const* end() const { return values_ + size_; }

  private:
    double      values_[named_sources<double>::most] = {};
    std::size_t size_                                = 0;
};

}  // namespace midtrain::inline MT_ABI
