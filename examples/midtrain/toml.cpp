#include <string>
#include <midtrain/core/error.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <toml++/toml.h>
#include "run_file.hpp"

namespace program {

namespace {

mt::io::json tree_of(toml::node const& node, std::string const& where) {
    using mt::io::json;
    if (auto const t = node.as_table()) {
        json::object o;
        for (auto const& [key, value] : *t) o.emplace(std::string(key.str()), tree_of(value, where));
        return {std::move(o)};
    }
    if (auto const a = node.as_array()) {
        json::array all;
        for (auto const& value : *a) all.push_back(tree_of(value, where));
        return {std::move(all)};
    }
    if (auto const s = node.as_string()) return {s->get()};
    if (auto const b = node.as_boolean()) return {b->get()};
    if (auto const d = node.as_floating_point()) return {d->get()};
    auto const i = node.as_integer();
    mt::check(i != nullptr, [&] { return where + ", line " + std::to_string(node.source().begin.line) + ": a date has no place in a run"; });
    mt::check(i->get() <= (std::int64_t{1} << 53) && i->get() >= -(std::int64_t{1} << 53),
              [&] { return where + ", line " + std::to_string(node.source().begin.line) + ": " + std::to_string(i->get()) + " is too large"; });
    return {static_cast<double>(i->get())};
}

}  // namespace

mt::io::json read_tree(std::string const& path) {
    std::string text;
    {
        mt::io::mapped_file const file(path);
        text.assign(reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size());
    }
    if (path.ends_with(".json")) return mt::io::parse_json(text, path);
    try {
        return tree_of(toml::parse(text, path), path);
    } catch (toml::parse_error const& e) {
        throw mt::error(path + ", line " + std::to_string(e.source().begin.line) + ", column " + std::to_string(e.source().begin.column) + ": " +
                        std::string(e.description()));
    }
}

}  // namespace program
