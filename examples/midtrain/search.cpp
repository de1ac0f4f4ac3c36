// midtrain search RUN_FILE: small runs at many mixtures, and from their held-out losses a mixture.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/dirichlet.hpp>
#include <midtrain/train/line_file.hpp>
#include <midtrain/train/mixture_chart.hpp>
#include <midtrain/train/mixture_search.hpp>
#include <midtrain/train/mixture_trials.hpp>
#include <midtrain/train/run_folder.hpp>
#include "commands.hpp"
#include "run_file.hpp"
#include "train_on.hpp"

namespace program {

namespace {

struct search_settings {
    std::string              file, stage, out;
    std::vector<std::string> set, importance, least, most;
    std::size_t              runs = 16;
    double                   pseudo_counts = 4;
    std::uint64_t            seed = 1;
    int                      resamples = 1000;
};

/// "web=0.5", each of the names at most once; names that are not given have `otherwise`.
std::vector<double> by_name(std::vector<std::string> const& given, std::vector<std::string> const& names, char const* option, double otherwise) {
    std::vector<double> all(names.size(), otherwise);
    for (auto const& g : given) {
        auto const  sign = g.find('=');
        auto const  at   = std::find(names.begin(), names.end(), g.substr(0, sign));
        double      x    = 0;
        auto const  end  = g.data() + g.size();
        bool const  read = sign != g.npos && std::from_chars(g.data() + sign + 1, end, x).ptr == end;
        mt::check(read && at != names.end(), [&] { return std::string(option) + " " + g + ": it should read SOURCE=NUMBER, with a source of the run file"; });
        all[static_cast<std::size_t>(at - names.begin())] = x;
    }
    return all;
}

class search {
  public:
    explicit search(search_settings const& s) : s_(s), run_(read()), names_(run_.source_names()), stages_(chosen()) {
        for (auto const& source : run_.form.source)
            if (!source.held_out.empty()) targets_.push_back(source.name.value.text());
        mt::check(!targets_.empty(), [&] { return s_.file + ": a search compares held-out losses, and no [[source]] has held_out"; });
        // What could be said wrong is read before the first trial.
        how_ = {.importance = by_name(s_.importance, targets_, "--importance", 1),
                .bounds     = {by_name(s_.least, names_, "--least", 0), by_name(s_.most, names_, "--most", 1)},
                .resamples  = s_.resamples,
                .seed       = s_.seed};
        how_.bounds.fill(names_.size());
        mt::check(s_.runs >= names_.size() + 2, [&] { return "--runs " + std::to_string(s_.runs) + ": a search over " + std::to_string(names_.size()) + " sources needs " + std::to_string(names_.size() + 2) + " at least"; });
        auto const threads = run_.form.model.value.threads;
        mt::host   device(threads > 0 ? threads : static_cast<int>(std::thread::hardware_concurrency()));
        // Chosen once, so that trials do not differ in it.
        run_.form.model.value.compute = chosen_precision(run_.form.model.value.compute, device);
        out_ = s_.out.empty() ? run_.form.folder.value + "/search" : s_.out;
    }

    void go() const {
        std::filesystem::create_directories(out_);
        auto const               path = out_ + "/trials.jsonl";
        mt::mixture_trials const file(path, names_, targets_);
        auto const               mixtures = mt::dirichlet_mixtures(start(), s_.runs, s_.pseudo_counts, s_.seed);
        std::vector<mt::mixture_trial> trials;
        std::error_code                none;
        if (std::filesystem::exists(path, none)) trials = file.read();
        for (std::size_t i = 0; i < trials.size(); ++i)
            mt::check(i < mixtures.size() && close(trials[i].shares, mixtures[i]),
                      [&] { return path + ", line " + std::to_string(i + 1) + ": is of a search with another start, seed or spread; give another --out"; });
        mt::line_file to(path);
        while (trials.size() < mixtures.size()) {
            trials.push_back({mixtures[trials.size()], {}});
            trials.back().losses = try_out(trials.size() - 1, trials.back().shares);
            to.append(file.line(trials.back()));
        }
        tell(trials);
    }

  private:
    run_file read() const {
        mt::settings changes;
        for (auto const& c : s_.set) changes.set(c);
        return read_run_file(s_.file, changes);
    }
    /// Which stages get the trials' mixtures: the one that is named, else all.
    std::vector<std::size_t> chosen() const {
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < run_.recipe.stages.all.size(); ++i)
            if (s_.stage.empty() || std::string_view(run_.recipe.stages.all[i].name) == s_.stage) all.push_back(i);
        mt::check(!all.empty(), [&] { return s_.file + ": has no stage '" + s_.stage + "'"; });
        return all;
    }
    std::vector<double> start() const {
        auto const& stage = run_.recipe.stages.all[stages_.front()];
        auto const  w     = mt::weights_of(stage.mixture, stage.at(0));
        return {w.begin(), w.end()};
    }
    static bool close(std::vector<double> const& a, std::vector<double> const& b) {
        bool same = a.size() == b.size();
        for (std::size_t i = 0; same && i < a.size(); ++i) same = a[i] - b[i] < 1e-9 && b[i] - a[i] < 1e-9;
        return same;
    }
    /// Held-out losses after the run with that mixture.
    std::vector<double> try_out(std::size_t i, std::vector<double> const& shares) const {
        char number[16];
        std::snprintf(number, sizeof number, "/%03zu", i);
        auto                                run = run_;
        mt::fixed_mixture<mt::named_sources> mixture;
        for (std::size_t j = 0; j < names_.size(); ++j) mixture.share.add(names_[j], shares[j]);
        for (auto n : stages_) run.recipe.stages.all[n].mixture = mixture;
        auto& form               = run.form;
        form.folder              = out_ + number;
        form.checkpoints.folder  = "";
        form.output              = {.model = exported::none, .average = exported::none, .report = false, .tensorboard = false};
        form.evaluate.every_steps = 0, form.evaluate.every = {}, form.evaluate.at_start = false, form.evaluate.stage_ends = true;
        std::printf("trial %zu of %zu:", i + 1, s_.runs);
        for (std::size_t j = 0; j < names_.size(); ++j) std::printf(" %s %.3f", names_[j].c_str(), shares[j]);
        std::printf("\n");
        std::fflush(stdout);
        carry_out(run, {});
        auto const          last = mt::read_run(form.folder.value).held_out();
        std::vector<double> losses;
        for (auto const& t : targets_) {
            auto const at = std::find_if(last.begin(), last.end(), [&](auto const& v) { return v.source == t; });
            mt::check(at != last.end(), [&] { return form.folder.value + ": has no held-out loss of '" + t + "'"; });
            losses.push_back(at->loss.value);
        }
        return losses;
    }
    void tell(std::vector<mt::mixture_trial> const& trials) const {
        auto const found = mt::suggest_mixture(trials, how_);
        std::printf("\n%-16s %8s %10s   95 %% interval\n", "source", "start", "suggested");
        for (std::size_t j = 0; j < names_.size(); ++j)
            std::printf("%-16s %8.3f %10.3f   %.3f to %.3f\n", names_[j].c_str(), trials[0].shares[j], found.shares[j].value, found.shares[j].low, found.shares[j].high);
        double              all = 0;
        std::vector<double> losses(trials.size());
        for (double w : how_.importance) all += w;
        for (std::size_t i = 0; i < trials.size(); ++i)
            for (std::size_t t = 0; t < targets_.size(); ++t) losses[i] += how_.importance[t] * trials[i].losses[t] / all;
        std::printf("held-out loss: %.4f at the start, %.4f in the best trial, %.4f foretold (%.4f to %.4f)\n", losses[0],
                    *std::min_element(losses.begin(), losses.end()), found.loss.value, found.loss.low, found.loss.high);
        std::printf("rank correlation of trials with what the others foretell: %.2f\n", found.rank_correlation);
        auto const picture = out_ + "/search.svg";
        mt::io::write_whole(picture, mt::chart::draw_mixture_search(names_, trials, losses, found));
        std::printf("%s\n", picture.c_str());
    }

    search_settings            s_;
    run_file                   run_;
    std::vector<std::string>   names_, targets_;
    std::vector<std::size_t>   stages_;
    std::string                out_;
    mt::mixture_search_options how_;
};

}  // namespace

void add_search(CLI::App& program) {
    auto const s = std::make_shared<search_settings>();
    auto const c = program.add_subcommand("search", "Try many mixtures in small runs, and suggest one from their held-out losses");
    c->add_option("run", s->file, "the run file of a small run, TOML or JSON")->required();
    c->add_option("--set", s->set, "changes a value, as for train; may be given again")->allow_extra_args(false);
    c->add_option("--runs", s->runs, "mixtures that are tried; the first is the run file's own")->check(CLI::PositiveNumber)->capture_default_str();
    c->add_option("--spread", s->pseudo_counts, "pseudo-counts of Dirichlet's distribution about it: few scatter far")->check(CLI::PositiveNumber)->capture_default_str();
    c->add_option("--stage", s->stage, "whose mixture is tried; none: that of every stage");
    c->add_option("--importance", s->importance, "SOURCE=NUMBER, of a held-out loss; 1 where nothing is said")->allow_extra_args(false);
    c->add_option("--least", s->least, "SOURCE=SHARE that the suggestion keeps at least")->allow_extra_args(false);
    c->add_option("--most", s->most, "SOURCE=SHARE that the suggestion keeps at most")->allow_extra_args(false);
    c->add_option("--resamples", s->resamples, "of the trials, for intervals")->check(CLI::PositiveNumber)->capture_default_str();
    c->add_option("--seed", s->seed, "of the mixtures")->capture_default_str();
    c->add_option("--out", s->out, "folder of the search; search/ in the run file's folder");
    c->callback([=] { search(*s).go(); });
}

}  // namespace program
