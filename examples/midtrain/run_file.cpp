#include "run_file.hpp"
#include <algorithm>
#include <filesystem>
#include <string_view>
#include <midtrain/train/read_fields.hpp>

namespace program {

namespace {

using mt::io::json;

/// `model.compute=fp32` in the tree; the reader judges it like any other value of the file.
void set_in_tree(json& tree, std::string const& key, std::string const& value) {
    json* at = &tree;
    for (std::size_t begin = 0;;) {
        auto const end  = key.find('.', begin);
        auto const name = key.substr(begin, end - begin);
        auto const o    = std::get_if<json::object>(&at->value);
        mt::check(o != nullptr, [&] { return "--set " + key + ": the run file has no such table"; });
        if (end == std::string::npos) {
            // As the file would have had it: true and false are no texts.
            (*o)[name] = value == "true" || value == "false" ? json{value == "true"} : json{value};
            return;
        }
        at    = &o->try_emplace(name, json{json::object{}}).first->second;
        begin = end + 1;
    }
}

/// Names of the stages and the recipe's own keys.
bool is_of_recipe(run_form const& f, std::string const& key) {
    auto const head = key.substr(0, key.find('.'));
    bool       is   = head == "optimizer" || head == "clip" || head == "clip_block" || head == "z_loss" || head == "seed" || head == "average" ||
              head == "decay_factor" || head == "rates" || head == "bias_speed" || head == "balance_factor" ||
              head == "mtp_weight";
    for (auto const& s : f.stage) is |= head == std::string_view(s.name);
    return is;
}

/// A path that is not absolute starts from the file's folder.
void resolve(std::string& path, std::string const& file) {
    if (path.empty() || path.front() == '/') return;
    path = (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

std::vector<std::string> names_in(json const& tree, std::string const& file) {
    std::vector<std::string> names;
    auto const               list = tree.find("source") ? tree.find("source")->as<json::array>() : nullptr;
    mt::check(list && !list->empty(), [&] { return file + ": has no [[source]], and training needs at least one"; });
    for (auto const& s : *list) {
        auto const name = s.find("name") ? s.find("name")->as<std::string>() : nullptr;
        mt::check(name != nullptr, [&] { return file + ": a [[source]] has no name"; });
        mt::check(std::find(names.begin(), names.end(), *name) == names.end(), [&] { return file + ": source '" + *name + "' stands twice"; });
        names.push_back(*name);
    }
    return names;
}

/// Which stages say a position; the others have the model's own.
std::vector<bool> mark_positions(json const& tree) {
    std::vector<bool> own;
    auto const        list = tree.find("stage") ? tree.find("stage")->as<json::array>() : nullptr;
    for (std::size_t i = 0; list && i < list->size(); ++i) own.push_back((*list)[i].find("position") != nullptr);
    return own;
}

void require_policies(json const& tree, std::string const& file) {
    auto const list = tree.find("stage") ? tree.find("stage")->as<json::array>() : nullptr;
    mt::check(list && !list->empty(), [&] { return file + ": has no [[stage]]"; });
    for (std::size_t i = 0; i < list->size(); ++i)
        for (char const* key : {"mixture", "rate", "batch"})
            mt::check((*list)[i].find(key) != nullptr, [&] { return file + ": stage[" + std::to_string(i) + "]." + key + " is missing"; });
}

}  // namespace

std::vector<std::string> run_file::source_names() const {
    std::vector<std::string> names;
    for (auto const& s : form.source) names.push_back(s.name.value.text());
    return names;
}

run_file read_run_file(std::string const& path, mt::settings const& changes) {
    auto       tree = read_tree(path);
    run_file   r{.path = path, .form = mt::blank<run_form>(), .recipe = {}, .own_position = mark_positions(tree)};
    require_policies(tree, path);
    auto const names = names_in(tree, path);
    mt::read_fields(tree, path, r.form, names);
    mt::settings of_recipe;
    bool         again = false;
    for (auto const& c : changes.changes()) {
        if (is_of_recipe(r.form, c.key)) of_recipe.set(c.key + "=" + c.value);
        else set_in_tree(tree, c.key, c.value), again = true;
    }
    if (again) r.form = mt::blank<run_form>(), mt::read_fields(tree, path, r.form, names);
    auto& f = r.form;
    resolve(f.folder.value, path), resolve(f.model.value.from.value, path), resolve(f.model.value.tokenizer, path), resolve(f.model.value.optimizer_state, path);
    resolve(f.checkpoints.fork_from, path);
    for (auto& s : f.source) resolve(s.tokens.value, path), resolve(s.held_out, path), resolve(s.scores, path);
    resolve(f.evaluate.haystack, path);
    for (auto& t : f.evaluate.task) resolve(t.items.value, path);
    if (f.checkpoints.folder.empty()) f.checkpoints.folder = f.folder.value + "/checkpoints";
    else resolve(f.checkpoints.folder, path);
    r.recipe = {.optimizer = f.optimizer, .stages = {f.stage}, .clip = f.clip, .clip_block = f.clip_block, .z_loss = f.z_loss, .seed = f.seed, .average = f.average,
                .decay_factor = f.decay_factor, .rates = f.rates, .balance_factor = f.balance_factor, .bias_speed = f.bias_speed,
                .mtp_weight = f.mtp_weight};
    r.recipe = mt::changed(r.recipe, of_recipe);
    return r;
}

}  // namespace program
