#pragma once
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/io/hf_config_reader.hpp>
#include <midtrain/io/hf_rotary.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>

namespace midtrain::inline MT_ABI::io::detail {

/// One of config.json's two tables of positions. What changes the angles and is not known here is refused by name.
class hf_rotary_table {
  public:
    /// `usual_base`: where the table has none. `trained`: what the configuration says of it outside of the table, or 0. `usual_part`: of a
    /// head that turns, where the table does not say; 0: the model turns whole heads.
    hf_rotary_table(hf_reader const& all, std::string const& where, json const& v, double usual_base, index_t trained, index_t context,
                    double usual_part = 0)
        : table_(&v), r_(v, all.path() + ": '" + where + "'"), trained_(trained), usual_part_(usual_part),
          p_{.type = r_.text("rope_type", r_.text("type", "default")), .base = r_.number("rope_theta", usual_base), .context = context} {
        if (p_.type == "su") p_.type = "longrope";  // what Phi-3 called it first
    }

    hf_rotary whole() {
        static constexpr std::string_view known[] = {"default", "linear", "dynamic", "yarn", "llama3", "longrope", "proportional"};
        bool found = false;
        for (auto const k : known) found |= k == p_.type;
        r_.require(found, "the rope_type '" + p_.type + "' is none of default, linear, dynamic, yarn, llama3, longrope and proportional");
        r_.require(p_.base > 1 && p_.base <= 1e300, "'rope_theta' is " + written(p_.base) + ", not above 1");
        refuse_strangers();
        if (p_.type == "proportional" || usual_part_ > 0) part();
        if (p_.type == "default") return p_;
        bool const by_lengths = p_.type == "longrope" && r_.absent("factor");
        if (is("yarn", "llama3", "longrope"))  // as transformers fills it
            p_.trained = trained_ > 0 ? trained_ : r_.whole("original_max_position_embeddings", static_cast<int>(p_.context));
        p_.factor = by_lengths ? position::stretch(p_.trained, p_.context)
                               : p_.type == "proportional" ? r_.number("factor", 1) : r_.number("factor");
        r_.require(p_.factor >= 1 && p_.factor <= 1e6, "'factor' is " + written(p_.factor) + (p_.factor >= 1 ? ", above a million" : ", below 1"));
        if (is("yarn", "llama3")) ramp();
        if (is("yarn", "longrope")) temperature();
        if (p_.type == "longrope") p_.long_factor = list("long_factor"), p_.short_factor = list("short_factor");
        return p_;
    }

  private:
    bool is(std::string_view a, std::string_view b, std::string_view c = "") const { return p_.type == a || p_.type == b || p_.type == c; }

    void refuse_strangers() const {
        auto const ends = hf_ramp_keys(p_.type);
        for (auto const& [key, value] : *table_->as<json::object>()) {
            bool const any = key == "rope_type" || key == "type" || key == "rope_theta" || key == "factor" || key == "finetuned" ||
                             key == "original_max_position_embeddings";
            bool const own = (is("yarn", "llama3") && (key == ends.fast || key == ends.slow)) ||
                             (is("yarn", "longrope") && key == "attention_factor") ||
                             (p_.type == "yarn" && (key == "truncate" || key == "mscale" || key == "mscale_all_dim")) ||
                             (p_.type == "longrope" && (key == "long_factor" || key == "short_factor"));
            bool const whole = key == "partial_rotary_factor" && (p_.type == "proportional" || usual_part_ > 0 || r_.number(key, 1) == 1);
            r_.require(any || own || whole || r_.absent(key) || (key == "truncate" && r_.flag(key, true)),
                       "'" + key + "' changes the angles in a way that midtrain does not know");
        }
    }
    void part() {
        p_.part = r_.number("partial_rotary_factor", usual_part_ > 0 ? usual_part_ : 1);
        r_.require((p_.part > 0 || (p_.part == 0 && p_.type == "proportional")) && p_.part <= 1, "'partial_rotary_factor' is " + written(p_.part) + ", not between 0 and 1");
    }
    void ramp() {
        bool const yarn = p_.type == "yarn";
        auto const ends = hf_ramp_keys(p_.type);
        p_.fast = yarn ? r_.number(ends.fast, 32) : r_.number(ends.fast);
        p_.slow = yarn ? r_.number(ends.slow, 1) : r_.number(ends.slow);
        r_.require(p_.slow > 0 && p_.fast > p_.slow, "'" + std::string(ends.fast) + "' is not above '" + ends.slow + "'");
    }
    void temperature() {
        p_.attention_factor = r_.number("attention_factor", 0);
        r_.require(p_.attention_factor >= 0, "'attention_factor' is below zero");
        if (p_.type == "longrope") return;
        p_.mscale = r_.number("mscale", 0), p_.mscale_all_dim = r_.number("mscale_all_dim", 0), p_.truncate = r_.flag("truncate", true);
        // What transformers would make of them is no temperature.
        r_.require(hf_attention_factor(p_) > 0, "'mscale' and 'mscale_all_dim' make a temperature that is not above zero");
        if (nearly(p_.attention_factor, hf_attention_factor({.type = "yarn", .factor = p_.factor}))) p_.attention_factor = 0;
    }
    std::vector<double> list(char const* key) const {
        auto const v = r_.find(key);
        auto const a = v ? v->as<json::array>() : nullptr;
        r_.require(a != nullptr, "'" + std::string(key) + (v ? "' is no list" : "' is missing"));
        r_.require(a->size() <= position::pair_factors::capacity,
                   "'" + std::string(key) + "' has " + std::to_string(a->size()) + " factors; midtrain's heads have at most " +
                       std::to_string(position::pair_factors::capacity) + " pairs");
        std::vector<double> all;
        for (auto const& x : *a) {
            auto const d = x.as<double>();
            r_.require(d && *d > 0, "'" + std::string(key) + "' holds something that is no number above zero");
            all.push_back(*d);
        }
        return all;
    }

    json const* table_;
    hf_reader   r_;
    index_t     trained_;
    double      usual_part_;
    hf_rotary   p_;
};

/// Positions: `rope_parameters` (transformers 5), or `rope_theta` and `rope_scaling` (before it); both must say the same. `usual_part`: where
/// a part of each head may turn, the part that does if nothing is said. `usual_trained`: original_max_position_embeddings if nothing is said.
inline hf_rotary read_hf_rotary(hf_reader const& r, index_t context, double usual_base, double usual_part = 0, index_t usual_trained = 0) {
    auto const   now = r.find("rope_parameters"), before = r.find("rope_scaling");
    double const base = r.number("rope_theta", usual_base);
    index_t const trained = r.absent("original_max_position_embeddings") ? usual_trained : r.whole("original_max_position_embeddings");
    double const  part    = usual_part > 0 ? r.number("partial_rotary_factor", usual_part) : 0;
    r.require(part == 0 ? usual_part == 0 : part > 0 && part <= 1, "'partial_rotary_factor' is " + written(part) + ", not above 0 and at most 1");
    auto const   table = [&](char const* where, json const& v) { return hf_rotary_table(r, where, v, base, trained, context, part).whole(); };
    if (!now && !before) return {.base = base, .context = context, .part = usual_part > 0 ? part : 1};
    if (!now) return table("rope_scaling", *before);
    auto const p = table("rope_parameters", *now);
    r.require(r.absent("rope_theta") || nearly(base, p.base), "'rope_theta' and 'rope_parameters' differ");
    if (before) {
        auto const old = table("rope_scaling", *before);
        r.require(old == p, "'rope_scaling' and 'rope_parameters' differ");
    }
    return p;
}

}  // namespace midtrain::inline MT_ABI::io::detail
