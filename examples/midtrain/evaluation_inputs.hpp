#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>
#include <midtrain/data/any_tokens.hpp>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/held_out.hpp>
#include <midtrain/train/multiple_choice.hpp>
#include "models.hpp"
#include "run_file.hpp"

// What a run file's [evaluate] asks for, opened and handed to the library's evaluator.
namespace program {

/// One line an evaluation; the file has all of it.
void print_evaluation(mt::evaluation_record const& r);

/// What evaluations read, for as long as a run goes on.
class evaluation_inputs {
  public:
    template <class Recipe>
    evaluation_inputs(run_file const& run, model_files const& files, Recipe const& recipe) : form_(&run.form.evaluate), files_(&files) {
        mt::data::token_options const known{.end_token = files.shape.end_token, .vocabulary = files.shape.vocab};
        for (auto const& s : run.form.source)
            if (!s.held_out.empty()) held_out_.push_back({s.name.value.text(), std::make_unique<mt::data::any_tokens const>(mt::data::open_tokens(s.held_out, known))});
        if (!form_->haystack.empty()) haystack_ = std::make_unique<mt::data::any_tokens const>(mt::data::open_tokens(form_->haystack, known));
        mt::check(files.tokenizer || (form_->task.empty() && !haystack_), "[evaluate]: tasks and needles need a tokenizer, and the model has none; set model.tokenizer");
        length_ = form_->length > 0 ? form_->length : usual_length(recipe);
    }

    bool any_held_out() const { return !held_out_.empty(); }
    bool any() const { return !held_out_.empty() || !form_->task.empty() || haystack_; }

    template <class Evaluator>
    void add_to(Evaluator& to) const {
        auto const end = static_cast<std::int32_t>(files_->shape.end_token);
        std::vector<mt::named_store<mt::data::any_tokens>> stores;
        for (auto const& [name, store] : held_out_) store->verify(), stores.push_back({name, store.get()});
        if (!stores.empty())
            to.held_out(stores, end, {.documents = form_->documents, .max_tokens = length_, .sequences = 1, .length = length_},
                        files_->tokenizer ? mt::token_bytes(*files_->tokenizer) : mt::token_bytes());
        mt::check(form_->rank_tokens == 0 || !stores.empty(), "[evaluate]: rank_tokens are held out, and no [[source]] has held_out");
        if (form_->rank_tokens > 0) to.ranks(stores, end, form_->rank_tokens, length_);
        for (auto const& t : form_->task)
            to.choices(t.name.value.text(), *files_->tokenizer, mt::read_choice_items(t.items),
                       {.sequences = 1, .length = length_, .begin = files_->notes.begin >= 0 ? files_->notes.begin : end, .shots = t.shots, .items = t.count});
        if (haystack_) to.needles(*files_->tokenizer, *haystack_, form_->needle);
    }

  private:
    struct named {
        std::string                                 name;
        std::unique_ptr<mt::data::any_tokens const> store;
    };
    // The longest of the stages' sequences, at most 1024, as far as the positions of every stage reach.
    template <class Recipe>
    static mt::index_t usual_length(Recipe const& recipe) {
        mt::index_t longest = 2, reach = 1024;
        for (auto const& s : recipe.stages.all) longest = std::max<mt::index_t>(longest, s.batch.length), reach = std::min(reach, s.position.context());
        return std::min(longest, reach);
    }

    evaluate_form const*                        form_;
    model_files const*                          files_;
    std::vector<named>                          held_out_;
    std::unique_ptr<mt::data::any_tokens const> haystack_;
    mt::index_t                                 length_ = 0;
};

}  // namespace program
