// midtrain evaluate MODEL ...: held-out loss, multiple choice, needles and continuations of a model on the disk.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/data/any_tokens.hpp>
#include <midtrain/train/distance_text.hpp>
#include <midtrain/train/evaluation_results.hpp>
#include <midtrain/train/generate.hpp>
#include "commands.hpp"
#include "models.hpp"

namespace program {

namespace {

struct evaluate_settings {
    std::string              model, tokenizer, needle, out, compare, attention = "plain";
    std::vector<std::string> held_out, choices, prompts;
    mt::evaluate_options     loss{.documents = 0, .max_tokens = 0, .sequences = 1, .length = 1024};
    mt::choice_options       choice{.sequences = 1};
    mt::needle_options       needles{};
    mt::generate_options     generate{};
    model_options            how{};
};

/// "name=file", or a file, which is then named after itself.
std::pair<std::string, std::string> named(std::string const& given) {
    auto const sign = given.find('=');
    if (sign != given.npos) return {given.substr(0, sign), given.substr(sign + 1)};
    return {std::filesystem::path(given).stem().string(), given};
}

mt::index_t needed_length(evaluate_settings const& s, mt::data::byte_level_bpe const* tokenizer) {
    mt::index_t length = 1;
    if (!s.held_out.empty() || !s.choices.empty()) length = s.loss.length;
    if (!s.needle.empty())
        for (auto n : s.needles.lengths) length = std::max(length, n + 4);
    for (auto const& p : s.prompts) length = std::max(length, static_cast<mt::index_t>(tokenizer->encode(p).size()) + s.generate.max_tokens);
    return length;
}

mt::evaluation_results measure(host_model& model, model_files const& files, evaluate_settings const& s) {
    mt::evaluation_results r{.model = s.model, .held_out = {}, .choices = {}, .needles = {}, .texts = {}};
    auto const end = files.notes.end >= 0 ? files.notes.end : static_cast<std::int32_t>(files.shape.end_token);
    mt::data::token_options const known{.vocabulary = files.shape.vocab};
    std::vector<mt::data::any_tokens> held;
    for (auto const& h : s.held_out) held.push_back(mt::data::open_tokens(named(h).second, known));
    std::vector<mt::named_store<mt::data::any_tokens>> stores;
    for (std::size_t i = 0; i < held.size(); ++i) held[i].verify(), stores.push_back({named(s.held_out[i]).first, &held[i]});
    std::span<mt::named_store<mt::data::any_tokens> const> const all(stores);
    if (files.tokenizer) r.held_out = mt::evaluate_held_out(model, all, end, s.loss, mt::token_bytes(*files.tokenizer));
    else r.held_out = mt::evaluate_held_out(model, all, end, s.loss, [](std::span<std::int32_t const>) { return std::int64_t{0}; });
    for (auto const& c : s.choices) {
        auto const items = mt::read_choice_items(named(c).second);
        auto       how   = s.choice;
        how.length       = s.loss.length;
        how.begin        = files.notes.begin >= 0 ? files.notes.begin : end;
        r.choices.emplace_back(named(c).first, mt::evaluate_choices(model, *files.tokenizer, items, how));
    }
    if (!s.needle.empty()) {
        auto const haystack = mt::data::open_tokens(s.needle, known);
        haystack.verify();
        r.needles = mt::evaluate_needles(model, *files.tokenizer, haystack, s.needles);
    }
    for (auto const& p : s.prompts) {
        auto how      = s.generate;
        how.end_token = end;
        r.texts.push_back({p, files.tokenizer->decode(mt::generate(model, files.tokenizer->encode(p), how))});
    }
    return r;
}

void evaluate(evaluate_settings const& s) {
    auto const files = open_model(s.model, s.tokenizer);
    mt::check(files.has_weights, [&] { return s.model + ": holds no weights to evaluate"; });
    mt::check(!s.held_out.empty() || !s.choices.empty() || !s.needle.empty() || !s.prompts.empty(),
              "there is nothing to evaluate: give --held-out, --choice, --needle or --generate");
    mt::check(files.tokenizer.has_value() || (s.choices.empty() && s.needle.empty() && s.prompts.empty()),
              [&] { return s.model + ": holds no tokenizer.json; name one with --tokenizer"; });
    auto const positions = files.position();
    auto const length    = needed_length(s, files.tokenizer ? &*files.tokenizer : nullptr);
    auto const distance  = mt::read_distance(s.attention);
    mt::check(distance.spans(length) <= positions.context(), [&] {
        return "the evaluations need " + std::to_string(distance.spans(length)) + " positions, the model's reach " + std::to_string(positions.context()) +
               "; give a smaller --length, or an --attention that brings tokens nearer";
    });
    mt::host device(s.how.threads);
    auto     how = s.how;
    how.compute  = chosen_precision(how.compute, device);
    auto const model = read_model(device, files, how);
    model->set_rotary(distance.reach(length), positions);
    model->set_distance(distance);
    auto const r = measure(*model, files, s);
    print(r, stdout);
    if (!s.out.empty()) mt::write_results(s.out, r);
    if (!s.compare.empty()) print_changes(mt::read_results(s.compare), r, stdout);
}

}  // namespace

void add_evaluate(CLI::App& program) {
    auto const s = std::make_shared<evaluate_settings>();
    auto const c = program.add_subcommand("evaluate", "Measure a model: held-out loss, multiple choice, long contexts, continuations");
    c->add_option("model", s->model, "a folder in Hugging Face's form or a .gguf file")->required();
    c->add_option("--tokenizer", s->tokenizer, "a folder or .gguf file to take the tokenizer from");
    c->add_option("--held-out", s->held_out, "name=file of held-out tokens; once a source")->expected(1)->take_all();
    c->add_option("--documents", s->loss.documents, "of each source, from its first on; 0: all")->check(CLI::NonNegativeNumber);
    c->add_option("--length", s->loss.length, "of a sequence, in tokens")->check(CLI::PositiveNumber)->capture_default_str();
    c->add_option("--attention", s->attention, "plain, or for texts longer than the context: dual_chunk,chunk=N,local=N or self_extend,group=N,window=N");
    c->add_option("--choice", s->choices, "name=file of items of multiple choice (.jsonl)")->expected(1)->take_all();
    c->add_option("--shots", s->choice.shots, "solved items before each")->check(CLI::NonNegativeNumber);
    c->add_option("--items", s->choice.items, "of each file, from its first on; 0: all")->check(CLI::NonNegativeNumber);
    c->add_option("--needle", s->needle, "a file of tokens to hide needles in");
    std::map<std::string, mt::long_task> tasks;
    for (auto t : {mt::long_task::needle, mt::long_task::multi_key, mt::long_task::variables, mt::long_task::common_words}) tasks.emplace(name_of(t), t);
    c->add_option("--tasks", s->needles.tasks, "needle, multi_key, variables, common_words")->transform(CLI::CheckedTransformer(tasks))->delimiter(',');
    c->add_option("--lengths", s->needles.lengths, "of contexts with needles, in tokens")->delimiter(',');
    c->add_option("--depths", s->needles.depths, "of needles, 0 to 1")->delimiter(',');
    c->add_option("--trials", s->needles.trials, "of each length and depth")->check(CLI::PositiveNumber)->capture_default_str();
    c->add_flag("--say", s->needles.generate, "also let the model generate its answers to the needles' questions");
    c->add_option("--generate", s->prompts, "a prompt to go on from")->expected(1)->take_all();
    c->add_option("--max-tokens", s->generate.max_tokens, "of a continuation")->check(CLI::NonNegativeNumber)->capture_default_str();
    c->add_option("--temperature", s->generate.temperature, "0: always the likeliest token")->check(CLI::NonNegativeNumber);
    c->add_option("--top-p", s->generate.top_p, "draws among the likeliest tokens that have this share")->check(CLI::Range(0.0, 1.0));
    c->add_option("--seed", s->generate.seed, "of what is drawn");
    c->add_option("--precision", s->how.compute, "automatic, fp32, bf16, fp8_tensor, fp8_block or fp8_block_ue8m0")->transform(CLI::CheckedTransformer(precisions()));
    c->add_option("--threads", s->how.threads, "0: as many as there are")->check(CLI::NonNegativeNumber);
    c->add_option("--out", s->out, "a file for all results (.json)");
    c->add_option("--compare", s->compare, "the --out of another model, to say what has changed");
    c->callback([=] { evaluate(*s); });
}

}  // namespace program
