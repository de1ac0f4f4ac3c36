// Five ways to make a model read eight times further than it was trained to, seen position by position.
//
// A small Llama reads real text, byte by byte, in sequences of 128. Then its positions are stretched to 1024 in five ways, each
// from the same weights and for the same number of tokens, and each is asked, before and after, how well it predicts held-out text at
// each position. What to see: left alone, rope fails just where training ended; the other four fail less, each in its own way;
// and after a few seconds of training at the new length the further positions pay, since there is more to look back at.
//
//   longer_context [--text FILE.jsonl] [--held-out FILE.jsonl] [--minutes M | --tokens N] [--seed S] [--threads T] [--out DIR]
//
// --minutes: for all of it; the program measures how fast it is and divides the time. --tokens: the first training's tokens; then the
// same seed and threads give the same numbers. A line of text is {"id": ..., "text": ...}.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/midtrain.hpp>

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

/// The documents of a file, dealt in pieces of at most 8 KB to `places` stores, so that a batch comes from many places at once.
std::vector<text> read_text(std::string const& path, std::size_t places) {
    std::ifstream file(path);
    mt::check(file.is_open(), path + ": cannot be opened");
    std::vector<text> to(places);
    std::size_t       number = 0, next = 0;
    for (std::string line; std::getline(file, line);) {
        auto const where    = path + ", line " + std::to_string(++number);
        auto const document = mt::io::parse_json(line, where);
        auto const field    = document.find("text");
        auto const whole    = field ? field->as<std::string>() : nullptr;
        mt::check(whole, where + ": has no field \"text\" that is a string");
        for (std::size_t at = 0; at < whole->size(); at += 8192) to[next++ % places].pieces.push_back(whole->substr(at, 8192));
    }
    mt::check(next >= places, path + ": has less than " + std::to_string(places) + " pieces of text");
    return to;
}

struct options {
    std::string   text = ".cache/text/books.train.jsonl", held_out = ".cache/text/books.held_out.jsonl", out;
    double        minutes = 3;
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

/// The last positions, counted from 1, of the buckets that losses are reported in.
constexpr std::array<mt::index_t, 5> bucket_end{64, 128, 256, 512, 1024};
using losses = std::array<double, bucket_end.size()>;

struct arm {
    std::string                                                        name;
    std::function<void(mt::index_t, mt::index_t, double*, double*)> fill;  // as model.set_rotary wants it
    losses                                                             before{}, after{};
};

template <class Policy>
arm make_arm(std::string name, Policy policy) {
    return {std::move(name), [policy](mt::index_t n, mt::index_t size, double* cosine, double* sine) {
                mt::fill_rotary(policy, n, size, cosine, sine);
            }};
}

/// The model, its text, and what is done with them.
class laboratory {
  public:
    explicit laboratory(options const& o)
        : seed_(o.seed), device_(o.threads), text_(read_text(o.text, 16)), held_out_(read_text(o.held_out, 1)) {
        model_.prepare(optimizer_);
    }

    /// Trains for about `budget` tokens with a warm-up and a cosine; says what it does, and returns tokens a second.
    double train(char const* what, mt::tokens budget, mt::index_t length, double peak, std::uint64_t stream) {
        mt::index_t const sequences = batch_tokens / length;
        std::int64_t const steps    = std::max<std::int64_t>(1, budget.count / batch_tokens);
        auto const         rate     = mt::then{.first  = mt::linear{.from = 0, .to = peak},
                                               .until  = mt::tokens{steps / 20 * batch_tokens},
                                               .second = mt::cosine{.from = peak, .to = 0.1 * peak}};
        mt::batches<text>  drawn(std::span<text const>(text_), end_of_text, mt::mix_bits(seed_ + stream), sequences, length, steps * sequences);
        auto const         evenly = [](std::int64_t, std::span<double> w) { std::fill(w.begin(), w.end(), 1.0 / static_cast<double>(w.size())); };
        auto const         start  = std::chrono::steady_clock::now();
        mt::step_result    result;
        double             recent = 0;
        for (std::int64_t step = 0; step < steps; ++step) {
            mt::progress const at{step, mt::tokens{step * batch_tokens}, mt::tokens{steps * batch_tokens}, mt::tokens{batch_tokens}};
            drawn.draw(evenly);
            mt::take_step(ranks_, model_, optimizer_, drawn, {.rate = rate.rate(at), .step = step + 1, .micro_batch = sequences}, token_loss_, result);
            recent = step == 0 ? result.loss : 0.95 * recent + 0.05 * result.loss;
            if (step % 20 == 0 || step + 1 == steps)
                std::fprintf(stderr, "\r%-28s step %4lld of %lld  loss %.3f ", what, static_cast<long long>(step + 1), static_cast<long long>(steps), recent);
        }
        double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        double const speed   = static_cast<double>(steps * batch_tokens) / seconds;
        std::fprintf(stderr, " %.0f tokens/s\n", speed);
        return speed;
    }

    /// Mean loss on held-out text by position in the document, over `sequences` sequences of the new length.
    losses evaluate(mt::index_t sequences) {
        mt::batches<text> drawn(std::span<text const>(held_out_), end_of_text, seed_, 1, extended, sequences);
        std::vector<float> loss(static_cast<std::size_t>(extended));
        losses                                      total{};
        std::array<std::int64_t, bucket_end.size()> count{};
        for (mt::index_t s = 0; s < sequences; ++s) {
            drawn.draw([](std::int64_t, std::span<double> w) { w[0] = 1; });
            auto const b = drawn.part(0, 1);
            model_.evaluate(b, {loss.data(), extended});
            for (mt::index_t t = 0; t < extended; ++t) {
                if (b.targets[t] < 0) continue;
                std::size_t const bucket = static_cast<std::size_t>(
                    std::upper_bound(bucket_end.begin(), bucket_end.end(), static_cast<mt::index_t>(b.positions[t])) - bucket_end.begin());
                total[bucket] += static_cast<double>(loss[static_cast<std::size_t>(t)]);
                ++count[bucket];
            }
        }
        for (std::size_t i = 0; i < total.size(); ++i) total[i] /= static_cast<double>(std::max<std::int64_t>(1, count[i]));
        return total;
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

    static constexpr mt::index_t batch_tokens = 4096;

  private:
    void forget() { std::fill(model_.slots().begin(), model_.slots().end(), 0.0f); }

    std::uint64_t      seed_;
    mt::host           device_;
    mt::self           ranks_;
    mt::adamw          optimizer_{};
    model_type         model_{device_, {}};
    std::vector<text>  text_, held_out_;
    std::vector<float> token_loss_;
};

/// How much is done of each.
struct plan {
    mt::tokens  pretraining, arm;
    mt::index_t held_out;  // sequences
};

/// From a budget of tokens, or from the time there is and the speed measured on weights that are then thrown away.
plan make_plan(laboratory& lab, options const& o) {
    if (o.tokens > 0) return {mt::tokens{o.tokens}, mt::tokens{o.tokens / 8}, 16};
    lab.begin();
    double const seconds = 60 * o.minutes, length = 8 * laboratory::batch_tokens;
    double const near = lab.train("how fast at 128?", mt::tokens{static_cast<std::int64_t>(length)}, trained, 1e-3, 0);
    double const far  = lab.train("how fast at 1024?", mt::tokens{static_cast<std::int64_t>(length)}, extended, 1e-3, 0);
    return {mt::tokens{static_cast<std::int64_t>(0.45 * seconds * near)}, mt::tokens{static_cast<std::int64_t>(0.08 * seconds * far)}, 16};
}

void print(std::vector<arm> const& arms) {
    std::printf("\nMean loss (nats a byte) on held-out text by position; trained up to %d.\n\n%-26s", static_cast<int>(trained), "");
    mt::index_t first = 1;
    for (auto end : bucket_end) {
        std::printf("%11s", (std::to_string(first) + "-" + std::to_string(end)).c_str());
        first = end + 1;
    }
    std::printf("\n");
    for (auto const& a : arms)
        for (bool after : {false, true}) {
            std::printf("%-18s%-8s", after ? "" : a.name.c_str(), after ? "after" : "before");
            for (double x : after ? a.after : a.before) std::printf("%11.3f", x);
            std::printf("\n");
        }
}

void write_json(std::string const& folder, plan const& p, laboratory const& lab, options const& o, std::vector<arm> const& arms) {
    using mt::io::json;
    auto const   list   = [](auto const& numbers) {
        json::array a;
        for (auto x : numbers) a.push_back({static_cast<double>(x)});
        return json{a};
    };
    json::array all;
    for (auto const& a : arms)
        all.push_back({json::object{{"name", {a.name}}, {"before", list(a.before)}, {"after", list(a.after)}}});
    json const whole{json::object{{"trained", {double(trained)}}, {"extended", {double(extended)}}, {"seed", {double(o.seed)}},
                                  {"threads", {double(lab.threads())}}, {"parameters", {double(lab.parameters())}},
                                  {"pretraining_tokens", {double(p.pretraining.count)}}, {"arm_tokens", {double(p.arm.count)}},
                                  {"held_out_sequences", {double(p.held_out)}}, {"bucket_end", list(bucket_end)}, {"arms", {all}}}};
    std::filesystem::create_directories(folder);
    auto const    path = folder + "/longer_context.json";
    std::ofstream file(path);
    file << mt::io::written(whole, 2) << "\n";
    file.close();
    mt::check(!file.fail(), path + ": cannot be written");
}

void run(options const& o) {
    laboratory       lab(o);
    double const     base = small::rope_base;
    std::vector<arm> arms{
        make_arm("rope, unchanged", mt::rope{.base = base, .length = trained}),
        make_arm("rope, base x 16", mt::rope{.base = 16 * base, .length = extended}),
        make_arm("interpolated", mt::interpolated{.base = base, .trained = trained, .extended = extended}),
        make_arm("ntk", mt::ntk{.base = base, .trained = trained, .extended = extended}),
        make_arm("yarn", mt::yarn{.base = base, .trained = trained, .extended = extended}),
    };
    lab.place(arms.front());
    plan const p = make_plan(lab, o);
    std::fprintf(stderr, "%lld parameters, %d threads, %lld tokens at %d, then %lld at %d for each of %zu arms\n",
                 static_cast<long long>(lab.parameters()), lab.threads(), static_cast<long long>(p.pretraining.count), static_cast<int>(trained),
                 static_cast<long long>(p.arm.count), static_cast<int>(extended), arms.size());
    lab.begin();
    lab.train("first training", p.pretraining, trained, 2e-3, 1);
    auto const weights = lab.weights();
    for (auto& a : arms) {
        lab.go_back_to(weights);
        lab.place(a);
        a.before = lab.evaluate(p.held_out);
        lab.train(a.name.c_str(), p.arm, extended, 5e-4, 2);
        a.after = lab.evaluate(p.held_out);
    }
    print(arms);
    if (!o.out.empty()) write_json(o.out, p, lab, o, arms);
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
