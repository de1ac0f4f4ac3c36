#pragma once
#include <midtrain/midtrain.hpp>

// What the quick start does, as values. Budgets here are those of the full run; the quick one sets its own through settings, which the
// same rules judge.
namespace quick_start {

namespace mt = midtrain;
using namespace mt::literals;

/// Seven kinds of text: examples/mid_train/packages.py says which packages they come from.
template <class T>
struct sources {
    T general, code, maths, questions, knowledge, books, reasoning;
};

/// SmolLM2-135M (Allal et al. 2025).
struct smollm2_135m : mt::decoder_shape {
    static constexpr int    layers = 30, width = 576, heads = 9, kv_heads = 3, ffn = 1536, vocab = 49'152, context = 8'192, end_token = 0;
    static constexpr double rope_base = 100'000;
};

/// What is pretrained on the spot where that model cannot be had; its tokens are bytes.
struct own_3m : mt::decoder_shape {
    static constexpr int    layers = 6, width = 192, heads = 6, kv_heads = 2, ffn = 512, vocab = 257, context = 1'024, end_token = 256;
    static constexpr double rope_base = 10'000;
};

constexpr sources<mt::weight> general_heavy{.general = .40, .code = .10, .maths = .05, .questions = .05, .knowledge = .25, .books = .10, .reasoning = .05};
/// General text stays in as replay, so that what it taught is not forgotten.
constexpr sources<mt::weight> skills_heavy{.general = .15, .code = .20, .maths = .20, .questions = .05, .knowledge = .05, .books = .05, .reasoning = .30};

/// Stage "anneal": from one mixture to the other while the rate, warmed up again because a published model comes without the optimizer's
/// moments, decays to zero. Stage "long": whole books, four times the length, under a larger rotary base.
template <class Shape, mt::index_t Short, mt::index_t Long>
constexpr auto mid_training() {
    return mt::recipe{
        .optimizer = mt::adamw{.beta1 = 0.9, .beta2 = 0.95, .decay = 0.1},
        .stages    = mt::stages{mt::stage{.name     = "anneal",
                                          .budget   = 1.2_Mtok,
                                          .mixture  = mt::annealed_mixture<sources>{.from = general_heavy, .to = skills_heavy},
                                          .rate     = mt::wsd{.peak = 2e-4, .decay = 600_ktok, .warmup = 60_ktok, .from = mt::annealing::warmup_from::one_batch},
                                          .batch    = {.sequences = 8, .length = Short},
                                          .position = mt::rope{.base = Shape::rope_base, .length = Shape::context}},
                                mt::stage{.name     = "long",
                                          .budget   = 400_ktok,
                                          .mixture  = mt::fixed_mixture<sources>{.share = {.general = 0, .code = 0, .maths = 0, .questions = 0, .knowledge = 0, .books = 1, .reasoning = 0}},
                                          .rate     = mt::linear{.from = 5e-5, .to = 0},
                                          .batch    = {.sequences = 2, .length = Long},
                                          .position = mt::rope{.base = 4 * Shape::rope_base, .length = 2 * Shape::context}}}};
}

/// The control arm: the same tokens as stage "anneal", under the first mixture and a constant rate, after the same
/// warm-up.
template <class Shape, mt::index_t Short>
constexpr auto control() {
    return mt::recipe{
        .optimizer = mt::adamw{.beta1 = 0.9, .beta2 = 0.95, .decay = 0.1},
        .stages    = mt::stages{mt::stage{.name     = "control",
                                          .budget   = 1.2_Mtok,
                                          .mixture  = mt::fixed_mixture<sources>{.share = general_heavy},
                                          .rate     = mt::wsd{.peak = 2e-4, .decay = 0_tok, .warmup = 60_ktok, .from = mt::annealing::warmup_from::one_batch},
                                          .batch    = {.sequences = 8, .length = Short},
                                          .position = mt::rope{.base = Shape::rope_base, .length = Shape::context}}}};
}

/// For the small model of our own: general text and knowledge from nothing.
constexpr auto pretraining() {
    return mt::recipe{
        .optimizer = mt::adamw{.beta1 = 0.9, .beta2 = 0.95, .decay = 0.1},
        .stages    = mt::stages{mt::stage{.name     = "pretrain",
                                          .budget   = 1_Mtok,
                                          .mixture  = mt::fixed_mixture<sources>{.share = general_heavy},
                                          .rate     = mt::wsd{.peak = 2e-3, .decay = 200_ktok, .warmup = 50_ktok},
                                          .batch    = {.sequences = 8, .length = 256, .micro = 8},
                                          .position = mt::rope{.base = own_3m::rope_base, .length = own_3m::context}}}};
}

constexpr auto smollm2_run     = mt::checked([] { return mid_training<smollm2_135m, 1'024, 16'384>(); }, smollm2_135m{});
constexpr auto smollm2_control = mt::checked([] { return control<smollm2_135m, 1'024>(); }, smollm2_135m{});
constexpr auto own_run         = mt::checked([] { return mid_training<own_3m, 512, 2'048>(); }, own_3m{});
constexpr auto own_control     = mt::checked([] { return control<own_3m, 512>(); }, own_3m{});
constexpr auto own_pretraining = mt::checked([] { return pretraining(); }, own_3m{});

}  // namespace quick_start
