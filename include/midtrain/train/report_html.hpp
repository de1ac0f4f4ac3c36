#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/compare_figures.hpp>
#include <midtrain/train/expert_figures.hpp>
#include <midtrain/train/instrument_figures.hpp>
#include <midtrain/train/needle_map.hpp>
#include <midtrain/train/position_chart.hpp>
#include <midtrain/train/report_page.hpp>
#include <midtrain/train/report_tables.hpp>
#include <midtrain/train/run_figures.hpp>
#include <midtrain/train/run_folder.hpp>
#include <midtrain/train/written.hpp>
#include <midtrain/version.hpp>

namespace midtrain::inline MT_ABI {

namespace page {

inline constexpr chart::figure_size hero{1108, 400, 170}, phone{480, 340, 116};

/// One picture for screens and one, with larger letters, for phones.
inline std::string both(std::string const& wide, std::string const& narrow) { return placed(wide, "wide") + placed(narrow, "narrow"); }
inline std::string small(std::string const& svg) { return svg.empty() ? svg : placed(svg, "small"); }

/// A run's last losses by position in one picture; of several runs one picture a source.
inline std::string positions_figures(std::vector<run_folder> const& runs) {
    std::vector<std::pair<std::string, std::vector<position_curve>>> pictures;
    for (auto const& r : runs) {
        auto const all = r.last(&evaluation_record::positions);
        if (!all) continue;
        for (auto const& p : *all) {
            position_curve c{runs.size() > 1 ? r.name : p.source, "", {}};
            for (auto const& l : p.loss)
                if (std::isfinite(l.loss) && l.targets > 0) c.loss.push_back(l);
            if (c.loss.empty() || c.loss.back().first < 16) continue;
            auto const name = runs.size() > 1 ? "Loss by position: " + p.source : std::string("Loss by position");
            auto       at   = std::find_if(pictures.begin(), pictures.end(), [&](auto const& x) { return x.first == name; });
            if (at == pictures.end()) at = pictures.insert(at, {name, {}});
            at->second.push_back(std::move(c));
        }
    }
    std::string s;
    for (auto const& [name, curves] : pictures)
        s += figure(
            name, "Held-out documents at the last evaluation.",
            small(draw_position_chart(curves, {.title = name, .marks = {}, .from = 16, .width = 480, .height = 280, .headed = false})));
    return s;
}
inline std::string needle_figures(std::vector<run_folder> const& runs) {
    std::string s;
    for (auto const& r : runs) {
        auto const all = r.last(&evaluation_record::needle);
        if (!all) continue;
        std::vector<std::string> tasks;
        for (auto const& v : *all)
            if (std::find(tasks.begin(), tasks.end(), v.task) == tasks.end()) tasks.push_back(v.task);
        for (auto const& task : tasks) {
            std::vector<needle_value> of;
            for (auto const& v : *all)
                if (v.task == task) of.push_back(v);
            s += figure(runs.size() > 1 ? task + ": " + r.name : "Long context: " + task,
                        "Score in percent by depth and length of the context.",
                        small(draw_needle_map(of, {.title = "Score of " + task + " by depth and length"})));
        }
    }
    return s;
}
inline std::string phases_of(std::vector<run_folder> const& runs) {
    std::vector<std::pair<std::string, step_phases>> all;
    for (auto const& r : runs)
        if (auto const p = chart::summed_phases(r.steps); p.sum() > 0) all.emplace_back(r.name, p);
    return all.empty() ? "" : small(chart::phases_figure(all));
}

inline std::string run_facts(run_folder const& r) {
    auto const&  m = r.steps;
    double const seconds = seconds_of(m), tokens = static_cast<double>(m.rows.back().tokens - m.rows.front().tokens);
    std::vector<std::pair<std::string, std::string>> all{{"Tokens", written_count(static_cast<double>(m.rows.back().tokens))},
                                                         {"Steps", std::to_string(m.rows.back().step)},
                                                         {"Training loss at the end", fixed(final_loss(m))},
                                                         {"Last rate", chart::rate_label(m.rows.back().rate)},
                                                         {"Time of steps", written_duration(seconds)}};
    if (m.rows.size() > 1 && seconds > 0)
        all.emplace_back("Tokens a second", written_count(tokens / std::max(seconds - m.rows.front().seconds, 1e-9)));
    return facts(all);
}

inline std::string smoothed_over(metrics const& m) { return fixed(100 * chart::smoothing_for(chart::stages_of(m)), 0) + " %"; }

inline std::string one_run(run_folder const& r) {
    auto const& m      = r.steps;
    auto const  alone  = std::vector<run_folder>{r};
    auto const  spikes = chart::spikes_of(m).size();
    std::string s      = run_facts(r);
    if (!m.began.parent.empty()) s += "<p class=\"soft\" style=\"margin-top:12px\">Forked from " + escaped(m.began.parent) + "</p>\n";
    s += section("Loss", figure("Training loss by source",
                                "Nats a token, smoothed over " + smoothed_over(m) + " of each stage. Names switch lines on and off.",
                                both(chart::loss_figure(m, hero), chart::loss_figure(m, phone)), true));
    s += section("Evaluation", grid(figure("Held-out loss", "Nats a token; pale bars are 95 % intervals.",
                                           small(chart::held_out_figure(m, r.evaluations))) +
                                    positions_figures(alone) + needle_figures(alone)) +
                                   spaced(held_out_table(alone)) + spaced(choice_table(alone)));
    s += section(
        "Schedule",
        grid(figure("Mixture", "Areas: planned shares. Lines: edges of what was drawn, over a tenth of each stage.",
                    small(chart::mixture_figure(m))) +
             figure("Learning rate", "", small(chart::rate_figure(m))) + figure("Tokens a step", "", small(chart::batch_figure(m))) +
             figure("Gradient norm",
                    "Before clipping, log scale. " +
                        (spikes == 0 ? std::string("No step stands out.")
                                     : std::to_string(spikes) + (spikes == 1 ? " ring marks a step" : " rings mark steps") +
                                           " above four times the median of the 32 before."),
                    small(chart::gradient_figure(m)))));
    auto const noise = chart::noise_figure(m), ranks = chart::rank_figure(r.evaluations), entropy = chart::entropy_figure(r.evaluations);
    s += section("Instruments",
                 grid(figure("Gradient noise scale", "In tokens, log scale; of all micro-batches and of each source's. Dashed: the batch.",
                             small(noise)) +
                      figure("Effective rank by layer", "Directions that the residual stream uses.", small(ranks)) +
                      figure("Entropy by layer", "Of the residual stream's covariance, in nats.", small(entropy))));
    s += section("Experts and tokens further on",
                 grid(figure("Load of experts", "In even shares; solid: the router furthest from even, dashed: the mean of all.",
                             small(chart::load_figure(m))) +
                      figure("Loss by token ahead", "Nats a token, smoothed: of the next token, and of those that modules predict further on.",
                             small(chart::ahead_figure(m)))));
    s += section("Speed",
                 grid(figure("Tokens a second", "", small(chart::speed_figure(m))) + figure("Time by phase", "", phases_of(alone))));
    s += section("Stages", stages_table(m));
    s += section("Sources", sources_table(m));
    s += section("Events", events_table(alone));
    if (auto const all = settings_table(alone); !all.empty())
        s += section("Settings", "<details><summary>Every setting</summary>" + all + "</details>\n");
    return s;
}

inline std::string many_runs(std::vector<run_folder> const& runs) {
    std::string s = section("Runs", runs_table(runs));
    s += section("Loss", figure("Training loss of each run",
                                "Nats a token of all sources, smoothed over a tenth of each stage. Names switch lines on and off.",
                                both(chart::losses_figure(runs, hero), chart::losses_figure(runs, {480, 340, 160})), true));
    auto const wide = chart::finals_figure(runs, 1108);
    s += section("Held-out loss",
                 (wide.empty() ? ""
                               : figure("At each run's end", "Nats a token with 95 % intervals; each source on its own scale.",
                                        both(wide, chart::finals_figure(runs, 480)), true)) +
                     spaced(held_out_table(runs)));
    s += section("Settings that differ", settings_table(runs));
    s += section("Schedule and speed",
                 grid(figure("Learning rate", "", small(chart::rates_figure(runs))) + figure("Time by phase", "", phases_of(runs))));
    s += section("Evaluation", grid(positions_figures(runs) + needle_figures(runs)) +
                                   spaced(choice_table(runs)));
    s += section("Events", events_table(runs));
    return s;
}

}  // namespace page

/// One self-contained page on a run, or on several side by side: pictures, tables, and nothing from elsewhere.
inline std::string draw_report(std::vector<run_folder> const& runs, std::string title = {}) {
    check(!runs.empty(), "a report needs at least one run");
    for (auto const& r : runs) check(!r.steps.rows.empty(), [&] { return r.path + ": a report needs at least one step"; });
    if (title.empty()) title = runs.size() == 1 ? runs[0].name : "Comparison of " + std::to_string(runs.size()) + " runs";
    std::string below;
    for (auto const& s : runs[0].steps.sources) below += (below.empty() ? "" : ", ") + s;
    below = runs.size() == 1 ? "A run over " + below : "Runs over " + below;
    return page::whole(title, below, runs.size() == 1 ? page::one_run(runs[0]) : page::many_runs(runs),
                       "Made by midtrain " + std::to_string(MT_VERSION_MAJOR) + "." + std::to_string(MT_VERSION_MINOR) + "." +
                           std::to_string(MT_VERSION_PATCH));
}

}  // namespace midtrain::inline MT_ABI
