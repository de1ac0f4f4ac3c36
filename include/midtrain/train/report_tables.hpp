#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/train/compare_figures.hpp>
#include <midtrain/train/report_page.hpp>
#include <midtrain/train/run_folder.hpp>
#include <midtrain/train/run_series.hpp>
#include <midtrain/train/written.hpp>

// The tables of a report.
namespace midtrain::inline MT_ABI::page {

inline std::string fixed(double x, int decimals = 3) {
    return std::isfinite(x) ? chart::number(("%." + std::to_string(decimals) + "f").c_str(), x) : "\u2013";
}
inline cell with_bounds(interval const& i, int decimals = 3) {
    return {fixed(i.value, decimals), std::isfinite(i.low + i.high) ? fixed(i.low, decimals) + " to " + fixed(i.high, decimals) : "", false,
            ""};
}

/// The loss of all sources, averaged by targets over the last twentieth of the last stage: less noisy than the last step's.
inline double final_loss(metrics const& m) {
    auto const last = chart::stages_of(m).back();
    auto       tail = last;
    tail.first      = last.end - std::max<std::size_t>(1, (last.end - last.first) / 20);
    auto const half = chart::smoothed_loss(m, tail, m.sources.size(), 2);
    return half.back();
}
inline double seconds_of(metrics const& m) {
    double all = 0;
    for (auto const& r : m.rows)
        if (std::isfinite(r.seconds)) all += r.seconds;
    return all;
}

inline std::string stages_table(metrics const& m) {
    std::vector<std::vector<cell>> rows;
    for (auto const& s : chart::stages_of(m)) {
        metrics part;
        part.sources = m.sources;
        part.rows.assign(m.rows.begin() + static_cast<std::ptrdiff_t>(s.first), m.rows.begin() + static_cast<std::ptrdiff_t>(s.end));
        auto const& a = part.rows.front();
        auto const& b = part.rows.back();
        rows.push_back({{s.name},
                        {std::to_string(part.rows.size())},
                        {written_count(s.ends - s.begins)},
                        {chart::rate_label(a.rate) + " \u2192 " + chart::rate_label(b.rate)},
                        {fixed(final_loss(part))},
                        {written_duration(seconds_of(part))},
                        {written_count((s.ends - s.begins) / std::max(seconds_of(part), 1e-9))}});
    }
    return table({"Stage", "Steps", "Tokens", "Rate", "Loss at end", "Time", "Tokens/s"}, rows);
}

inline std::string sources_table(metrics const& m) {
    std::vector<std::vector<cell>> rows;
    auto const                     stages = chart::stages_of(m);
    double                         all    = 0;
    auto const drawn = [&](std::size_t k) {
        double n = 0;
        for (auto const& s : stages) n += static_cast<double>(m.rows[s.end - 1].source_tokens[k]);
        return n;
    };
    for (std::size_t k = 0; k < m.sources.size(); ++k) all += drawn(k);
    for (std::size_t k = 0; k < m.sources.size(); ++k) {
        auto const loss = chart::smoothed_loss(m, stages.back(), k, 0.1);
        rows.push_back({{m.sources[k]}, {written_count(drawn(k))}, {fixed(100 * drawn(k) / std::max(all, 1.0), 1) + " %"},
                        {fixed(m.rows.front().weights[k], 2) + " \u2192 " + fixed(m.rows.back().weights[k], 2)}, {fixed(loss.back())}});
        if (auto const& passes = m.rows.back().source_epochs; !passes.empty()) rows.back().push_back({std::to_string(passes[k])});
    }
    std::vector<std::string> head{"Source", "Tokens drawn", "Share", "Planned share", "Loss at end"};
    if (!m.rows.back().source_epochs.empty()) head.push_back("Whole passes");
    return table(head, rows);
}

/// The held-out losses of a run, or those of several with the lowest marked.
inline std::string held_out_table(std::vector<run_folder> const& runs) {
    std::vector<std::string> head{"Source"}, sources;
    for (auto const& r : runs) {
        head.push_back(r.name);
        for (auto const& h : r.held_out())
            if (std::find(sources.begin(), sources.end(), h.source) == sources.end()) sources.push_back(h.source);
    }
    if (sources.empty()) return {};
    if (runs.size() == 1) head = {"Source", "Loss (nats a token)", "Bits a byte"};
    std::vector<std::vector<cell>> rows;
    for (auto const& source : sources) {
        rows.push_back({{source}});
        std::size_t best = 0;
        double      low  = 1e300;
        for (auto const& r : runs) {
            held_out_value found{source, {std::nan(""), std::nan(""), std::nan("")}};
            for (auto const& h : r.held_out())
                if (h.source == source) found = h;
            rows.back().push_back(with_bounds(found.loss));
            if (found.loss.value < low) low = found.loss.value, best = rows.back().size() - 1;
            if (runs.size() == 1) rows.back().push_back(with_bounds(found.bits_per_byte));
        }
        if (runs.size() > 1 && best > 0) rows.back()[best].best = true;
    }
    return table(head, rows);
}

inline std::string choice_table(std::vector<run_folder> const& runs) {
    std::vector<std::vector<cell>> rows;
    for (auto const& r : runs)
        if (auto const all = r.last(&evaluation_record::choice))
            for (auto const& c : *all) {
                rows.push_back({{c.task}, {std::to_string(c.items)}, with_bounds(c.accuracy), with_bounds(c.accuracy_norm)});
                if (runs.size() > 1) rows.back().insert(rows.back().begin() + 1, cell{r.name});
            }
    if (rows.empty()) return {};
    std::stable_sort(rows.begin(), rows.end(), [](auto const& a, auto const& b) { return a[0].text < b[0].text; });
    std::vector<std::string> head{"Task", "Items", "Accuracy", "Accuracy by length"};
    if (runs.size() > 1) head.insert(head.begin() + 1, "Run");
    return table(head, rows, runs.size() > 1 ? std::vector<std::size_t>{1} : std::vector<std::size_t>{});
}

inline std::string events_table(std::vector<run_folder> const& runs) {
    std::vector<std::vector<cell>> rows;
    for (auto const& r : runs)
        for (auto const& e : r.steps.events) {
            rows.push_back({{e.what}, {std::to_string(e.step)}, {written_count(static_cast<double>(e.tokens))}, {e.text}});
            if (runs.size() > 1) rows.back().insert(rows.back().begin(), cell{r.name});
        }
    if (rows.empty()) return {};
    std::vector<std::string> head{"Event", "After step", "Tokens", "What"};
    if (runs.size() > 1) head.insert(head.begin(), "Run");
    return table(head, rows, runs.size() > 1 ? std::vector<std::size_t>{1, 4} : std::vector<std::size_t>{3});
}

/// Every setting of one run, or those that differ between several.
inline std::string settings_table(std::vector<run_folder> const& runs) {
    std::vector<std::string> head{"Setting"}, keys;
    for (auto const& r : runs) {
        head.push_back(runs.size() > 1 ? r.name : "Value");
        for (auto const& [key, value] : r.steps.began.settings)
            if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    std::vector<std::vector<cell>> rows;
    for (auto const& key : keys) {
        std::set<std::string> values;
        rows.push_back({{key}});
        for (auto const& r : runs) {
            auto const v = r.setting(key);
            values.insert(v);
            rows.back().push_back({v.empty() ? "\u2013" : v});
        }
        if (runs.size() > 1 && values.size() == 1) rows.pop_back();
    }
    return rows.empty() ? "" : table(head, rows);
}

/// A row a run: its line's look, where it came from, and what it came to; the lowest loss is marked.
inline std::string runs_table(std::vector<run_folder> const& runs) {
    std::vector<std::vector<cell>> rows;
    bool                           forked = false;
    std::size_t                    best   = 0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        auto const& m = runs[i].steps;
        auto const  l = chart::run_look(i);
        auto const  line = "<svg class=\"swatch\" viewBox=\"0 0 26 10\" aria-hidden=\"true\"><line x1=\"0\" y1=\"5\" x2=\"26\" y2=\"5\" " +
                          chart::svg::stroke(l, 2.4) + "/></svg>";
        rows.push_back({{runs[i].name, "", false, line},
                        {std::to_string(m.rows.back().step)},
                        {written_count(static_cast<double>(m.rows.back().tokens))},
                        {fixed(final_loss(m))},
                        {chart::rate_label(m.rows.back().rate)},
                        {written_duration(seconds_of(m))},
                        {m.began.parent.empty() ? "\u2013" : m.began.parent}});
        forked = forked || !m.began.parent.empty();
        if (final_loss(m) < final_loss(runs[best].steps)) best = i;
    }
    rows[best][3].best = true;
    std::vector<std::string> head{"Run", "Steps", "Tokens", "Loss at end", "Last rate", "Time", "Forked from"};
    if (!forked) {
        head.pop_back();
        for (auto& r : rows) r.pop_back();
    }
    return table(head, rows, forked ? std::vector<std::size_t>{6} : std::vector<std::size_t>{});
}

}  // namespace midtrain::inline MT_ABI::page
