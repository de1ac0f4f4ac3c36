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

namespace midtrain::inline MT_ABI {

struct generate_options {
    index_t       max_tokens  = 32;
    std::int32_t  end_token   = -1;  ///< stops here; below zero: never
    double        temperature = 0;   ///< 0: always the likeliest token
    double        top_p       = 1;   ///< draws among the likeliest tokens that together have this share (Holtzman et al. 2020)
    index_t       top_k       = 0;   ///< and among so many of them (Fan et al. 2018); 0: all
    std::uint64_t seed        = 0;
    std::vector<std::vector<std::int32_t>> stops = {};  ///< stops after any of these, and leaves it out
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
    std::size_t       kept = 0;
    std::size_t const most = how.top_k > 0 ? std::min(order.size(), static_cast<std::size_t>(how.top_k)) : order.size();
    double            inside = 0;
    while (kept < most && (kept == 0 || inside < how.top_p * sum)) inside += share[static_cast<std::size_t>(order[kept++])];
    double left = u * inside;
    for (std::size_t k = 0; k + 1 < kept; ++k)
        if ((left -= share[static_cast<std::size_t>(order[k])]) < 0) return order[k];
    return order[kept - 1];
}

namespace detail {

/// Whether a text ends with one of the stops; if so it loses it.
inline bool stopped(std::vector<std::int32_t>& text, generate_options const& how) {
    for (auto const& stop : how.stops) {
        if (stop.empty() || stop.size() > text.size() ||
            !std::equal(stop.begin(), stop.end(), text.end() - static_cast<std::ptrdiff_t>(stop.size())))
            continue;
        text.resize(text.size() - stop.size());
        return true;
    }
    return false;
}

}  // namespace detail

/// Tokens that go on from a prompt, without the end token. Keys and values of earlier tokens are kept, so that each token costs one row.
/// The model's rotary table must reach prompt + max_tokens. The same seed gives the same tokens; `stream` tells prompts apart.
template <class Model>
std::vector<std::int32_t> generate(Model& model, std::span<std::int32_t const> prompt, generate_options const& how = {},
                                   std::uint64_t stream = 0) {
    check(!prompt.empty(), "a continuation needs a prompt of at least one token");
    check(how.max_tokens >= 0 && how.temperature >= 0 && how.top_p > 0 && how.top_p <= 1 && how.top_k >= 0,
          "continuation: max_tokens, temperature and top_k are not negative, top_p is in (0, 1]");
    using T = typename Model::computed;
    std::vector<std::int32_t> text;
    if (how.max_tokens == 0) return text;
    std::vector<T>      logits(static_cast<std::size_t>(model.shape().vocab));
    random_stream const draws{how.seed, 0x67656e + stream};
    auto                state = model.begin_decoding(static_cast<index_t>(prompt.size()) + how.max_tokens);
    model.decode(state, prompt, std::span<T>(logits));
    while (true) {
        text.push_back(choose_token(std::span<T const>(logits), how, draws.uniform(text.size())));
        if (text.back() == how.end_token) {
            text.pop_back();
            return text;
        }
        if (detail::stopped(text, how) || static_cast<index_t>(text.size()) == how.max_tokens) return text;
        model.decode(state, std::span<std::int32_t const>(text).last(1), std::span<T>(logits));
    }
}

/// The same for several prompts, each with draws of its own.
template <class Model>
std::vector<std::vector<std::int32_t>> generate_all(Model& model, std::span<std::vector<std::int32_t> const> prompts,
                                                    generate_options const& how = {}) {
    std::vector<std::vector<std::int32_t>> all;
    for (auto const& p : prompts) all.push_back(generate(model, std::span<std::int32_t const>(p), how, all.size()));
    return all;
}

}  // namespace midtrain::inline MT_ABI
