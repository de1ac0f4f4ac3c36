#pragma once
#include <cstdint>
#include <vector>

namespace test {

/// Fill-in-the-middle as Megatron-LM (fim_dataset.py) and bigcode's finetune (fim.py) write it, on whole lists: `first` and `second` are
/// their sorted boundaries. PSM: [prefix_tok] prefix [suffix_tok] suffix [middle_tok] middle; SPM, "variant 2 from FIM paper":
/// [prefix_tok, suffix_tok] suffix [middle_tok] prefix middle.
inline std::vector<std::int32_t> naive_fim(std::vector<std::int32_t> const& text, std::size_t first, std::size_t second, bool spm,
                                           std::int32_t prefix_tok, std::int32_t suffix_tok, std::int32_t middle_tok) {
    std::vector<std::int32_t> to;
    auto const add = [&](std::size_t from, std::size_t end) { to.insert(to.end(), text.begin() + from, text.begin() + end); };
    to.push_back(prefix_tok);
    if (spm) {
        to.push_back(suffix_tok), add(second, text.size());
        to.push_back(middle_tok), add(0, first), add(first, second);
    } else {
        add(0, first);
        to.push_back(suffix_tok), add(second, text.size());
        to.push_back(middle_tok), add(first, second);
    }
    return to;
}

}  // namespace test
