#pragma once
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// How a router's logits become scores, each between 0 and 1: of all experts together, or of each alone (DeepSeek-V3, eq. 15).
enum class router_scores { softmax, sigmoid };

/// What groups of experts are for. `best`: a token chooses from its best groups, a group being as good as its best few experts together
/// (DeepSeek-V3, section 2.1.2). `each`: it chooses as many in each group (Pangu Pro MoE, MoGE, eq. 3).
enum class expert_groups { none, best, each };

/// What becomes of choices that an expert has no room for. `drop_late`: those of later tokens count for nothing (GShard); `drop_improbable`:
/// those of low score; `recycle`: they go to other experts that have room, at random (Hunyuan-Large, section 2.2.1).
enum class overflow { drop_late, drop_improbable, recycle };

/// How checkpoints call the parts of a mixture of experts; model/expert_names.hpp has the names.
enum class expert_naming { deepseek, qwen, mixtral, hunyuan };

/// Weights of the losses that keep experts busy alike, and routers quiet; each is a mean over layers' tokens and is 1 where all is even,
/// but for `z`. With f the share of choices, p the mean score, N experts, k choices a token:
struct balance_weights {
    double sequence     = 0;  ///< N sum f p within each sequence, f of the k best plain scores (DeepSeek-V3, eq. 17 to 20)
    double micro_batch  = 0;  ///< N sum f p within a micro-batch (Switch Transformer, eq. 4; f by k choices)
    double global_batch = 0;  ///< the same with f of all micro-batches of the step so far (Qiu et al. 2025, section 3)
    double devices      = 0;  ///< D sum f p over devices, each with N / D experts: f and p of a device's together (DeepSeek-V2, eq. 26)
    double z            = 0;  ///< mean of log(sum(exp(logits)))^2 (ST-MoE, eq. 5)

    friend constexpr bool operator==(balance_weights const&, balance_weights const&) = default;
    constexpr balance_weights times(double by) const {
        return {by * sequence, by * micro_batch, by * global_batch, by * devices, by * z};
    }
};

/// The numbers of a mixture of experts. Softmax over the chosen alone is `renormalise` with softmax scores: the same numbers.
struct expert_shape {
    int           count       = 0;                       ///< experts that tokens are routed to; 0: the model has none
    int           chosen      = 1;                       ///< experts of a token
    int           ffn         = 0;                       ///< width of one
    int           shared_ffn  = 0;                       ///< width of the expert that all tokens share, all such together; 0: none
    bool          shared_gate = false;                   ///< what it says is weighed by sigmoid(w x) (Qwen2-MoE)
    router_scores scores      = router_scores::softmax;
    bool          renormalise = false;                   ///< the weights of a token's experts sum to one
    double        scale       = 1;                       ///< of the weights, after that
    bool          scaled      = false;                   ///< and each expert has a learned scale (Pangu Pro MoE)
    bool          biased      = false;                   ///< chosen by score + bias, and the bias follows the load (Wang et al. 2024)
    expert_groups grouping    = expert_groups::none;
    int           groups      = 1;
    int           top_groups  = 1;                       ///< of them, that a token may choose from
    int           group_best  = 2;                       ///< experts whose scores a group is judged by
    int           first_dense = 0;                       ///< layers before the first with experts
    int           every       = 1;                       ///< layers every - 1, 2 every - 1, ... have experts
    double        capacity    = 0;                       ///< room of an expert in training, in even shares of choices; 0: for all
    overflow      past        = overflow::drop_late;     ///< what happens beyond it
    int           devices     = 1;                       ///< for the loss of that name
    expert_naming naming      = expert_naming::deepseek;
    balance_weights balance{};                           ///< a recipe may multiply them

    static constexpr int most_groups = 64;

    /// Choices that an expert takes of `choices` in all; 0: any number.
    constexpr index_t room(index_t choices) const {
        if (capacity <= 0) return 0;
        double const  share = static_cast<double>(choices) / count * capacity;
        index_t const whole = static_cast<index_t>(share);
        return static_cast<double>(whole) < share ? whole + 1 : whole;
    }
};

/// Whether layer n has experts.
constexpr bool has_experts(expert_shape const& s, int n) {
    return s.count > 0 && n >= s.first_dense && (n + 1) % s.every == 0;
}

/// Whether some layer has none.
constexpr bool has_dense_layers(expert_shape const& s) { return s.count == 0 || s.first_dense > 0 || s.every > 1; }

/// Throws midtrain::error with the field that cannot be.
inline void check_experts(expert_shape const& s) {
    check(s.count > 0 && s.ffn > 0 && s.chosen >= 1 && s.chosen <= s.count, "experts: count and ffn are positive, and chosen is 1 .. count");
    check(s.groups >= 1 && s.groups <= expert_shape::most_groups && s.count % s.groups == 0,
          "experts: groups is 1 .. 64 and divides count");
    check(s.grouping != expert_groups::each || s.chosen % s.groups == 0, "experts: groups divides chosen where each group is chosen from");
    check(s.grouping != expert_groups::best ||
              (s.top_groups >= 1 && s.top_groups <= s.groups && s.chosen <= s.top_groups * (s.count / s.groups) && s.group_best >= 1 &&
               s.group_best <= s.count / s.groups),
          "experts: top_groups is 1 .. groups and holds enough experts, and group_best is 1 .. experts of a group");
    check(s.capacity >= 0 && (s.capacity == 0 || s.past != overflow::recycle || s.chosen == 1),
          "experts: capacity is not negative, and recycle is for one expert a token");
    check(!(s.scaled && s.renormalise), "experts: scaled goes with weights that are not renormalised");
    check(s.devices >= 1 && s.count % s.devices == 0 && s.every >= 1 && s.first_dense >= 0,
          "experts: devices divides count, every is positive, first_dense not negative");
}

}  // namespace midtrain::inline MT_ABI
