#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <midtrain/core/random.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/data/token_range.hpp>
#include <midtrain/mixture/source_list.hpp>

namespace midtrain::inline MT_ABI::data {

/// Fill-in-the-middle (Bavarian et al. 2022, "Efficient Training of Language Models to Fill in the Middle"): a document is cut at two of
/// its places between tokens, both uniform, and rearranged, before packing:
///   PSM  <prefix> prefix <suffix> suffix <middle> middle
///   SPM  <prefix> <suffix> suffix <middle> prefix middle   (the paper's second variant; StarCoder's and Megatron's)
/// The end token follows as ever, and the loss counts all. A function of the seed and the document: the same in every epoch.
struct fim {
    double       rate   = 0;   ///< share of the documents that are rearranged
    double       spm    = 0;   ///< share of those that are in SPM, the others are in PSM
    std::int32_t prefix = -1;  ///< ids of the sentinel tokens
    std::int32_t suffix = -1;
    std::int32_t middle = -1;
    index_t      keep   = 0;   ///< tokens at a document's front that stay there; 1: a begin token
    source_list  only{};       ///< the sources that it is for; none: all

    constexpr bool names_sentinels() const { return prefix >= 0 && suffix >= 0 && middle >= 0; }
};

/// How one document is rearranged.
struct fim_cut {
    enum class order { none, psm, spm };

    order        is    = order::none;
    std::int64_t first = 0, second = 0;  ///< where the middle begins and ends, `keep` tokens not counted
};

/// The cut of a document of so many tokens.
constexpr fim_cut cut_of(fim const& how, std::uint64_t seed, std::int64_t document, std::int64_t tokens) {
    auto const    room = tokens - how.keep;
    random_stream random{seed, 0x66696d};
    auto const    n = 4 * static_cast<std::uint64_t>(document);
    if (room < 1 || !(random.uniform(n) < how.rate)) return {};
    auto const place = [&](std::uint64_t k) { return static_cast<std::int64_t>(random.uniform(n + k) * static_cast<double>(room + 1)); };
    auto const a = place(2), b = place(3);
    return {random.uniform(n + 1) < how.spm ? fim_cut::order::spm : fim_cut::order::psm, a < b ? a : b, a < b ? b : a};
}

/// A document as a cut rearranges it; points to the sentinels. Document: a range of token ids, or a reference to one.
template <class Document>
class fim_view {
  public:
    fim_view(Document of, fim_cut cut, fim const& how) : of_(std::forward<Document>(of)), cut_(cut), how_(&how) {}

    std::size_t  size() const { return of_.size() + (cut_.is == fim_cut::order::none ? 0 : 3); }
    std::int32_t operator[](std::size_t i) const {
        auto const at = source_of(i);
        return at >= 0 ? static_cast<std::int32_t>(of_[static_cast<std::size_t>(at)])
                       : at == -1 ? how_->prefix : at == -2 ? how_->suffix : how_->middle;
    }
    /// Whether the loss counts token i, size() being the end token behind it: a sentinel is counted as the token that follows it.
    bool counts(std::size_t i) const {
        while (i < size() && source_of(i) < 0) ++i;
        return is_counted(of_, i < size() ? static_cast<std::size_t>(source_of(i)) : of_.size());
    }

  private:
    // The document's token that stands at place i; -1, -2, -3: the sentinel prefix, suffix, middle.
    std::int64_t source_of(std::size_t place) const {
        auto i = static_cast<std::int64_t>(place);
        if (cut_.is == fim_cut::order::none || i < how_->keep) return i;
        i -= how_->keep;
        auto const body = how_->keep, a = cut_.first, b = cut_.second, suffix = static_cast<std::int64_t>(of_.size()) - body - b;
        if (i == 0) return -1;
        if (cut_.is == fim_cut::order::psm) {
            if (i <= a) return body + i - 1;
            if (i == a + 1) return -2;
            if (i <= a + 1 + suffix) return body + b + i - a - 2;
            return i == a + suffix + 2 ? -3 : body + a + (i - a - suffix - 3);
        }
        if (i == 1) return -2;
        if (i <= 1 + suffix) return body + b + i - 2;
        return i == suffix + 2 ? -3 : body + i - suffix - 3;
    }

    Document   of_;
    fim_cut    cut_;
    fim const* how_;
};

/// The ids of the sentinels that a tokenizer has, where the user gave none: StarCoder's and Qwen's, StarCoder 1's, Code Llama's or
/// DeepSeek's. A tokenizer that has none of them leaves all as it is. Tokenizer: `id(text)`, below zero where there is no such token.
template <class Tokenizer>
fim with_sentinels(fim how, Tokenizer const& tokenizer) {
    static constexpr std::string_view known[][3] = {
        {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},
        {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},
        {"\u2581<PRE>", "\u2581<SUF>", "\u2581<MID>"},
        {"<\uff5cfim\u2581begin\uff5c>", "<\uff5cfim\u2581hole\uff5c>", "<\uff5cfim\u2581end\uff5c>"}};
    for (auto const& names : known) {
        if (how.prefix >= 0 || how.suffix >= 0 || how.middle >= 0) break;
        std::int32_t const ids[] = {tokenizer.id(names[0]), tokenizer.id(names[1]), tokenizer.id(names[2])};
        if (ids[0] >= 0 && ids[1] >= 0 && ids[2] >= 0) how.prefix = ids[0], how.suffix = ids[1], how.middle = ids[2];
    }
    return how;
}

}  // namespace midtrain::inline MT_ABI::data
