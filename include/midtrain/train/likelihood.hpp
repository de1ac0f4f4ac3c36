#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/train/evaluate.hpp>

namespace midtrain::inline MT_ABI {

/// A context and what follows it, as tokens: those from `first` on are judged, given all that stand before.
struct judged_text {
    std::vector<std::int32_t> tokens;
    std::size_t               first = 1;
};

struct likelihood {
    double       log_likelihood = 0;     ///< sum over the judged tokens, in nats
    std::int64_t tokens         = 0;  ///< judged
    std::int64_t likeliest      = 0;  ///< of them, those that are the likeliest at their place; ties go to the lower id

    /// Greedy generation says all of them.
    bool greedy() const { return likeliest == tokens; }

    friend constexpr bool operator==(likelihood const&, likelihood const&) = default;
};

struct likelihood_options {
    index_t sequences = 8;     ///< of a batch
    index_t length    = 1024;  ///< of a sequence; a longer text loses its beginning; the model's rotary table must reach this far
};

namespace detail {

/// Adds what a row of logits says of its target.
template <class T>
void judge(std::span<T const> logits, std::int32_t target, likelihood& to) {
    auto const best = std::max_element(logits.begin(), logits.end());
    double     sum  = 0;
    for (auto x : logits) sum += std::exp(static_cast<double>(x) - static_cast<double>(*best));
    to.log_likelihood += static_cast<double>(logits[static_cast<std::size_t>(target)]) - static_cast<double>(*best) - std::log(sum);
    to.likeliest += best - logits.begin() == target;
    ++to.tokens;
}

}  // namespace detail

/// How likely a model finds each text's judged tokens. Long texts go first and several stand in one sequence, none seeing another, so
/// little is padded; a text that is too long loses tokens of its context from the left, as in lm-evaluation-harness (HFLM).
template <class Model>
std::vector<likelihood> judge_texts(Model& model, std::span<judged_text const> texts, likelihood_options how = {}) {
    static constexpr index_t most_rows = 512;  // of logits at once
    check(how.sequences > 0 && how.length > 0, "likelihood: sequences and length are positive");
    for (std::size_t i = 0; i < texts.size(); ++i) {
        auto const& t = texts[i];
        check(t.first >= 1 && t.first <= t.tokens.size(),
              [&] { return "likelihood: text " + std::to_string(i) + " has no token before the judged ones"; });
        check(t.tokens.size() - t.first <= static_cast<std::size_t>(how.length), [&] {
            return "likelihood: text " + std::to_string(i) + " has " + std::to_string(t.tokens.size() - t.first) +
                   " tokens to judge, a sequence holds " + std::to_string(how.length);
        });
    }
    std::vector<std::size_t> order(texts.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return texts[a].tokens.size() > texts[b].tokens.size(); });
    std::vector<likelihood>               out(texts.size());
    std::vector<typename Model::computed> logits;
    detail::evaluation_pack               pack(how.sequences, how.length, 0);
    auto const                            run = [&] {
        pack.run_logits(model, logits, [&](std::int64_t i, std::int32_t target, auto row) {
            detail::judge(row, target, out[static_cast<std::size_t>(i)]);
        });
    };
    for (auto i : order) {
        auto const& t   = texts[i];
        auto const  cut = t.tokens.size() - std::min(t.tokens.size(), static_cast<std::size_t>(how.length) + 1);
        auto const  n   = static_cast<index_t>(t.tokens.size() - cut) - 1, judged = static_cast<index_t>(t.tokens.size() - t.first);
        if (judged == 0) continue;
        if (!pack.empty() && (!pack.fits(n) || pack.targets() + judged > most_rows)) run();
        pack.add(static_cast<std::int64_t>(i), std::span(t.tokens).subspan(cut), [&](std::size_t k) { return k + cut >= t.first; });
    }
    if (!pack.empty()) run();
    return out;
}

/// Tokens of a context and its continuation as lm-evaluation-harness cuts them (TemplateLM._encode_pair): spaces at the context's end
/// go to the continuation, both are encoded as one text, and the continuation is what is left after as many tokens as the context
/// alone has. Without a context, `begin` (the end token, where a model has no begin token) stands before, unless it does already.
template <class Tokenizer>
judged_text encode_pair(Tokenizer const& tokenizer, std::string_view context, std::string_view continuation, std::int32_t begin) {
    auto const        last  = context.find_last_not_of(" \t\n\v\f\r");
    auto const        alone = context.substr(0, last == context.npos ? 0 : last + 1);
    std::string const whole = std::string(context) + std::string(continuation);
    if (context.empty()) {
        judged_text t{tokenizer.encode(whole), 1};
        if (t.tokens.empty() || t.tokens.front() != begin) t.tokens.insert(t.tokens.begin(), begin);
        return t;
    }
    auto       tokens = tokenizer.encode(whole);
    auto const before = std::min(tokens.size(), tokenizer.encode(alone).size());
    check(before > 0, "a context of nothing but spaces has no token to begin from");
    return {std::move(tokens), before};
}

}  // namespace midtrain::inline MT_ABI
