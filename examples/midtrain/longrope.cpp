// midtrain longrope MODEL --tokens FILE --extended N: LongRoPE's search for the factors that read long documents best.
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include <midtrain/data/any_tokens.hpp>
#include <midtrain/io/toml_writer.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/position/longrope_search.hpp>
#include <midtrain/train/longrope_loss.hpp>
#include <midtrain/train/written_fields.hpp>
#include "commands.hpp"
#include "models.hpp"

namespace program {

namespace {

struct longrope_settings {
    std::string              model, tokens, out;
    mt::index_t              trained = 0, extended = 0;
    std::int64_t             documents = 5;
    std::vector<mt::index_t> starts{0};
    bool                     free = false;
    double                   attention_factor = 0;
    mt::longrope_search      search{};
    model_options            how{};
};

/// As a stage of a run file wants it.
std::string as_toml(mt::longrope const& found) {
    auto tree = mt::written_fields(mt::any_position(found));
    return mt::io::written_toml(mt::io::json{mt::io::json::object{{"stage", tree}}}).replace(0, std::string("\n[stage]").size(), "[stage.position]");
}

mt::longrope_found search(host_model& model, model_files const& files, longrope_settings const& s, mt::longrope const& of) {
    auto const end   = files.notes.end >= 0 ? files.notes.end : static_cast<std::int32_t>(files.shape.end_token);
    auto const store = mt::data::open_tokens(s.tokens, {.end_token = end, .vocabulary = files.shape.vocab});
    store.verify();
    mt::long_documents const long_ones(store, s.extended, s.documents);
    mt::check(long_ones.documents() > 0, [&] {
        return s.tokens + ": holds no document of " + std::to_string(s.extended) + " tokens; the search needs some that fill a sequence";
    });
    auto const loss = [&](auto const& policy) {
        return mt::loss_with_positions(model, long_ones, end, {.sequences = 1, .length = s.extended}, policy);
    };
    std::printf("documents of at least %lld tokens: %lld; without a stretch their loss is %.4f\n", static_cast<long long>(s.extended),
                static_cast<long long>(long_ones.documents()), loss(mt::rope{.base = of.base, .length = s.extended}));
    return mt::search_longrope(s.search, of, files.shape.head_size, loss, [&](int generation, mt::longrope_found const& best, mt::index_t asked) {
        std::printf("generation %d: %lld candidates, the best has loss %.4f, perplexity %.3f\n", generation, static_cast<long long>(asked), best.value,
                    std::exp(best.value));
        std::fflush(stdout);
    });
}

void longrope(longrope_settings s) {
    auto const files = open_model(s.model);
    mt::check(files.has_weights && mt::io::turns(files.shape.family), [&] { return s.model + ": holds no weights of a model with rotary positions"; });
    auto const& rotary = files.shape.rotary;
    if (s.trained == 0) s.trained = rotary.trained > 0 ? rotary.trained : rotary.context;
    mt::check(s.extended > s.trained, [&] {
        return "--extended " + std::to_string(s.extended) + " is not beyond the " + std::to_string(s.trained) + " tokens that the model was trained on";
    });
    s.search.monotone = !s.free;
    s.search.starts.clear();
    for (auto n : s.starts) s.search.starts.push_back(n);
    mt::longrope const of{.base = rotary.base, .trained = s.trained, .extended = s.extended, .attention_factor = s.attention_factor};
    mt::host device(s.how.threads);
    auto     how = s.how;
    how.compute  = chosen_precision(how.compute, device);
    how.memory   = mt::pass_mode::evaluate;
    auto const found = search(*read_model(device, files, how), files, s, of);
    auto const text  = as_toml(found.policy);
    if (s.out.empty()) std::printf("\n%s", text.c_str());
    else mt::io::write_whole(s.out, text), std::printf("wrote %s\n", s.out.c_str());
}

}  // namespace

void add_longrope(CLI::App& program) {
    auto const s = std::make_shared<longrope_settings>();
    auto const c = program.add_subcommand("longrope", "Search the factors of LongRoPE with which a model reads long documents best");
    c->add_option("model", s->model, "a folder in Hugging Face's form or a .gguf file")->required();
    c->add_option("--tokens", s->tokens, "a token file with documents of at least --extended tokens")->required();
    c->add_option("--extended", s->extended, "the context that the model shall have, in tokens")->required()->check(CLI::PositiveNumber);
    c->add_option("--trained", s->trained, "the context that it was trained on; what the model says of itself")->check(CLI::PositiveNumber);
    c->add_option("--documents", s->documents, "that are read for each candidate")->check(CLI::PositiveNumber)->capture_default_str();
    c->add_option("--population", s->search.population, "candidates of the first generation")->check(CLI::Range(3, 100'000))->capture_default_str();
    c->add_option("--parents", s->search.parents, "the best, which live on")->check(CLI::Range(2, 100'000))->capture_default_str();
    c->add_option("--mutated", s->search.mutated, "new ones a generation by chance")->check(CLI::NonNegativeNumber)->capture_default_str();
    c->add_option("--crossed", s->search.crossed, "new ones a generation of two parents")->check(CLI::NonNegativeNumber)->capture_default_str();
    c->add_option("--generations", s->search.generations, "after the first")->check(CLI::NonNegativeNumber)->capture_default_str();
    c->add_option("--start", s->starts, "how many first tokens may stay plain; transformers knows 0 only")->delimiter(',')->expected(1, 16);
    c->add_flag("--free", s->free, "factors may fall with the pair");
    c->add_option("--attention-factor", s->attention_factor, "the temperature; 0: that of LongRoPE")->check(CLI::NonNegativeNumber);
    c->add_option("--seed", s->search.seed, "of the search")->capture_default_str();
    c->add_option("--precision", s->how.compute, "automatic, fp32, bf16, fp8_tensor, fp8_block or fp8_block_ue8m0")->transform(CLI::CheckedTransformer(precisions()));
    c->add_option("--threads", s->how.threads, "0: as many as there are")->check(CLI::NonNegativeNumber);
    c->add_option("--out", s->out, "a file for the stage's position, as a run file wants it (.toml)");
    c->callback([=] { longrope(*s); });
}

}  // namespace program
