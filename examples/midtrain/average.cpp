// midtrain average A B C --out DIR: the weighted mean of models of one form.
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>
#include <midtrain/train/average_models.hpp>
#include "commands.hpp"

namespace program {

namespace {

// `folder=0.3` is a folder with a weight, unless something of that whole name exists.
midtrain::average_part part_of(std::string const& text) {
    auto const      cut = text.rfind('=');
    std::error_code none;
    if (cut == std::string::npos || std::filesystem::exists(text, none)) return {text, 1};
    midtrain::average_part p{text.substr(0, cut), 0};
    auto const             end  = text.data() + text.size();
    auto const             read = std::from_chars(text.data() + cut + 1, end, p.weight);
    midtrain::check(read.ec == std::errc{} && read.ptr == end, [&] { return "'" + text + "': what follows the = is no weight"; });
    return p;
}

}  // namespace

void add_average(CLI::App& program) {
    struct options {
        std::vector<std::string> models;
        std::vector<double>      weights;
        std::string              out;
        bool                     as_float = false;
    };
    auto const o = std::make_shared<options>();
    auto const c = program.add_subcommand("average", "Average the weights of models: model folders, .safetensors files or checkpoints");
    c->add_option("models", o->models, "what to average; NAME=0.3 gives it a weight")->required();
    c->add_option("--weights", o->weights, "a weight for each, instead of NAME=0.3");
    c->add_option("--out", o->out, "folder for the average")->required();
    c->add_flag("--float32", o->as_float, "write float32 whatever the first one has");
    c->callback([=] {
        std::vector<midtrain::average_part> parts;
        midtrain::check(o->weights.empty() || o->weights.size() == o->models.size(), "--weights wants one weight for each model");
        for (std::size_t i = 0; i < o->models.size(); ++i)
            parts.push_back(o->weights.empty() ? part_of(o->models[i]) : midtrain::average_part{o->models[i], o->weights[i]});
        midtrain::average_models(parts, o->out, o->as_float);
        std::printf("%s\n", o->out.c_str());
    });
}

}  // namespace program
