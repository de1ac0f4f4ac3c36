#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>

// What the results of evaluations share when they are written as JSON and read again.
namespace midtrain::inline MT_ABI::detail {

/// An array of numbers.
template <class Range>
io::json json_numbers(Range const& all) {
    io::json::array a(all.size());
    std::size_t     i = 0;
    for (auto const& x : all) a[i++].value = static_cast<double>(x);
    io::json v;
    v.value = std::move(a);
    return v;
}

/// An array of what `one` makes of each.
template <class Range, class One>
io::json json_list(Range const& all, One const& one) {
    io::json::array a(all.size());
    std::size_t     i = 0;
    for (auto const& x : all) a[i++] = one(x);
    io::json v;
    v.value = std::move(a);
    return v;
}

/// Members of a result being read; what is missing or of another type is named with the file.
class result_reader {
  public:
    result_reader(io::json const& of, std::string_view where) : of_(&of), where_(where) {}

    void require(bool condition, char const* what) const {
        check(condition, [&] { return std::string(where_) + ": " + what; });
    }
    template <class T>
    T const& get(char const* name) const {
        auto const v = of_->find(name);
        check(v && v->template as<T>(), [&] { return std::string(where_) + ": '" + name + "' is missing or of another type"; });
        return *v->template as<T>();
    }
    double       number(char const* name) const { return get<double>(name); }
    std::int64_t whole(char const* name) const { return whole_of(number(name), name); }

    std::vector<double> numbers(char const* name) const {
        std::vector<double> all;
        for (auto const& x : get<io::json::array>(name)) {
            check(x.as<double>() != nullptr, [&] { return std::string(where_) + ": '" + name + "' has an entry that is no number"; });
            all.push_back(*x.as<double>());
        }
        return all;
    }
    std::vector<std::int64_t> wholes(char const* name) const {
        std::vector<std::int64_t> all;
        for (double x : numbers(name)) all.push_back(whole_of(x, name));
        return all;
    }

  private:
    std::int64_t whole_of(double x, char const* name) const {
        check(x >= -9e15 && x <= 9e15 && x == static_cast<double>(static_cast<std::int64_t>(x)),
              [&] { return std::string(where_) + ": '" + name + "' is no whole number"; });
        return static_cast<std::int64_t>(x);
    }

    io::json const*  of_;
    std::string_view where_;
};

}  // namespace midtrain::inline MT_ABI::detail
