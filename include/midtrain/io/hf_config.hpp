#pragma once
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/hf_config_reader.hpp>
#include <midtrain/io/hf_families.hpp>
#include <midtrain/io/hf_quantisation.hpp>
#include <midtrain/io/hf_rotary.hpp>
#include <midtrain/io/hf_shape.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace midtrain::inline MT_ABI::io {

/// What a config.json of a model of one of hf_families says; `path` stands in errors. What is left out has transformers' default; what would
/// change the mathematics and is not known here is refused by name.
inline hf_config hf_config_from(json const& all, std::string const& path) {
    detail::hf_reader const r(all, path);
    auto const              type   = r.text("model_type", "");
    auto const              family = hf_family_named(type);
    r.require(family.has_value(), "'model_type' is '" + type + "'; midtrain reads " + hf_family_names());
    detail::check_quantisation(r);
    hf_config c{.path = path, .family = *family};
    words_of(*family).read(r, c);
    return c;
}
inline hf_config read_hf_config(std::string const& path) {
    mapped_file const file(path);
    return hf_config_from(parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path), path);
}

/// Compares a config.json with a compiled shape, field by field: weights that do not fit, or that would compute something else, are
/// refused with the field's name, what the file says and what the shape has. Positions are compared by the next function.
template <class Shape>
void check_hf_shape(hf_config const& c, hf_family family, Shape const& s) {
    auto const& words = words_of(family);
    check(written_as(c) == family, [&] {
        return c.path + ": 'model_type' is " + std::string(words_of(c.family).name) + " where the program has " + std::string(words.name);
    });
    auto const why = detail::hf_difference(c, hf_config_of(s), words.keys);
    check(why.empty(), [&] { return c.path + ": " + why; });
}

/// Compares the positions of a config.json with a policy: whether the weights were trained with it.
template <class Policy>
void check_hf_positions(hf_config const& c, Policy const& policy) {
    auto const want = hf_rotary_of(policy, c.head_size);
    auto const same = [&](char const* name, double file, double ours) {
        check(nearly(file, ours),
              [&] { return c.path + ": '" + name + "' is " + written(file) + " where the position policy has " + written(ours); });
    };
    check(c.rotary.type == want.type,
          [&] { return c.path + ": 'rope_type' is " + c.rotary.type + " where the position policy is " + want.type; });
    same("rope_theta", c.rotary.base, want.base);
    same("partial_rotary_factor", c.rotary.part, want.part);
    if (want.type == "default") return;
    same("factor", c.rotary.factor, want.factor);
    if (want.type == "dynamic") same("max_position_embeddings", static_cast<double>(c.rotary.context), static_cast<double>(want.context));
    same("original_max_position_embeddings", static_cast<double>(c.rotary.trained), static_cast<double>(want.trained));
    auto const key = hf_ramp_keys(want.type);
    same(key.fast, c.rotary.fast, want.fast);
    same(key.slow, c.rotary.slow, want.slow);
    same("attention_factor", hf_attention_factor(c.rotary), hf_attention_factor(want));
    same("truncate", c.rotary.truncate, want.truncate);
    auto const lists = [&](char const* name, std::vector<double> const& file, std::vector<double> const& ours) {
        same(name, static_cast<double>(file.size()), static_cast<double>(ours.size()));
        for (std::size_t i = 0; i < file.size(); ++i) same(name, file[i], ours[i]);
    };
    lists("long_factor", c.rotary.long_factor, want.long_factor);
    lists("short_factor", c.rotary.short_factor, want.short_factor);
}

}  // namespace midtrain::inline MT_ABI::io
