// Five ways to make a model read eight times further than it was trained to, seen position by position.
//
// A small Llama reads real text, byte by byte, in sequences of 128. Then its positions are stretched to 1024 in five ways, each
// from the same weights and for the same number of tokens, and each is asked, before and after, how well it predicts held-out text at
// each position. What to see: left alone, rope gets worse beyond twice the length that it was trained at. Interpolation fails everywhere
// at once, since it squeezes near positions too. YaRN, which spares the fast angles, stays level; and after a short training at the new
// length it has the lowest loss far out, since there is more to look back at.
//
//   longer_context [--text FILE.jsonl] [--held-out FILE.jsonl] [--minutes M | --tokens N] [--seed S] [--threads T] [--out DIR]
//
// --minutes: for all of it; the program measures how fast it is and divides the time. --tokens: the first training's tokens; then the
// same seed and threads give the same numbers. A line of text is {"id": ..., "text": ...}; texts.py makes the default files. --out takes
// longer_context.json and longer_context.svg.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/all.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace {

constexpr mt::index_t  trained = 128, extended = 1024;
constexpr std::int32_t end_of_text = 256;

/// 1.3 million parameters over bytes.
struct small : mt::decoder_shape {
    static constexpr int layers = 4, width = 160, heads = 5, kv_heads = 5, ffn = 448, vocab = 257, end_token = end_of_text;
};
using model_type = mt::trainable<mt::host, mt::model::llama, small, mt::fp32>;

/// Pieces of text in memory: all that mt::batches asks of a store.
struct text {
    std::vector<std::string>       pieces;
    std::int64_t                   documents() const { return static_cast<std::int64_t>(pieces.size()); }
    std::span<unsigned char const> document(std::int64_t i) const {
        auto const& s = pieces[static_cast<std::size_t>(i)];
        return {reinterpret_cast<unsigned char const*>(s.data()), s.size()};
    }
};

/// The documents of a file in pieces of at most `most` bytes, dealt to `places` stores, so that a batch comes from many places at once.
std::vector<text> read_text(std::string const& path, std::size_t places, std::size_t most) {
    mt::data::jsonl   lines(path);
    std::vector<text> to(places);
    std::size_t       next = 0;
    while (auto const document = lines.next())
        for (std::size_t at = 0; at < document->text.size(); at += most) to[next++ % places].pieces.push_back(document->text.substr(at, most));
    mt::check(next >= places, path + ": has less than " + std::to_string(places) + " pieces of text");
    return to;
}

struct options {
    std::string   text = ".cache/text/books.train.jsonl", held_out = ".cache/text/books.held_out.jsonl", out;
    double        minutes = 4;
    std::int64_t  tokens  = 0;
    std::uint64_t seed    = 1;
    int           threads = 0;
};

options read_options(int argc, char** argv) {
    options                                                       o;
    std::map<std::string, std::function<void(char const*)>> const known{
        {"--text", [&](char const* v) { o.text = v; }},
        {"--held-out", [&](char const* v) { o.held_out = v; }},
        {"--out", [&](char const* v) { o.out = v; }},
        {"--minutes", [&](char const* v) { o.minutes = std::atof(v); }},
        {"--tokens", [&](char const* v) { o.tokens = std::atoll(v); }},
        {"--seed", [&](char const* v) { o.seed = std::strtoull(v, nullptr, 10); }},
        {"--threads", [&](char const* v) { o.threads = std::atoi(v); }},
    };
    for (int i = 1; i < argc; i += 2) {
        auto const at = known.find(argv[i]);
        mt::check(at != known.end() && i + 1 < argc, std::string(argv[i]) + ": no such option, or its value is missing");
        at->second(argv[i + 1]);
    }
    mt::check(o.minutes > 0 && o.tokens >= 0, "--minutes must be above zero and --tokens not below");
    return o;
}

/// Mean loss by position: 0, 1, 2-3, 4-7, ..., 512-1023.
using losses = std::vector<mt::position_loss>;

struct arm {
    std::string                                                     name;
    std::function<void(mt::index_t, mt::index_t, double*, double*)> fill;  // as model.set_rotary wants it
    losses                                                          before, after;
};

template <class Policy>
arm make_arm(std::string name, Policy policy) {
    return {std::move(name), [policy](mt::index_t n, mt::index_t size, double* cosine, double* sine) {
                mt::fill_rotary(policy, n, size, cosine, sine);
            }, {}, {}};
}

/// The model, its text, and what is done with them.
class laboratory {
  public:
    explicit laboratory(options const& o)
        : seed_(o.seed), device_(o.threads), text_(read_text(o.text, 16, 8192)), held_out_(read_text(o.held_out, 12, 2048)) {
        model_.prepare(optimizer_);
    }

    /// Trains for about `budget` tokens with a warm-up and a cosine; says what it does, and returns tokens a second.
    double train(char const* what, mt::tokens budget, mt::index_t length, double peak, std::uint64_t stream) {
        mt::index_t const sequences = batch_tokens / length;
        std::int64_t const steps    = std::max<std::int64_t>(1, budget.count / batch_tokens);
        auto const         rate     = mt::then{.first  = mt::linear{.from = 0, .to = peak},
                                               .until  = mt::tokens{steps / 10 * batch_tokens},
                                               .second = mt::cosine{.from = peak, .to = 0.1 * peak}};
        mt::batches<text>  drawn(std::span<text const>(text_), end_of_text, mt::mix_bits(seed_ + stream), sequences, length, steps * sequences);
        auto const         evenly = [](std::int64_t, std::span<double> w) { std::fill(w.begin(), w.end(), 1.0 / static_cast<double>(w.size())); };
        auto const         start  = std::chrono::steady_clock::now();
        mt::step_result    result;
        double             recent = 0;
        for (std::int64_t step = 0; step < steps; ++step) {
            mt::progress const at{step, mt::tokens{step * batch_tokens}, mt::tokens{steps * batch_tokens}, mt::tokens{batch_tokens}};
            drawn.draw(evenly);
            mt::take_step(ranks_, model_, optimizer_, drawn, {.rate = rate.rate(at), .step = step + 1, .micro_batch = sequences}, parts_, result);
            recent = step == 0 ? result.loss : 0.95 * recent + 0.05 * result.loss;
            if (step % 20 == 0 || step + 1 == steps)
                std::fprintf(stderr, "\r%-28s step %4lld of %lld  loss %.3f ", what, static_cast<long long>(step + 1), static_cast<long long>(steps), recent);
        }
        double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        double const speed   = static_cast<double>(steps * batch_tokens) / seconds;
        std::fprintf(stderr, " %.0f tokens/s\n", speed);
        return speed;
    }

    /// On held-out text: the first 1025 bytes of pieces that are longer, so that none ends within.
    losses evaluate() {
        return mt::evaluate_positions(model_, held_out_.front(), end_of_text,
                                      {.documents = held_out, .max_tokens = extended + 1, .sequences = 4, .length = extended});
    }

    /// Fresh weights, from the seed.
    void begin() {
        model_.initialise(seed_);
        forget();
    }
    std::vector<float> weights() { return {model_.master().begin(), model_.master().end()}; }
    void               go_back_to(std::vector<float> const& weights) {
        device_.upload(weights.data(), model_.master());
        model_.refresh();
        forget();
    }
    void        place(arm const& a) { model_.set_rotary(extended, a.fill); }
    mt::index_t parameters() const { return model_.parameters().count(); }
    int         threads() const { return device_.threads(); }

    static constexpr mt::index_t batch_tokens = 4096, held_out = 16;  // tokens of a step; pieces of held-out text

  private:
    void forget() { std::fill(model_.slots().begin(), model_.slots().end(), 0.0f); }

    std::uint64_t      seed_;
    mt::host           device_;
    mt::self           ranks_;
    mt::adamw          optimizer_{};
    model_type         model_{device_, {}};
    std::vector<text>  text_, held_out_;
    std::vector<mt::step_part> parts_;
};

/// Tokens of the first training, and of each arm's.
struct plan {
    mt::tokens pretraining, arm;
};

/// From a budget of tokens, or from the time there is and the speed measured on weights that are then thrown away.
plan make_plan(laboratory& lab, options const& o, std::size_t arms) {
    if (o.tokens > 0) return {mt::tokens{o.tokens}, mt::tokens{o.tokens / 8}};
    lab.begin();
    mt::tokens const sample{6 * laboratory::batch_tokens};
    double const     near = lab.train("how fast at 128?", sample, trained, 1e-3, 0), far = lab.train("how fast at 1024?", sample, extended, 1e-3, 0);
    double const     measured = static_cast<double>(sample.count) * (1 / near + 1 / far), n = static_cast<double>(arms);
    double const     asked    = 2 * n * laboratory::held_out * static_cast<double>(extended) / (3 * far);  // forward alone: a third of a step
    double const     left     = 60 * o.minutes - measured - asked;
    mt::check(left > 20, "--minutes is too little for this machine: evaluation alone takes " + std::to_string(static_cast<int>(asked)) + " seconds");
    auto const in = [](double seconds, double speed) { return mt::tokens{static_cast<std::int64_t>(seconds * speed)}; };
    return {in(0.55 * left, near), in(0.45 * left / n, far)};
}

void print(std::vector<arm> const& arms) {
    std::printf("\nMean loss on held-out text, in nats a byte, by position; trained at positions 0-%d\n\n%-26s", static_cast<int>(trained) - 1, "");
    auto const& columns = arms.front().before;
    std::size_t from    = 0;
    while (from < columns.size() && columns[from].last < 63) ++from;
    for (std::size_t i = from; i < columns.size(); ++i)
        std::printf("%11s", (std::to_string(columns[i].first) + "-" + std::to_string(columns[i].last)).c_str());
    std::printf("\n");
    for (auto const& a : arms)
        for (auto const* when : {&a.before, &a.after}) {
            std::printf("%-18s%-8s", when == &a.before ? a.name.c_str() : "", when == &a.before ? "before" : "after");
            for (std::size_t i = from; i < when->size(); ++i) std::printf("%11.3f", (*when)[i].loss);
            std::printf("\n");
        }
}

/// longer_context.json and longer_context.svg.
void write(std::string const& folder, plan const& p, laboratory const& lab, options const& o, std::vector<arm> const& arms) {
    using mt::io::json;
    auto const number = [](auto x) { return json{static_cast<double>(x)}; };
    auto const list   = [&](losses const& all) {
        json::array a;
        for (auto const& x : all)
            a.push_back({json::object{{"first", number(x.first)}, {"last", number(x.last)}, {"loss", number(x.loss)}, {"targets", number(x.targets)}}});
        return json{a};
    };
    json::array                     found;
    std::vector<mt::position_curve> curves;
    for (auto const& a : arms) {
        found.push_back({json::object{{"name", {a.name}}, {"before", list(a.before)}, {"after", list(a.after)}}});
        curves.push_back({a.name, "before", a.before});
        curves.push_back({a.name, "after", a.after});
    }
    json const whole{json::object{{"trained", number(trained)}, {"extended", number(extended)}, {"seed", number(o.seed)},
                                  {"threads", number(lab.threads())}, {"parameters", number(lab.parameters())},
                                  {"pretraining_tokens", number(p.pretraining.count)}, {"arm_tokens", number(p.arm.count)}, {"arms", {found}}}};
    std::filesystem::create_directories(folder);
    mt::io::write_whole(folder + "/longer_context.json", mt::io::written(whole, 2) + "\n");
    mt::io::write_whole(folder + "/longer_context.svg",
                        mt::draw_position_chart(curves, {.title = "A context of 128 stretched to 1024: loss by position",
                                                         .marks = {{static_cast<double>(trained), "trained"}}}));
}

void run(options const& o) {
    laboratory       lab(o);
    double const     base = small::rope_base;
    std::vector<arm> arms{
        make_arm("rope, unchanged", mt::rope{.base = base, .length = trained}),
        make_arm("rope, base x 16", mt::rope{.base = 16 * base, .length = extended}),
        make_arm("interpolated", mt::interpolated{.base = base, .trained = trained, .extended = extended}),
        make_arm("ntk", mt::ntk{.base = base, .trained = trained, .extended = extended}),
        // The published 32 turns are meant for thousands of tokens: within 128 nothing turns so often.
        make_arm("yarn, fast 4", mt::yarn{.base = base, .trained = trained, .extended = extended, .fast = 4}),
    };
    lab.place(arms.front());
    plan const p = make_plan(lab, o, arms.size());
    std::fprintf(stderr, "%lld parameters, %d threads, %lld tokens at %d, then %lld at %d for each of %zu arms\n",
                 static_cast<long long>(lab.parameters()), lab.threads(), static_cast<long long>(p.pretraining.count), static_cast<int>(trained),
                 static_cast<long long>(p.arm.count), static_cast<int>(extended), arms.size());
    lab.begin();
    lab.train("first training", p.pretraining, trained, 2e-3, 1);
    auto const weights = lab.weights();
    for (auto& a : arms) {
        lab.go_back_to(weights);
        lab.place(a);
        a.before = lab.evaluate();
        lab.train(a.name.c_str(), p.arm, extended, 5e-4, 2);
        a.after = lab.evaluate();
    }
    print(arms);
    if (!o.out.empty()) write(o.out, p, lab, o, arms);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(read_options(argc, argv));
    } catch (mt::error const& e) {
        std::fprintf(stderr, "longer_context: %s\n", e.what());
        return 2;
    }
}
