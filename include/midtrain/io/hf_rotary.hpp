#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/any_position.hpp>

namespace midtrain::inline MT_ABI::io {

/// A position policy in the words of config.json, as transformers' modeling_rope_utils reads them.
struct hf_rotary {
    std::string         type    = "default";    ///< rope_type: default, linear, dynamic, yarn, llama3, longrope or proportional
    double              base    = 10'000;       ///< rope_theta
    index_t             context = 0;            ///< max_position_embeddings; what dynamic was trained on
    double              factor  = 1;            ///< of all but default
    index_t             trained = 0;            ///< original_max_position_embeddings of yarn, llama3 and longrope
    double              fast = 32, slow = 1;    ///< beta_fast, beta_slow of yarn; high_freq_factor, low_freq_factor of llama3
    double              part = 1;               ///< partial_rotary_factor
    double              attention_factor = 0;   ///< of yarn and longrope; 0: what the type makes of the rest
    double              mscale = 0, mscale_all_dim = 0;  ///< of yarn, for that
    bool                truncate = true;                 ///< of yarn
    bool                on_scores = false;  ///< yarn's temperature acts on the scores as its mscale says; attention_factor: the same on cosine and sine
    std::vector<double> long_factor{}, short_factor{};   ///< of longrope, by pair

    friend bool operator==(hf_rotary const&, hf_rotary const&) = default;
};

/// The ends of the ramp, as a type names them.
struct hf_ramp {
    char const *fast, *slow;
};
inline hf_ramp hf_ramp_keys(std::string_view type) {
    return type == "llama3" ? hf_ramp{"high_freq_factor", "low_freq_factor"} : hf_ramp{"beta_fast", "beta_slow"};
}

/// Equal but for rounding in the ninth digit.
inline bool nearly(double a, double b) { return std::abs(a - b) <= 1e-9 * std::abs(b); }

namespace detail {
template <class>
constexpr bool no_words = false;
}

/// Any policy whose frequencies are the same for every sequence, as longrope with both lists the same: what types of their own cannot say.
/// `base` and `trained` are those that the lists refer to.
template <class Policy>
hf_rotary as_longrope(Policy const& p, double base, index_t trained, index_t width) {
    hf_rotary r{.type = "longrope", .base = base, .context = p.context(), .factor = position::stretch(trained, p.context()),
                .trained = trained, .attention_factor = p.temperature(p.context())};
    for (index_t i = 0; i < width / 2; ++i)
        r.long_factor.push_back(position::plain_frequency(base, i, width) / p.inverse_frequency(i, width, p.context()));
    r.short_factor = r.long_factor;
    return r;
}

/// What yarn's mscale says, told of all of a head, where the family's attention reads it so (DeepSeek); and as its config.json tells it.
inline hf_rotary rotary_on_scores(hf_rotary r) {
    r.on_scores        = true;
    r.attention_factor = position::yarn_heat_of(r.factor, r.mscale);
    return r;
}
inline hf_rotary rotary_by_mscale(hf_rotary r) {
    r.on_scores        = false;
    r.attention_factor = 0;
    return r;
}

/// What config.json says for a policy and that many turning values of a head. What it has no words for is refused with the reason.
template <class Policy>
hf_rotary hf_rotary_of(Policy const&, index_t) {
    static_assert(detail::no_words<Policy>,
                  "midtrain: config.json has no words for this position policy: give one of midtrain/position/, or an overload  "
                  "hf_rotary hf_rotary_of(your_policy const&, index_t width). as_longrope in midtrain/io/hf_rotary.hpp may be its body");
    return {};
}
inline hf_rotary hf_rotary_of(position::rope const& p, index_t) { return {.base = p.base, .context = p.length}; }
/// No positions are proportional ones of which no share turns.
inline hf_rotary hf_rotary_of(position::none const& p, index_t) { return {.type = "proportional", .context = p.length, .part = 0}; }
inline hf_rotary hf_rotary_of(position::interpolated const& p, index_t) {
    return {.type = "linear", .base = p.base, .context = p.extended, .factor = p.factor()};
}
/// NTK has no static form there, so it is written as what it is: plain rotary with a larger base.
inline hf_rotary hf_rotary_of(position::ntk const& p, index_t width) {
    return {.base = position::ntk_base(p.base, p.factor(), width), .context = p.extended};
}
inline hf_rotary hf_rotary_of(position::ntk_alpha const& p, index_t width) {
    return {.base = position::ntk_base(p.base, p.alpha, width), .context = p.length};
}
/// transformers takes the trained length from max_position_embeddings, so how far the policy means to reach is lost.
inline hf_rotary hf_rotary_of(position::dynamic_ntk const& p, index_t) {
    return {.type = "dynamic", .base = p.base, .context = p.trained, .factor = p.factor};
}
/// NTK-by-parts is llama3 with the factor that the lengths say.
inline hf_rotary hf_rotary_of(position::by_parts const& p, index_t) {
    return {.type = "llama3", .base = p.base, .context = p.extended, .factor = p.factor(), .trained = p.trained, .fast = p.fast, .slow = p.slow};
}
inline hf_rotary hf_rotary_of(position::llama3 const& p, index_t) {
    return {.type = "llama3", .base = p.base, .context = p.extended, .factor = p.factor, .trained = p.trained, .fast = p.fast, .slow = p.slow};
}
/// A temperature on the scores of heads that turn as a whole is its root on cosine and sine. A ramp in turns is written as lists.
inline hf_rotary hf_rotary_of(position::yarn const& p, index_t width) {
    double const on_both = p.temperature(p.extended) * math::sqrt(p.score_factor(p.extended));
    if (p.ramp == position::yarn_ramp::turns) {
        auto r             = as_longrope(p, p.base, p.trained, width);
        r.attention_factor = on_both;
        return r;
    }
    hf_rotary r{.type = "yarn", .base = p.base, .context = p.extended, .factor = p.stretch(), .trained = p.trained, .fast = p.fast,
                .slow = p.slow, .attention_factor = p.attention_factor, .truncate = p.truncate};
    if (p.heat == position::yarn_heat::scores && p.attention_factor > 0) r.attention_factor = on_both;
    else if (p.heat == position::yarn_heat::scores) {
        r.mscale = p.mscale > 0 ? p.mscale : 1.0, r.mscale_all_dim = p.heat_on_all();
        return rotary_on_scores(r);
    } else r.mscale = p.mscale, r.mscale_all_dim = p.mscale_all_dim;
    return r;
}
inline hf_rotary hf_rotary_of(position::longrope const& p, index_t width) {
    check(p.start == 0, "config.json: transformers has no longrope whose first tokens stay plain; export with start = 0");
    hf_rotary  r{.type = "longrope", .base = p.base, .context = p.extended, .factor = p.stretch(), .trained = p.trained,
                 .attention_factor = p.attention_factor};
    auto const filled = [&](position::pair_factors const& list) {
        std::vector<double> all(list.begin(), list.end());
        all.resize(static_cast<std::size_t>(width / 2), 1.0);
        return all;
    };
    r.long_factor = filled(p.long_factor), r.short_factor = filled(p.short_factor);
    return r;
}
inline hf_rotary hf_rotary_of(position::xpos const&, index_t) {
    check(false, "config.json: transformers has no xPos: a model trained with it is kept in our own checkpoints");
    return {};
}
inline hf_rotary hf_rotary_of(position::proportional const& p, index_t) {
    return {.type = "proportional", .base = p.base, .context = p.length, .factor = p.factor, .part = p.share};
}
template <class... More>
hf_rotary hf_rotary_of(position::position_choice<More...> const& p, index_t width);

template <class Policy>
hf_rotary hf_rotary_of(position::partial<Policy> const& p, index_t head_size) {
    check(score_factor_of(p.policy, p.context()) == 1,
          "config.json: transformers has no temperature on the scores of heads that turn in part; put yarn's heat on rotary");
    auto r = hf_rotary_of(p.policy, p.rotary_width(head_size));
    check(r.part == 1, "config.json: transformers has no part of a head that turns in part");
    r.part = p.share;
    return r;
}
template <class... More>
hf_rotary hf_rotary_of(position::position_choice<More...> const& p, index_t width) {
    return p.visit([&](auto const& one) { return hf_rotary_of(one, width); });
}

/// What transformers multiplies cosine and sine by.
inline double hf_attention_factor(hf_rotary const& r) {
    if (r.attention_factor > 0) return r.attention_factor;
    if (r.type == "longrope") return r.factor <= 1 ? 1.0 : std::sqrt(1 + std::log(r.factor) / std::log(static_cast<double>(r.trained)));
    if (r.type != "yarn") return 1;
    return r.mscale != 0 && r.mscale_all_dim != 0 ? position::yarn_heat_of(r.factor, r.mscale) / position::yarn_heat_of(r.factor, r.mscale_all_dim)
                                                  : position::yarn_heat_of(r.factor);
}

namespace detail {

/// How far a config.json reaches that says both a factor and a context. Some leave the context as it was trained.
inline index_t reach_of(hf_rotary const& r) {
    return r.context > r.trained ? r.context : static_cast<index_t>(static_cast<double>(r.trained) * r.factor + 0.5);
}
/// The factor where the lengths do not say it.
inline double told_factor(hf_rotary const& r) { return nearly(r.factor, position::stretch(r.trained, reach_of(r))) ? 0.0 : r.factor; }

inline position::pair_factors pair_factors_of(std::vector<double> const& list) {
    position::pair_factors f;
    for (double const x : list) f.push_back(x);
    return f;
}
inline position::whole_head whole_head_of(hf_rotary const& r) {
    auto const divided = [](index_t n, double by) { return static_cast<index_t>(static_cast<double>(n) / by + 0.5); };
    if (r.type == "linear") return position::interpolated{.base = r.base, .trained = divided(r.context, r.factor), .extended = r.context};
    if (r.type == "dynamic")
        return position::dynamic_ntk{.base = r.base, .trained = r.context, .extended = divided(r.context, 1 / r.factor), .factor = r.factor};
    if (r.type == "yarn")
        return position::yarn{.base = r.base, .trained = r.trained, .extended = reach_of(r), .fast = r.fast, .slow = r.slow,
                              .factor = told_factor(r), .truncate = r.truncate, .mscale = r.mscale, .mscale_all_dim = r.mscale_all_dim,
                              .attention_factor = r.on_scores ? 0.0 : r.attention_factor,
                              .heat = r.on_scores ? position::yarn_heat::scores : position::yarn_heat::rotary};
    if (r.type == "llama3")
        return position::llama3{
            .base = r.base, .trained = r.trained, .extended = r.context, .factor = r.factor, .slow = r.slow, .fast = r.fast};
    if (r.type == "longrope")
        return position::longrope{.base = r.base, .trained = r.trained, .extended = reach_of(r),
                                  .long_factor = pair_factors_of(r.long_factor), .short_factor = pair_factors_of(r.short_factor),
                                  .factor = told_factor(r), .attention_factor = r.attention_factor};
    if (r.type == "proportional" && r.part == 0) return position::none{.length = r.context};
    if (r.type == "proportional") return position::proportional{.base = r.base, .length = r.context, .share = r.part, .factor = r.factor};
    return position::rope{.base = r.base, .length = r.context};
}

}  // namespace detail

/// The policy that a config.json means.
inline position::any_position position_of(hf_rotary const& r) {
    auto const whole = detail::whole_head_of(r);
    if (r.part != 1 && r.type != "proportional") return position::partial<position::whole_head>{.share = r.part, .policy = whole};
    return whole.visit([](auto const& one) { return position::any_position(one); });
}

}  // namespace midtrain::inline MT_ABI::io
