#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/torch_adamw.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// The names of a model's parameters in the order of transformers' named_parameters(): in a Llama's layer attention, feed-forward, norms;
/// in a GPT-2's as they work. Hugging Face's Trainer makes two groups of them: what decays, then norms and biases
/// (Trainer.get_decay_parameter_names); an optimizer made of model.parameters() has one.
inline std::vector<std::string> hf_parameter_names(parameter_layout const& layout, std::size_t groups) {
    struct one {
        index_t     bucket;
        int         place;
        bool        still;
        std::string name;
    };
    auto const has = [](std::string const& name, char const* part) { return name.find(part) != name.npos; };
    std::vector<one> all;
    for (auto const& e : layout.entries())
        for (auto const& p : e.parts) {
            int place = has(p.name, ".mlp.") ? 7 : has(p.name, "layernorm") ? 8 : 6;
            for (int i = 0; i < 6; ++i)
                if (has(p.name,
                        std::array{".q_proj.", ".k_proj.", ".v_proj.", ".o_proj.", ".q_norm.", ".k_norm."}[static_cast<std::size_t>(i)]))
                    place = i;
            if (p.name.starts_with("transformer.")) place = 0;
            all.push_back({e.bucket, place, e.role == role::norm || e.role == role::bias, p.name});
        }
    std::stable_sort(all.begin(), all.end(), [&](auto const& a, auto const& b) {
        bool const x = groups > 1 && a.still, y = groups > 1 && b.still;
        return std::tie(x, a.bucket, a.place) < std::tie(y, b.bucket, b.place);
    });
    std::vector<std::string> names;
    for (auto& n : all) names.push_back(std::move(n.name));
    return names;
}

/// Fills the slots of a model that is made for AdamW, slots[slot][parameter], from an optimizer.pt; `names[i]` is the model's name of the
/// file's parameter i. Returns how many steps were taken: Adam's corrections go on from there. Nothing changes when it throws.
template <class Model>
std::int64_t load_adamw_state(Model& model, io::torch_adamw const& file, std::vector<std::string> const& names) {
    using computed    = typename Model::computed;
    auto const&   all = model.parameters();
    index_t const n   = all.size();
    auto const    require = [&](bool condition, auto const& what) { check(condition, [&] { return file.path() + ": " + what(); }); };
    require(model.slots().size() == 2 * n, [] { return "holds two slots a weight, which the model's optimizer has not"; });
    require(names.size() == file.parameters(), [&] {
        return "has state for " + std::to_string(file.parameters()) + " parameters where the model has " + std::to_string(names.size());
    });
    std::vector<computed> host(static_cast<std::size_t>(2 * n));
    std::vector<float>    part;
    for (auto const& e : all.entries())
        for (auto const& p : e.parts) {
            auto const at = std::find(names.begin(), names.end(), p.name);
            require(at != names.end(), [&] { return "has no state for '" + p.name + "'"; });
            part.resize(static_cast<std::size_t>(p.rows * e.columns));
            index_t const rows = p.transposed ? e.columns : p.rows, columns = p.transposed ? p.rows : e.columns;
            for (int s = 0; s < 2; ++s) {
                file(s, static_cast<std::size_t>(at - names.begin()), p.name, rows, columns, part);
                for (index_t r = 0; r < rows; ++r)
                    for (index_t c = 0; c < columns; ++c) {
                        index_t const inside = p.transposed ? c * e.columns + r : r * e.columns + c;
                        host[static_cast<std::size_t>(s * n + e.offset + p.first_row * e.columns + inside)] =
                            static_cast<computed>(part[static_cast<std::size_t>(r * columns + c)]);
                    }
            }
        }
    model.device().upload(host.data(), model.slots());
    return file.step();
}

/// The same for the order in which Hugging Face's Trainer, or a plain optimizer, numbers them.
template <class Model>
std::int64_t load_adamw_state(Model& model, io::torch_adamw const& file) {
    return load_adamw_state(model, file, hf_parameter_names(model.parameters(), file.groups().size()));
}

}  // namespace midtrain::inline MT_ABI
