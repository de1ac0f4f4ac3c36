// midtrain convert IN OUT: a file of tokens in another program's form.
#include <cstdio>
#include <memory>
#include <string>
#include <midtrain/core/enum_names.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/data/any_tokens.hpp>
#include <midtrain/data/token_export.hpp>
#include "commands.hpp"

namespace program {

void add_convert(CLI::App& program) {
    namespace mt = midtrain;
    struct options {
        std::string             in, out, form = "midtrain";
        mt::data::token_options how{};
    };
    auto const o = std::make_shared<options>();
    auto const c = program.add_subcommand("convert", "Write a file of tokens in another form: midtrain's, Megatron's or llm.c's");
    c->add_option("in", o->in, "a token file of midtrain, Megatron, llm.c, nanoGPT or OLMo")->required();
    c->add_option("out", o->out, "the file to write; of Megatron's pair either")->required();
    c->add_option("--form", o->form, "midtrain, megatron or llmc")->capture_default_str();
    c->add_option("--end-token", o->how.end_token, "its id: what ends a document there, or is to end it here; -1: none")->capture_default_str();
    c->add_option("--vocabulary", o->how.vocabulary, "of the model; 0: as the file says")->check(CLI::NonNegativeNumber);
    c->add_option("--token-bytes", o->how.token_bytes, "2 or 4, of files without a header");
    c->callback([=] {
        auto const form = mt::enum_value<mt::data::token_form>(o->form);
        mt::check(form.has_value(), [&] { return "--form " + o->form + ": known are " + mt::listed_enum<mt::data::token_form>(std::string()); });
        auto const tokens = mt::data::open_tokens(o->in, o->how);
        tokens.verify();
        mt::data::write_tokens(*form, o->out, tokens, o->how.end_token);
        std::printf("%lld documents, %lld tokens\n", static_cast<long long>(tokens.documents()), static_cast<long long>(tokens.tokens()));
    });
}

}  // namespace program
