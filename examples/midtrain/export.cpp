// midtrain export WHAT --out PATH: a model or a checkpoint of a run as a folder in Hugging Face's form or as a .gguf file.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/gguf_formats.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/train/checkpoint_weights.hpp>
#include <midtrain/train/export.hpp>
#include <midtrain/train/export_gguf.hpp>
#include <midtrain/train/read_fields.hpp>
#include "commands.hpp"
#include "models.hpp"
#include "run_origin.hpp"

namespace program {

namespace {

struct export_settings {
    std::string what, out, form, type, model, tokenizer, position;
    bool        average = false;
};

/// "yarn,base=10000,trained=4096,extended=16384"
mt::any_position position_of(std::string const& text) {
    mt::io::json::object o;
    for (std::size_t at = 0; at <= text.size();) {
        auto const end = std::min(text.find(',', at), text.size()), equals = text.find('=', at);
        if (at == 0) o["kind"] = mt::io::json{text.substr(0, end)};
        else if (equals < end) o[text.substr(at, equals - at)] = mt::io::json{text.substr(equals + 1, end - equals - 1)};
        else throw mt::error("--position " + text + ": it should read kind,field=value,...");
        at = end + 1;
    }
    mt::any_position p;
    mt::read_fields(mt::io::json{o}, "--position", p);
    return p;
}

bool to_gguf(export_settings const& s) { return s.form == "gguf" || (s.form.empty() && s.out.ends_with(".gguf")); }

void write_to(host_model& model, model_files const& files, mt::any_position const& positions, export_settings const& s) {
    auto const tokenizer = files.tokenizer ? &*files.tokenizer : nullptr;
    if (to_gguf(s)) {
        static std::map<std::string, mt::io::gguf_type> const types{{"", mt::io::gguf_type::f16}, {"f16", mt::io::gguf_type::f16},
            {"bf16", mt::io::gguf_type::bf16},
                                                                     {"f32", mt::io::gguf_type::f32}, {"q8_0", mt::io::gguf_type::q8_0}};
        mt::export_gguf(model, s.out, positions, {.weights = types.at(s.type), .tokenizer = tokenizer, .notes = files.notes});
    } else {
        mt::check(s.type.empty() || s.type == "bf16" || s.type == "f32",
                  [&] { return "--type " + s.type + ": a folder holds bf16 or f32"; });
        mt::export_model(model, s.out, positions,
                         {.weights = s.type == "f32" ? mt::weight_type::f32 : mt::weight_type::bf16, .tokenizer = tokenizer,
                          .notes = files.notes});
    }
    std::printf("wrote %s\n", s.out.c_str());
}

void export_checkpoint(export_settings const& s, std::string const& checkpoint) {
    auto const origin = find_run_origin(checkpoint);
    auto const from   = s.model.empty() ? origin.model : s.model;
    mt::check(!from.empty(), [&] { return checkpoint + ": no run.json near it says which model it is of; give --model"; });
    auto const files     = open_model(from, !s.tokenizer.empty() ? s.tokenizer : s.model.empty() ? origin.tokenizer : "");
    bool const turns     = mt::io::turns(files.shape.family);
    auto const positions = !s.position.empty() ? position_of(s.position) : turns ? mt::checkpoint_position(checkpoint) : files.position();
    mt::host   device;
    auto const model = read_model(device, files, {.compute = precision::fp32, .fresh = true});
    mt::load_checkpoint_weights(*model, checkpoint, s.average ? mt::checkpoint_kind::average : mt::checkpoint_kind::master);
    write_to(*model, files, positions, s);
}

void export_what(export_settings const& s) {
    auto const checkpoint = mt::find_checkpoint(s.what);
    if (!checkpoint.empty()) return export_checkpoint(s, checkpoint);
    mt::check(!s.average && s.model.empty(), [&] { return s.what + ": is no checkpoint, and --average and --model are for checkpoints"; });
    auto const files = open_model(s.what, s.tokenizer);
    mt::check(files.has_weights, [&] { return s.what + ": holds no weights to export"; });
    mt::host device;
    write_to(*read_model(device, files, {.compute = precision::fp32}), files, s.position.empty() ? files.position() : position_of(s.position), s);
}

}  // namespace

void add_export(CLI::App& program) {
    auto const s = std::make_shared<export_settings>();
    auto const c = program.add_subcommand("export", "Write a model or a run's checkpoint as a folder in Hugging Face's form or as a .gguf file");
    c->add_option("what", s->what, "a model, a checkpoint, or the folder of a run, whose newest whole checkpoint counts")->required();
    c->add_option("--out", s->out, "the folder or .gguf file to write")->required();
    c->add_option("--form", s->form, "hf or gguf; otherwise as --out ends")->check(CLI::IsMember({"hf", "gguf"}));
    c->add_option("--type", s->type, "of matrices: bf16 or f32 in a folder, f16, bf16, f32 or q8_0 in a .gguf")->check(CLI::IsMember({"bf16", "f32", "f16", "q8_0"}));
    c->add_flag("--average", s->average, "the running average of a checkpoint instead of its weights");
    c->add_option("--model", s->model, "the model that a checkpoint is of, where its run does not say");
    c->add_option("--tokenizer", s->tokenizer, "a folder or .gguf file to take the tokenizer from");
    c->add_option("--position", s->position, "where positions turn, such as yarn,base=10000,trained=4096,extended=16384");
    c->callback([=] { export_what(*s); });
}

}  // namespace program
