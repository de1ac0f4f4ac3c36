#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/train/likelihood.hpp>

namespace midtrain::inline MT_ABI {

/// Synthetic tasks after RULER (Hsieh et al. 2024): a number under one key, the same among three other keys, a chain of variables,
/// the commonest words of a list. Only the first two have a depth.
enum class long_task { needle, multi_key, variables, common_words };

constexpr std::string_view name_of(long_task t) {
    constexpr std::array<std::string_view, 4> names{"needle", "multi_key", "variables", "common_words"};
    return names[static_cast<std::size_t>(t)];
}
constexpr bool has_depth(long_task t) { return t == long_task::needle || t == long_task::multi_key; }

/// One question: tokens up to `text.first` are the prompt, the rest is the answer. A generation is right as far as it holds `answers`.
struct long_prompt {
    judged_text              text;
    std::vector<std::string> answers;
};

namespace detail {

/// Numbers of a question, in order: a function of seed, task, length and trial.
class question_draws {
  public:
    question_draws(std::uint64_t seed, long_task task, index_t length, std::int64_t trial)
        : draws_{mix_bits(seed + 1) ^ static_cast<std::uint64_t>(length),
                 static_cast<std::uint64_t>(trial) * 4 + static_cast<std::uint64_t>(task)} {}

    std::uint64_t below(std::uint64_t n) { return (draws_.bits(next_++) >> 32) * n >> 32; }
    std::string   digits(int count) {
        std::string s(1, static_cast<char>('1' + below(9)));
        while (static_cast<int>(s.size()) < count) s += static_cast<char>('0' + below(10));
        return s;
    }
    /// k different numbers below n.
    std::vector<std::size_t> some(std::size_t k, std::size_t n) {
        std::vector<std::size_t> all(n);
        std::iota(all.begin(), all.end(), std::size_t{0});
        for (std::size_t i = 0; i < k; ++i) std::swap(all[i], all[i + below(n - i)]);
        all.resize(k);
        return all;
    }

  private:
    random_stream draws_;
    std::uint64_t next_ = 0;
};

inline constexpr std::array<std::string_view, 32> prompt_words{
    "apple",  "bridge", "candle", "desert", "engine", "forest",  "garden",  "hammer", "island",  "jacket", "kettle",
    "ladder", "mirror", "needle", "orange", "pencil", "quarry",  "rocket",  "saddle", "temple",  "valley", "window",
    "yellow", "anchor", "bottle", "castle", "dragon", "feather", "glacier", "harbor", "lantern", "meadow"};

/// Puts questions together from the tokens of a haystack.
template <class Tokenizer, class Store>
class prompt_maker {
  public:
    prompt_maker(Tokenizer const& tokenizer, Store const& store) : tokenizer_(&tokenizer), store_(&store) {
        for (std::int64_t d = 0; d < static_cast<std::int64_t>(store.documents()) && !has_tokens_; ++d)
            has_tokens_ = store.document(d).size() > 0;
        check(has_tokens_, "the haystack has no tokens");
    }

    long_prompt make(long_task task, index_t length, double depth, std::uint64_t seed, std::int64_t trial) const {
        check(depth >= 0 && depth <= 1, "a needle's depth is from 0 to 1");
        question_draws draws(seed, task, length, trial);
        switch (task) {
            case long_task::needle: return keyed(draws, length, depth, 1);
            case long_task::multi_key: return keyed(draws, length, depth, 4);
            case long_task::variables: return variables(draws, length);
            default: return common_words(draws, length);
        }
    }

  private:
    /// Something hidden, and how deep.
    struct hidden {
        double      depth;
        std::string text;
    };

    long_prompt keyed(question_draws& draws, index_t length, double depth, std::size_t count) const {
        auto const keys  = draws.some(count, prompt_words.size());
        auto const key   = std::string(prompt_words[keys[0]]);
        auto const value = draws.digits(7);
        std::vector<hidden> all{{depth, "One of the special magic numbers for " + key + " is: " + value + "."}};
        for (std::size_t k = 1; k < count; ++k) {
            double const at = static_cast<double>(draws.below(1000)) / 1000;
            all.push_back(
                {at, "One of the special magic numbers for " + std::string(prompt_words[keys[k]]) + " is: " + draws.digits(7) + "."});
        }
        return in_haystack(
            draws, length, std::move(all),
            "What is the special magic number for " + key + " mentioned in the text above? The special magic number for " + key + " is:",
            {value});
    }
    /// x1 = value, x2 = x1, ...: five variables, each later in the text than the one before.
    long_prompt variables(question_draws& draws, index_t length) const {
        auto const value = draws.digits(5);
        std::vector<std::string> names;
        while (names.size() < 5) {
            std::string name;
            for (int i = 0; i < 3; ++i) name += static_cast<char>('A' + draws.below(26));
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        }
        std::vector<std::size_t> at = draws.some(names.size(), 100);
        std::sort(at.begin(), at.end());
        std::vector<hidden> all;
        for (std::size_t k = 0; k < names.size(); ++k)
            all.push_back({static_cast<double>(at[k]) / 100, "VAR " + names[k] + " = " + (k == 0 ? value : "VAR " + names[k - 1])});
        return in_haystack(draws, length, std::move(all),
                           "Find all variables that are assigned the value " + value + " in the text above. They are:", names);
    }
    /// Three words stand in half of a list's places, the others share the rest.
    long_prompt common_words(question_draws& draws, index_t length) const {
        constexpr std::size_t common = 3;
        auto const  words = draws.some(16, prompt_words.size());
        std::vector<std::string> answers;
        for (std::size_t k = 0; k < common; ++k) answers.emplace_back(prompt_words[words[k]]);
        auto const end = question("What are the three most common words in the list above? They are:", answers);
        std::vector<std::int32_t> list;
        auto const room = length - static_cast<index_t>(end.tokens.size());
        for (std::size_t n = 0;; ++n) {
            auto const k    = n % 2 == 0 ? n / 2 % common : common + draws.below(words.size() - common);
            auto const next = tokenizer_->encode((n ? ", " : "") + std::string(prompt_words[words[k]]));
            if (static_cast<index_t>(list.size() + next.size()) > room) break;
            list.insert(list.end(), next.begin(), next.end());
        }
        check(list.size() >= 64, [&] { return "length " + std::to_string(length) + " is too short for the commonest words"; });
        return joined(std::move(list), end, std::move(answers));
    }

    judged_text question(std::string const& asked, std::vector<std::string> const& answers) const {
        std::string answer;
        for (auto const& a : answers) answer += (answer.empty() ? " " : ", ") + a;
        return encode_pair(*tokenizer_, "\n" + asked, answer, -1);
    }
    static long_prompt joined(std::vector<std::int32_t> before, judged_text const& end, std::vector<std::string> answers) {
        auto const first = before.size() + end.first;
        before.insert(before.end(), end.tokens.begin(), end.tokens.end());
        return {{std::move(before), first}, std::move(answers)};
    }
    /// Exactly `length` tokens, the answer's included.
    long_prompt in_haystack(question_draws& draws, index_t length, std::vector<hidden> all, std::string const& asked,
                            std::vector<std::string> answers) const {
        auto const end = question(asked, answers);
        std::stable_sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.depth < b.depth; });
        std::vector<std::vector<std::int32_t>> inserted;
        index_t                                room = length - static_cast<index_t>(end.tokens.size());
        for (auto const& h : all) {
            inserted.push_back(tokenizer_->encode("\n" + h.text + "\n"));
            room -= static_cast<index_t>(inserted.back().size());
        }
        check(room >= 8, [&] {
            return "length " + std::to_string(length) + " is too short for its question; it needs " + std::to_string(length - room + 8);
        });
        auto const hay = haystack(draws.below(static_cast<std::uint64_t>(store_->documents())), static_cast<std::size_t>(room));
        std::vector<std::int32_t> text;
        std::size_t               at = 0;
        for (std::size_t k = 0; k < all.size(); ++k) {
            auto const to = static_cast<std::size_t>(all[k].depth * static_cast<double>(hay.size()));
            text.insert(text.end(), hay.begin() + static_cast<std::ptrdiff_t>(at), hay.begin() + static_cast<std::ptrdiff_t>(to));
            text.insert(text.end(), inserted[k].begin(), inserted[k].end());
            at = to;
        }
        text.insert(text.end(), hay.begin() + static_cast<std::ptrdiff_t>(at), hay.end());
        return joined(std::move(text), end, std::move(answers));
    }
    /// n tokens of documents one after another, from one of them on.
    std::vector<std::int32_t> haystack(std::uint64_t document, std::size_t n) const {
        std::vector<std::int32_t> hay;
        for (auto d = static_cast<std::int64_t>(document); hay.size() < n; d = (d + 1) % static_cast<std::int64_t>(store_->documents())) {
            auto const text = store_->document(d);
            for (std::size_t i = 0; i < text.size() && hay.size() < n; ++i) hay.push_back(static_cast<std::int32_t>(text[i]));
        }
        return hay;
    }

    Tokenizer const* tokenizer_;
    Store const*     store_;
    bool             has_tokens_ = false;
};

}  // namespace detail

/// A question of `length` tokens, its answer included (fewer for common_words, whose list has whole words). The same arguments give the
/// same tokens; `depth` moves what is hidden and changes nothing else.
template <class Tokenizer, class Store>
long_prompt make_long_prompt(Tokenizer const& tokenizer, Store const& haystack, long_task task, index_t length, double depth,
                             std::uint64_t seed, std::int64_t trial) {
    return detail::prompt_maker<Tokenizer, Store>(tokenizer, haystack).make(task, length, depth, seed, trial);
}

}  // namespace midtrain::inline MT_ABI
