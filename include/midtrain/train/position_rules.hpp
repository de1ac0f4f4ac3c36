#pragma once
#include <midtrain/concepts/position_policy.hpp>
#include <midtrain/core/literal.hpp>
#include <midtrain/core/types.hpp>

// What a stage's positions must keep. Judges are those of rules.hpp.
namespace midtrain::inline MT_ABI::detail {

/// What is wrong with the numbers of a policy, each with a sentence of its own.
template <class Stage, class Judge>
constexpr void judge_position_numbers(Stage const& s, position_fault f, Judge const& judge) {
    judge.template refuse_if<"the base of the positions is not above one, or their context is empty">(f == position_fault::base, s.name);
    judge.template refuse_if<"the positions are stretched to less than they were trained on: raise extended, or lower trained">(
        f == position_fault::shrinks, s.name);
    judge.template refuse_if<"a factor of the positions is below one: it stretches, it does not shrink">(f == position_fault::factor, s.name);
    judge.template refuse_if<"the ramp of the positions falls: slow must be above zero and below fast">(f == position_fault::ramp, s.name);
    judge.template refuse_if<"the part of a head that turns is not an even number of values between two and the head's size: see share">(
        f == position_fault::part, s.name);
    judge.template refuse_if<"the lists of LongRoPE do not have one factor above zero for each pair of a head">(f == position_fault::lists, s.name);
    judge.template refuse_if<"xPos decays beyond what a float holds over half this context: raise scale_base">(f == position_fault::decay, s.name);
}

/// The law of the concept, for any policy: frequencies neither rise with the pair nor are negative, and the temperatures are above zero.
template <class Stage, class Judge>
constexpr void judge_positions(Stage const& s, index_t head_size, Judge const& judge) {
    auto const fault = position_fault_of(s.position, head_size);
    judge_position_numbers(s, fault, judge);
    if (fault != position_fault::none) return;
    index_t const width = rotary_width_of(s.position, head_size), length = s.batch.length;
    judge.template refuse_if<"rotary_width of the positions is odd, negative or above the head's size">(
        width < 0 || width % 2 != 0 || width > head_size, s.name);
    bool   wrong = false;
    double above = 1e9;
    for (index_t i = 0; i < width / 2; ++i) {
        double const f = s.position.inverse_frequency(i, width, length);
        wrong |= !(f >= 0 && f <= above);
        above = f;
    }
    judge.template refuse_if<"a frequency of the positions is negative or not a number, or rises with the pair">(wrong, s.name);
    double const heat = s.position.temperature(length), scores = score_factor_of(s.position, length);
    judge.template refuse_if<"the temperature of the positions is not above zero">(!(heat > 0 && heat < 1e3 && scores > 0 && scores < 1e6), s.name);
}

}  // namespace midtrain::inline MT_ABI::detail
