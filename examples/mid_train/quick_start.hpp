#pragma once
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/train/export.hpp>
#include <midtrain/train/metrics_file.hpp>
#include "held_out.hpp"

// The quick start's course: a control arm and a mid-training of two stages from the same weights, each measured on the same held-out
// documents. What is done is kept in files, so that a second run goes on where the first one stopped.
namespace quick_start {

/// What the command line says, and where things are.
struct course {
    mt::settings settings;
    std::string  cache, work;      ///< texts and model; the results of this run
    double       minutes = 10;     ///< for all of this program
    bool         full    = false;  ///< the budgets of the recipe instead
    std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();

    double spent() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(); }
};

/// A program that is asked to stop says so with this.
struct interrupted {};

/// How much a run of that many minutes can do.
struct sizes {
    std::int64_t anneal_tokens = 0, long_tokens = 0, documents = 0;
    double       seconds_per_cost = 0;
};

inline sizes read_sizes(std::string const& path) {
    mt::io::mapped_file const file(path);
    auto const all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
    auto const of  = [&](char const* key) {
        auto const v = all.find(key);
        mt::check(v && v->as<double>(), [&] { return path + ": lacks '" + key + "'; remove it"; });
        return *v->as<double>();
    };
    return {static_cast<std::int64_t>(of("anneal_tokens")), static_cast<std::int64_t>(of("long_tokens")), static_cast<std::int64_t>(of("documents")), of("seconds_per_cost")};
}

/// Divides the time that is left, a minute of it for loading, saving and exporting: a quarter to the four evaluations, whose passes
/// cost a third of training; of the rest four tenths each to the control arm and to stage "anneal", two to stage "long".
template <class Model>
sizes choose_sizes(Model& model, course const& c, mt::index_t length, mt::index_t long_length) {
    sizes s;
    s.seconds_per_cost  = mt::measure_seconds_per_cost(model, 256);
    double const time   = std::max(30.0, 60 * c.minutes - c.spent() - 60), token = s.seconds_per_cost * mt::cost_of_token(model, length);
    double const longer = s.seconds_per_cost * mt::cost_of_token(model, long_length);
    auto const   whole  = [](double tokens, mt::index_t unit, double least) {
        return static_cast<std::int64_t>(std::max(least, std::floor(tokens / static_cast<double>(unit)))) * unit;
    };
    s.documents     = std::clamp<std::int64_t>(static_cast<std::int64_t>(0.25 * time / 4 / (token / 3) / (7 * 128)), 4, 40);
    s.anneal_tokens = whole(0.75 * 0.4 * time / token, length, 6);
    s.long_tokens   = whole(0.75 * 0.2 * time / longer, long_length, 1);
    return s;
}

template <class Shape, class Precision>
class quick_start {
  public:
    using model_type = mt::trainable<mt::host, mt::model::llama, Shape, Precision>;

    /// `load(model)` gives a model the weights that all begin from.
    template <class Load, class Run, class Control>
    int go(course c, mt::data::byte_level_bpe const& tokenizer, mt::data::tokenizer_notes const& notes, Load const& load, Run run, Control control) {
        auto const tokens = c.cache + "/tokens-" + std::to_string(tokenizer.size());
        std::printf("tokens: reading or making %s\n", tokens.c_str());
        corpus const train = read_corpus(c.cache, "train", tokens, tokenizer), held_out = read_corpus(c.cache, "held_out", tokens, tokenizer);
        std::filesystem::create_directories(c.work);
        auto const anneal_length = std::get<0>(run->stages.all).batch.length;
        if (!c.full) settle(c, run, control, load, anneal_length);
        else documents_ = 40;
        if (plan(c, run, control, train, load)) return 0;

        comparison all;
        all.before  = before(c, held_out, tokenizer, load);
        all.control = control_arm(c, control, train, held_out, tokenizer, load);
        mid_train(c, run, train, held_out, tokenizer, notes, load, all);
        finish(c, run, all);
        return 0;
    }

  private:
    std::unique_ptr<model_type> fresh(auto const& load, course const& c) {
        auto model = std::make_unique<model_type>(device_, Shape{}, c.full ? mt::pass_mode::recompute : mt::pass_mode::train);
        load(*model);
        set_positions(*model, mt::rope{.base = Shape::rope_base, .length = Shape::context}, 1024);
        return model;
    }
    static void set_positions(model_type& model, auto const& policy, mt::index_t length) {
        model.set_rotary(std::min<mt::index_t>(length, policy.context()), policy);
    }

    /// The quick run's budgets, measured the first time and read again later, and the user's own settings over them.
    void settle(course& c, auto& run, auto& control, auto const& load, mt::index_t length) {
        auto const        path = c.work + "/sizes.json";
        mt::index_t const long_length = 4 * length;
        sizes             s;
        if (std::filesystem::exists(path)) s = read_sizes(path);
        else {
            s = choose_sizes(*fresh(load, c), c, length, long_length);
            using json = mt::io::json;
            mt::io::write_whole(path, mt::io::written(json{json::object{{"anneal_tokens", {static_cast<double>(s.anneal_tokens)}},
                                                                        {"long_tokens", {static_cast<double>(s.long_tokens)}},
                                                                        {"documents", {static_cast<double>(s.documents)}},
                                                                        {"seconds_per_cost", {s.seconds_per_cost}}}}, 2) + "\n");
        }
        documents_        = s.documents;
        seconds_per_cost_ = s.seconds_per_cost;
        auto const set    = [](auto& recipe, std::vector<std::pair<std::string, std::int64_t>> const& values) {
            mt::settings all;
            for (auto const& [key, value] : values) all.set(key + "=" + std::to_string(value));
            recipe = recipe.with(all);
        };
        set(run, {{"anneal.batch.sequences", 1}, {"anneal.budget", s.anneal_tokens}, {"anneal.rate.decay", s.anneal_tokens / 2},
                  {"anneal.rate.warmup", 3 * length}, {"long.batch.sequences", 1}, {"long.batch.length", long_length}, {"long.budget", s.long_tokens}});
        set(control, {{"control.batch.sequences", 1}, {"control.budget", s.anneal_tokens}, {"control.rate.warmup", 3 * length}});
    }

    /// Says what will be done; true when that was all that was asked.
    bool plan(course const& c, auto& run, auto const& control, corpus const& train, auto const& load) {
        run = run.with(c.settings);
        auto const model = fresh(load, c);
        if (seconds_per_cost_ == 0) seconds_per_cost_ = mt::measure_seconds_per_cost(*model, 256);
        mt::trainer only_planned(ranks_, *model, run), also(ranks_, *model, control);
        double      seconds = 0;
        for (auto p : {also.plan(train), only_planned.plan(train)}) {
            p.seconds_per_cost = seconds_per_cost_;
            print(p, stdout);
            seconds += p.seconds();
        }
        std::printf("in %s; %lld held-out documents a source; both arms together train for about %s\n\n", Precision::name,
                    static_cast<long long>(documents_), mt::written_duration(seconds).c_str());
        std::fflush(stdout);
        return c.settings.dry_run();
    }

    /// A result that is measured once.
    template <class Measure>
    held_out_result once(course const& c, char const* name, Measure const& measure) {
        auto const path = c.work + "/" + name + ".json";
        if (auto const there = read_held_out(path)) return *there;
        std::printf("\nmeasuring held-out loss: %s\n", name);
        std::fflush(stdout);
        held_out_result const r = measure();
        mt::io::write_whole(path, mt::io::written(to_json(r), 0) + "\n");
        return r;
    }
    held_out_result before(course const& c, corpus const& held_out, mt::data::byte_level_bpe const& tokenizer, auto const& load) {
        return once(c, "before", [&] { return measure_held_out(*fresh(load, c), held_out, tokenizer, documents_); });
    }

    held_out_result control_arm(course const& c, auto const& control, corpus const& train, corpus const& held_out,
                                mt::data::byte_level_bpe const& tokenizer, auto const& load) {
        return once(c, "control", [&] {
            auto const        model = fresh(load, c);
            std::string const folder = c.work + "/control";
            mt::trainer       trainer(ranks_, *model, control, mt::checkpoints(mt::checkpoints::options{.folder = folder, .keep = 1}));
            mt::metrics_file  metrics(c.work + "/control-metrics.jsonl", trainer.state().step);
            mt::progress_bar  bar;
            if (trainer.run(train, bar_and(bar, metrics)) == mt::outcome::interrupted) throw interrupted();
            auto const r = measure_held_out(*model, held_out, tokenizer, documents_);
            std::filesystem::remove_all(folder);  // nobody goes on from the control arm
            return r;
        });
    }

    void mid_train(course const& c, auto const& run, corpus const& train, corpus const& held_out, mt::data::byte_level_bpe const& tokenizer,
                   mt::data::tokenizer_notes const& notes, auto const& load, comparison& all) {
        auto const       model = fresh(load, c);
        mt::trainer      trainer(ranks_, *model, run, mt::checkpoints(mt::checkpoints::options{.folder = c.work + "/checkpoints", .keep = 1}));
        if (trainer.resumed()) std::printf("going on from step %lld\n", static_cast<long long>(trainer.state().step));
        mt::metrics_file metrics(c.work + "/metrics.jsonl", trainer.state().step);
        mt::progress_bar bar;
        auto const       end = trainer.run(train, bar_and(bar, metrics), [&](mt::report const& r) {
            // Before the checkpoint of the stage's end is written: a run killed in here measures again.
            if (r.stage_number == 1 && r.at.left().count == 0)
                all.anneal = once(c, "anneal", [&] { return measure_held_out(*model, held_out, tokenizer, documents_); });
        });
        if (end == mt::outcome::interrupted) throw interrupted();
        all.anneal = once(c, "anneal", [&]() -> held_out_result { throw mt::error(c.work + "/anneal.json is missing; remove " + c.work + " and begin anew"); });
        auto const& positions = std::get<1>(run->stages.all).position;
        set_positions(*model, positions, std::get<1>(run->stages.all).batch.length);
        all.long_context = once(c, "long", [&] { return measure_held_out(*model, held_out, tokenizer, documents_); });
        mt::export_model(*model, c.work + "/model", positions, {.tokenizer = &tokenizer, .notes = notes});
    }

    static auto bar_and(mt::progress_bar& bar, mt::metrics_file& metrics) {
        return [&](mt::report const& r) {
            bar(r);
            metrics(r);
        };
    }

    void finish(course const& c, auto const& run, comparison const& all) {
        run_facts facts{.work = c.work, .precision = Precision::name, .settings = {}, .seconds = c.spent()};
        mt::for_each_setting(*run, [&](std::string const& key, mt::setting const& s) { facts.settings.emplace(key, s.written()); });
        report_comparison(facts, all);
    }

    mt::host     device_;
    mt::self     ranks_;
    std::int64_t documents_        = 0;
    double       seconds_per_cost_ = 0;
};

}  // namespace quick_start
