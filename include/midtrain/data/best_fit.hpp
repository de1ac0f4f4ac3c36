#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::data {

/// A stretch of a document that shall stand in one sequence.
struct piece {
    std::uint32_t document = 0;  ///< its place in the window
    std::uint32_t sequence = 0;  ///< where it was put
    std::int64_t  offset   = 0;  ///< of its first token
    std::int32_t  tokens   = 0;

    friend constexpr bool operator==(piece const&, piece const&) = default;
};

/// Puts pieces into as few sequences of one length as the best fit, decreasing, finds: the longest first, each where it leaves the least
/// room, else into a new sequence (Ding et al. 2024, algorithm 1; bounded by 11/9 of the fewest possible). Room is looked up in a bit a
/// length, so n pieces take n log n steps and n length / 64 at most. Its memory is kept from one window to the next.
class best_fit {
  public:
    explicit best_fit(std::int64_t length) : length_(length), open_(static_cast<std::size_t>(length / 64 + 1)) {
        check(length > 0 && length < std::int64_t{1} << 31, "a sequence has between one and 2^31 - 1 tokens");
        first_.assign(static_cast<std::size_t>(length), none);
    }

    /// Numbers the pieces' sequences from 0; returns how many there are. Afterwards pieces stand by sequence, then as their documents do.
    std::uint32_t fit(std::vector<piece>& pieces) {
        std::sort(pieces.begin(), pieces.end(), [](piece const& a, piece const& b) {
            return a.tokens != b.tokens ? a.tokens > b.tokens : a.document != b.document ? a.document < b.document : a.offset < b.offset;
        });
        next_.clear();
        for (piece& p : pieces) p.sequence = place(p.tokens);
        close();
        std::sort(pieces.begin(), pieces.end(), [](piece const& a, piece const& b) {
            return a.sequence != b.sequence ? a.sequence < b.sequence : a.document != b.document ? a.document < b.document : a.offset < b.offset;
        });
        return static_cast<std::uint32_t>(next_.size());
    }
    void         reserve(std::size_t pieces) { next_.reserve(pieces); }
    std::int64_t length() const { return length_; }

  private:
    static constexpr std::uint32_t none = 0xffffffffu;

    // Sequences with the same room form a list: first_[room], then next_[sequence].
    std::uint32_t place(std::int64_t tokens) {
        check(tokens > 0 && tokens <= length_, "a piece is longer than a sequence");
        auto const    room = smallest_room(tokens);
        std::uint32_t sequence;
        if (room == length_) {
            sequence = static_cast<std::uint32_t>(next_.size());
            next_.push_back(none);
        } else {
            sequence       = first_[static_cast<std::size_t>(room)];
            first_[static_cast<std::size_t>(room)] = next_[sequence];
            if (next_[sequence] == none) open_[static_cast<std::size_t>(room / 64)] &= ~(std::uint64_t{1} << room % 64);
        }
        if (auto const left = static_cast<std::size_t>(room - tokens); left > 0) {
            next_[sequence] = first_[left];
            first_[left]    = sequence;
            open_[left / 64] |= std::uint64_t{1} << left % 64;
        }
        return sequence;
    }
    // The least room of an open sequence that holds so many tokens; a new one has the whole length.
    std::int64_t smallest_room(std::int64_t tokens) const {
        auto word = static_cast<std::size_t>(tokens / 64);
        auto bits = open_[word] & ~std::uint64_t{0} << tokens % 64;
        while (bits == 0 && word + 1 < open_.size()) bits = open_[++word];
        return bits == 0 ? length_ : static_cast<std::int64_t>(word * 64) + std::countr_zero(bits);
    }
    void close() {
        std::fill(open_.begin(), open_.end(), 0);
        std::fill(first_.begin(), first_.end(), none);
    }

    std::int64_t               length_;
    std::vector<std::uint64_t> open_;   // bit r: some sequence has room for r more tokens
    std::vector<std::uint32_t> first_, next_;
};

}  // namespace midtrain::inline MT_ABI::data
