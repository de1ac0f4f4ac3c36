#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/train/generate.hpp>
#include <midtrain/train/held_out.hpp>
#include <midtrain/train/held_out_panel.hpp>
#include "corpus.hpp"

// Held-out loss by source: measured once, kept in a file, compared with intervals.
namespace quick_start {

/// What one model loses on each document of each source, and two continuations by it.
struct held_out_result {
    mt::held_out_result      losses;
    std::vector<std::string> continuations;
};

std::vector<std::string> const& prompts();

/// The first `documents` of each source, at most 128 targets of each; rotary tables are those of the model's last stage.
template <class Model>
held_out_result measure_held_out(Model& model, corpus const& held_out, mt::data::byte_level_bpe const& tokenizer, std::int64_t documents) {
    held_out_result out;
    int const       end = model.shape().end_token;
    std::vector<mt::named_store<mt::data::token_file>> stores;
    mt::for_each_field(held_out, [&](std::string_view name, mt::data::token_file const& file) { stores.push_back({std::string(name), &file}); });
    out.losses = mt::evaluate_held_out(model, std::span<mt::named_store<mt::data::token_file> const>(stores), end,
                                       {.documents = documents, .max_tokens = 129, .sequences = 1, .length = 512}, mt::token_bytes(tokenizer));
    for (auto const& prompt : prompts()) {
        auto const ids = tokenizer.encode(prompt);
        out.continuations.push_back(tokenizer.decode(mt::generate(model, ids, {.max_tokens = 24, .end_token = end})));
    }
    return out;
}

mt::io::json to_json(held_out_result const& r);

/// What a file of an earlier try holds, or nothing.
std::optional<held_out_result> read_held_out(std::string const& path);

/// The four models that are compared.
struct comparison {
    held_out_result before, control, anneal, long_context;
};

/// The facts of a run that its report keeps besides what was measured.
struct run_facts {
    std::string                        work, precision;
    std::map<std::string, std::string> settings;
    double                             seconds = 0;  ///< of the program that finished it
};

/// The table on the terminal, run.svg and report.json.
void report_comparison(run_facts const& facts, comparison const& all);

}  // namespace quick_start
