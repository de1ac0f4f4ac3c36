#pragma once
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/train/bootstrap.hpp>
#include <midtrain/train/evaluate.hpp>
#include <midtrain/train/line_file.hpp>

namespace midtrain::inline MT_ABI {

/// Held-out loss of one source, in nats a token, and in bits a byte where bytes are known (else NaN).
struct held_out_value {
    std::string source;
    interval    loss{}, bits_per_byte{std::nan(""), std::nan(""), std::nan("")};
};
/// Loss of one source along its documents.
struct positions_value {
    std::string                source;
    std::vector<position_loss> loss;
};
/// Shares of right answers of one task of multiple choice; `accuracy_norm` by length-normalised likelihood.
struct choice_value {
    std::string  task;
    std::int64_t items = 0;
    interval     accuracy, accuracy_norm;
};
/// Mean score from 0 to 1 of what was hidden at one depth (0: the beginning, 1: the end) of a context of one length.
struct needle_value {
    std::string  task;
    std::int64_t length = 0;  ///< tokens
    double       depth  = 0;
    double       score  = 0;
    std::int64_t trials = 0;
};

/// How many directions the residual stream uses: see midtrain/train/effective_rank.hpp. Layer 0 is the embedding.
struct rank_value {
    std::int64_t layer = 0;
    double       effective_rank = 0, entropy = 0;
    std::int64_t tokens = 0;  ///< that it was measured over
};

/// One evaluation of a run. As JSON, one line for each kind that has values:
///   {"step":200,"tokens":819200,"kind":"held_out","values":[{"source":"web","loss":[value,low,high],"bits_per_byte":[value,low,high]}]}
///   {...,"kind":"positions","values":[{"source":"web","loss":[{"first":0,"last":0,"loss":9.1,"targets":40}]}]}
///   {...,"kind":"choice","values":[{"task":"arc","items":100,"accuracy":[value,low,high],"accuracy_norm":[value,low,high]}]}
///   {...,"kind":"needle","values":[{"task":"needle","length":1024,"depth":0.5,"score":0.8,"trials":10}]}
///   {...,"kind":"rank","values":[{"layer":0,"effective_rank":91.2,"entropy":3.7,"tokens":512}]}
struct evaluation_record {
    std::int64_t                 step = 0, tokens = 0;  ///< of the run, done when it was evaluated
    std::vector<held_out_value>  held_out;
    std::vector<positions_value> positions;
    std::vector<choice_value>    choice;
    std::vector<needle_value>    needle;
    std::vector<rank_value>      rank{};
};

namespace detail {

inline io::json real_json(double x) { return std::isfinite(x) ? io::json{x} : io::json{nullptr}; }
inline io::json interval_json(interval const& i) { return {io::json::array{real_json(i.value), real_json(i.low), real_json(i.high)}}; }
inline io::json count_json(std::int64_t n) { return {static_cast<double>(n)}; }

inline io::json to_json(held_out_value const& v) {
    io::json::object o{{"source", {v.source}}, {"loss", interval_json(v.loss)}};
    if (std::isfinite(v.bits_per_byte.value)) o.emplace("bits_per_byte", interval_json(v.bits_per_byte));
    return {std::move(o)};
}
inline io::json to_json(positions_value const& v) {
    io::json::array all;
    for (auto const& p : v.loss)
        all.push_back({io::json::object{{"first", count_json(p.first)}, {"last", count_json(p.last)}, {"loss", real_json(p.loss)},
                                        {"targets", count_json(p.targets)}}});
    return {io::json::object{{"source", {v.source}}, {"loss", {std::move(all)}}}};
}
inline io::json to_json(choice_value const& v) {
    return {io::json::object{{"task", {v.task}}, {"items", count_json(v.items)}, {"accuracy", interval_json(v.accuracy)},
                             {"accuracy_norm", interval_json(v.accuracy_norm)}}};
}
inline io::json to_json(needle_value const& v) {
    return {io::json::object{{"task", {v.task}}, {"length", count_json(v.length)}, {"depth", real_json(v.depth)},
                             {"score", real_json(v.score)}, {"trials", count_json(v.trials)}}};
}

inline io::json to_json(rank_value const& v) {
    return {io::json::object{{"layer", count_json(v.layer)}, {"effective_rank", real_json(v.effective_rank)},
                             {"entropy", real_json(v.entropy)}, {"tokens", count_json(v.tokens)}}};
}

/// Reads the members of one value; an error names the file, the line and the member.
struct value_reader {
    io::json const*    v;
    std::string const* where;

    io::json const& need(char const* key) const {
        auto const found = v->find(key);
        check(found != nullptr, [&] { return *where + ": '" + key + "' is missing"; });
        return *found;
    }
    double real(io::json const& x, char const* key) const {
        if (x.as<std::nullptr_t>()) return std::numeric_limits<double>::quiet_NaN();
        check(x.as<double>() != nullptr, [&] { return *where + ": '" + key + "' is no number"; });
        return *x.as<double>();
    }
    double       real(char const* key) const { return real(need(key), key); }
    std::int64_t whole(char const* key) const {
        double const d = real(key);
        check(std::fabs(d) < 9e15, [&] { return *where + ": '" + key + "' is no count"; });
        return static_cast<std::int64_t>(d);
    }
    std::string text(char const* key) const {
        auto const s = need(key).as<std::string>();
        check(s != nullptr, [&] { return *where + ": '" + key + "' is no text"; });
        return *s;
    }
    interval bounds(char const* key) const {
        auto const a = need(key).as<io::json::array>();
        check(a && a->size() == 3, [&] { return *where + ": '" + key + "' is not [value, low, high]"; });
        return {real((*a)[0], key), real((*a)[1], key), real((*a)[2], key)};
    }
    io::json::array const& list(char const* key) const {
        auto const a = need(key).as<io::json::array>();
        check(a != nullptr, [&] { return *where + ": '" + key + "' is no list"; });
        return *a;
    }
};

inline void read_value(evaluation_record& to, std::string const& kind, value_reader const& r) {
    if (kind == "held_out") {
        held_out_value h{r.text("source"), r.bounds("loss")};
        if (r.v->find("bits_per_byte")) h.bits_per_byte = r.bounds("bits_per_byte");
        to.held_out.push_back(std::move(h));
    } else if (kind == "positions") {
        positions_value p{r.text("source"), {}};
        for (auto const& x : r.list("loss")) {
            value_reader const one{&x, r.where};
            p.loss.push_back({one.whole("first"), one.whole("last"), one.real("loss"), one.whole("targets")});
        }
        to.positions.push_back(std::move(p));
    } else if (kind == "choice") {
        to.choice.push_back({r.text("task"), r.whole("items"), r.bounds("accuracy"), r.bounds("accuracy_norm")});
    } else if (kind == "needle") {
        to.needle.push_back({r.text("task"), r.whole("length"), r.real("depth"), r.real("score"), r.whole("trials")});
    } else if (kind == "rank") {
        to.rank.push_back({r.whole("layer"), r.real("effective_rank"), r.real("entropy"), r.whole("tokens")});
    } else {
        throw error(*r.where + ": kind '" + kind + "' is none of held_out, positions, choice, needle, rank");
    }
}

}  // namespace detail

/// The lines of a record.
inline std::string written_lines(evaluation_record const& e) {
    std::string lines;
    auto const  kind = [&](char const* name, auto const& values) {
        if (values.empty()) return;
        io::json::array all;
        for (auto const& v : values) all.push_back(detail::to_json(v));
        lines += "{\"step\":" + std::to_string(e.step) + ",\"tokens\":" + std::to_string(e.tokens) + ",\"kind\":\"" + name +
                 "\",\"values\":" + io::written(io::json{std::move(all)}) + "}\n";
    };
    kind("held_out", e.held_out), kind("positions", e.positions), kind("choice", e.choice), kind("needle", e.needle);
    kind("rank", e.rank);
    return lines;
}

/// The evaluations of a file in its order; lines of one step make one record. Where steps go back, a run was rewound: what lay beyond
/// is void, as is what a kind said of the same step before. Half a last line is passed over.
inline std::vector<evaluation_record> read_evaluations(std::string const& path) {
    std::vector<evaluation_record> all;
    read_lines(path, [&](std::string_view line, std::string const& where) {
        auto const                 v = io::parse_json(line, where);
        detail::value_reader const r{&v, &where};
        auto const                 step = r.whole("step");
        auto const                 kind = r.text("kind");
        while (!all.empty() && all.back().step > step) all.pop_back();
        if (all.empty() || all.back().step != step) all.push_back({step, r.whole("tokens"), {}, {}, {}, {}, {}});
        auto& e = all.back();
        if (kind == "held_out") e.held_out.clear();
        if (kind == "positions") e.positions.clear();
        if (kind == "choice") e.choice.clear();
        if (kind == "needle") e.needle.clear();
        if (kind == "rank") e.rank.clear();
        for (auto const& x : r.list("values")) detail::read_value(e, kind, {&x, &where});
    });
    return all;
}

/// Appends evaluations to a file, each handed to the system at once. What an earlier run wrote beyond the step that this one goes on
/// from is cut off; 0 begins the file anew.
class evaluation_file {
  public:
    explicit evaluation_file(std::string path, std::int64_t resumed = 0) : file_(keep(path, resumed)) {}

    void operator()(evaluation_record const& e) { file_.append(written_lines(e)); }

  private:
    static std::string const& keep(std::string const& path, std::int64_t resumed) {
        std::error_code none;
        if (!std::filesystem::exists(path, none)) return path;
        keep_lines(path, [&](std::string_view line, std::string const& where) {
            auto const v = io::parse_json(line, where);
            return resumed > 0 && detail::value_reader{&v, &where}.whole("step") <= resumed;
        });
        return path;
    }

    line_file file_;
};

}  // namespace midtrain::inline MT_ABI
