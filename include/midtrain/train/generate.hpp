#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/batch.hpp>

namespace midtrain::inline MT_ABI {

struct generate_options {
    index_t       max_tokens  = 32;
    std::int32_t  end_token   = -1;  ///< stops here; below zero: never
    double        temperature = 0;   ///< 0: always the likeliest token
    double        top_p       = 1;   ///< draws among the likeliest tokens that together have this share (Holtzman et al. 2020)
    std::uint64_t seed        = 0;
};

/// A token from a row of logits; u is uniform in [0, 1). Ties go to the lower id, so the same logits give the same token.
template <class T>
std::int32_t choose_token(std::span<T const> logits, generate_options const& how, double u) {
    auto const best = std::max_element(logits.begin(), logits.end());
    if (how.temperature == 0) return static_cast<std::int32_t>(best - logits.begin());
    std::vector<double> share(logits.size());
    for (std::size_t i = 0; i < share.size(); ++i)
        share[i] = std::exp((static_cast<double>(logits[i]) - static_cast<double>(*best)) / how.temperature);
    double const              sum = std::accumulate(share.begin(), share.end(), 0.0);
    std::vector<std::int32_t> order(share.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return share[static_cast<std::size_t>(a)] > share[static_cast<std::size_t>(b)]; });
    std::size_t kept  = 0;
    double      inside = 0;
    while (kept < order.size() && (kept == 0 || inside < how.top_p * sum)) inside += share[static_cast<std::size_t>(order[kept++])];
    double left = u * inside;
    for (std::size_t k = 0; k + 1 < kept; ++k)
        if ((left -= share[static_cast<std::size_t>(order[k])]) < 0) return order[k];
    return order[kept - 1];
}

/// Tokens that go on from a prompt, without the end token. Each is drawn from the logits of the whole sequence, computed anew: meant
/// for looking at a few dozen tokens. The model's rotary table must reach prompt + max_tokens. The same seed gives the same tokens.
template <class Model>
std::vector<std::int32_t> generate(Model& model, std::span<std::int32_t const> prompt, generate_options how = {}) {
    check(!prompt.empty(), "a continuation needs a prompt of at least one token");
    check(how.max_tokens >= 0 && how.temperature >= 0 && how.top_p > 0 && how.top_p <= 1,
          "continuation: max_tokens and temperature are not negative, top_p is in (0, 1]");
    using T = typename Model::computed;
    // One length for all steps: what stands behind the last token is seen by none before it, and memory is counted once.
    index_t const             length = static_cast<index_t>(prompt.size()) + how.max_tokens, vocabulary = model.shape().vocab;
    auto const                n      = static_cast<std::size_t>(length);
    std::vector<std::int32_t> text(prompt.begin(), prompt.end()), positions(n), begin(n, 0), none(n, -1);
    text.resize(n, prompt.back());
    std::iota(positions.begin(), positions.end(), 0);
    auto const view = [&](std::vector<std::int32_t> const& v) { return row_view<std::int32_t const>{v.data(), length}; };
    token_batch const batch{view(text), view(none), view(positions), view(begin), 1, length, 1};
    auto const          row = static_cast<std::size_t>(vocabulary);
    std::vector<T>      logits(n * row);
    random_stream const draws{how.seed, 0x67656e};
    for (auto at = prompt.size(); at < n; ++at) {
        model.logits(batch, as_matrix(logits.data(), length, vocabulary));
        auto const last = std::span<T const>(logits).subspan((at - 1) * row, row);
        text[at]        = choose_token(last, how, draws.uniform(at - prompt.size()));
        if (text[at] == how.end_token) text.resize(at), at = n;
    }
    text.erase(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(prompt.size()));
    return text;
}

}  // namespace midtrain::inline MT_ABI
