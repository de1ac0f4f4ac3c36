#pragma once
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>
#include <midtrain/io/hf_rotary.hpp>
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

    /// Positions: `rope_parameters` (transformers 5), or `rope_theta` and `rope_scaling` (before it); both must say the same.
    hf_rotary rotary(index_t context, double usual_base) const {
        auto const now = find("rope_parameters"), before = find("rope_scaling");
        double const base = number("rope_theta", usual_base);
        if (!now) return before ? rotary_in("rope_scaling", *before, base, context) : hf_rotary{.base = base, .context = context};
        auto const r = rotary_in("rope_parameters", *now, base, context);
        require(absent("rope_theta") || nearly(base, r.base), "'rope_theta' and 'rope_parameters' differ");
        if (before) {
            auto const old = rotary_in("rope_scaling", *before, base, context);
            require(old.type == r.type && old.factor == r.factor && old.trained == r.trained && old.fast == r.fast && old.slow == r.slow,
                    "'rope_scaling' and 'rope_parameters' differ");
        }
        return r;
    }

  private:
    hf_rotary rotary_in(std::string const& where, json const& v, double base, index_t context) const {
        require(v.as<json::object>() != nullptr, "'" + where + "' is no JSON object");
        hf_reader const r(v, path_ + ": '" + where + "'");
        hf_rotary       p{.type = r.text("rope_type", r.text("type", "default")), .base = r.number("rope_theta", base), .context = context};
        bool const yarn = p.type == "yarn", ramp = yarn || p.type == "llama3";
        auto const ends = hf_ramp_keys(p.type);
        r.require(p.type == "default" || p.type == "linear" || ramp,
                  "the rope_type '" + p.type + "' is none of default, linear, yarn and llama3");
        r.require(p.base > 1, "'rope_theta' is " + written(p.base) + ", not above 1");
        for (auto const& [key, value] : *v.as<json::object>()) {
            bool const known = key == "rope_type" || key == "type" || key == "rope_theta" || key == "factor" || key == "finetuned" ||
                               key == "original_max_position_embeddings" || (ramp && (key == ends.fast || key == ends.slow));
            if (known || r.absent(key)) continue;
            if (yarn && key == "attention_factor") continue;  // judged below
            if (key == "truncate" && r.flag(key, true)) continue;
            if (key == "partial_rotary_factor" && r.number(key, 1) == 1) continue;
            r.require(false, "'" + key + "' changes the angles in a way that midtrain does not know");
        }
        if (p.type == "default") return p;
        p.factor = r.number("factor");
        r.require(p.factor >= 1, "'factor' is " + written(p.factor) + ", below 1");
        if (!ramp) return p;
        p.trained = r.whole("original_max_position_embeddings", static_cast<int>(context));  // as transformers fills it
        p.fast    = yarn ? r.number(ends.fast, 32) : r.number(ends.fast);
        p.slow    = yarn ? r.number(ends.slow, 1) : r.number(ends.slow);
        r.require(p.slow > 0 && p.fast > p.slow, "'" + std::string(ends.fast) + "' is not above '" + ends.slow + "'");
        if (!yarn) return p;
        double const heat = 0.1 * std::log(p.factor) + 1;
        r.require(std::abs(r.number("attention_factor", heat) - heat) < 1e-6, "'attention_factor' is not 0.1 ln(factor) + 1");
        return p;
    }

    json const* all_;
    std::string path_;
};

}  // namespace midtrain::inline MT_ABI::io::detail
