#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>
#include "corpus.hpp"

// Held-out loss by source: measured once, kept in a file, compared with intervals.
namespace quick_start {

/// What one model loses on each document of each source, and two continuations by it.
struct held_out_result {
    std::vector<std::vector<mt::document_loss>> by_source;
    std::vector<std::string>                    continuations;
};

std::vector<std::string> const& source_names();
std::vector<std::string> const& prompts();

/// The first `documents` of each source, at most 128 targets of each; rotary tables are those of the model's last stage.
template <class Model>
held_out_result measure_held_out(Model& model, corpus const& held_out, mt::data::byte_level_bpe const& tokenizer, std::int64_t documents) {
    held_out_result out;
    int const       end = model.shape().end_token;
    mt::for_each_field(held_out, [&](std::string_view, mt::data::token_file const& file) {
        out.by_source.push_back(mt::evaluate_documents(model, file, end, {.documents = documents, .max_tokens = 129, .sequences = 1, .length = 512},
                                                       [&](std::span<std::int32_t const> t) { return static_cast<std::int64_t>(tokenizer.decode(t).size()); }));
    });
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
