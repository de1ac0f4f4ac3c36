#pragma once
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>

namespace midtrain::inline MT_ABI::io::detail {

/// Fields of a config.json with their defaults. null is as good as absent, as in transformers.
class hf_reader {
  public:
    hf_reader(json const& all, std::string const& path) : all_(&all), path_(path) {
        require(all.as<json::object>() != nullptr, "is no JSON object");
    }

    void require(bool condition, std::string const& what) const {
        check(condition, [&] { return path_ + ": " + what; });
    }
    std::string const& path() const { return path_; }
    json const* find(std::string_view key) const {
        auto const v = all_->find(key);
        return v && !v->as<std::nullptr_t>() ? v : nullptr;
    }
    bool absent(std::string_view key) const { return find(key) == nullptr; }
    /// Whether the key stands there, null or not.
    bool names(std::string_view key) const { return all_->find(key) != nullptr; }

    double number(std::string_view key, std::optional<double> absent = {}) const {
        auto const v = find(key);
        if (!v && absent) return *absent;
        require(v && v->as<double>(), "'" + std::string(key) + (v ? "' is no number" : "' is missing"));
        return *v->as<double>();
    }
    /// A positive whole number.
    int whole(std::string_view key, std::optional<int> absent = {}) const {
        double const d = absent ? number(key, static_cast<double>(*absent)) : number(key);
        require(d >= 1 && d <= std::numeric_limits<int>::max() && d == std::floor(d),
                "'" + std::string(key) + "' is " + written(d) + ", not a positive whole number");
        return static_cast<int>(d);
    }
    bool flag(std::string_view key, bool absent) const {
        auto const v = find(key);
        require(!v || v->as<bool>(), "'" + std::string(key) + "' is neither true nor false");
        return v ? *v->as<bool>() : absent;
    }
    std::string text(std::string_view key, std::string absent) const {
        auto const v = find(key);
        require(!v || v->as<std::string>(), "'" + std::string(key) + "' is no text");
        return v ? *v->as<std::string>() : absent;
    }
    void must_be(std::string_view key, bool value) const {
        require(flag(key, value) == value,
                "'" + std::string(key) + "' is " + (value ? "false" : "true") + ", which midtrain's model does not have");
    }
    /// A token's number, or the first of a list.
    int first_token(std::string_view key, int absent) const {
        auto       v    = find(key);
        auto const list = v ? v->as<json::array>() : nullptr;
        if (list) v = list->empty() ? nullptr : &list->front();
        if (!v) return absent;
        auto const d = v->as<double>();
        require(d && *d >= 0 && *d <= std::numeric_limits<int>::max() && *d == std::floor(*d), "'" + std::string(key) + "' is no token");
        return static_cast<int>(*d);
    }

  private:
    json const* all_;
    std::string path_;
};

}  // namespace midtrain::inline MT_ABI::io::detail
