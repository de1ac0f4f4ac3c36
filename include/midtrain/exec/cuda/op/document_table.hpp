#pragma once
#include <cstdint>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>

// Where the documents of a batch begin, one behind the other, made on the device from where each token's begins: cuDNN wants each document
// as a sequence of its own. Three launches: count by chunks of tokens, place, write. Any team does them, so tests need no GPU.
namespace midtrain::inline MT_ABI::op {

/// Tokens of a chunk: few enough that a thread may look at those before its own.
inline constexpr index_t document_chunk = 256;

struct document_beginnings {
    row_view<std::int32_t const> document_begin;  // (tokens), offsets in their sequences
    index_t                      length;          // of a sequence

    MT_HOST_DEVICE constexpr bool    begins(index_t t) const { return document_begin[t] == t % length; }
    MT_HOST_DEVICE constexpr index_t tokens() const { return document_begin.size(); }
    MT_HOST_DEVICE constexpr index_t chunks() const { return (tokens() + document_chunk - 1) / document_chunk; }
    MT_HOST_DEVICE constexpr index_t of_chunk(index_t c) const {
        index_t const left = tokens() - c * document_chunk;
        return left < document_chunk ? left : document_chunk;
    }
};

/// count(c) = documents that begin in chunk c. One chunk a team.
struct count_documents {
    document_beginnings    of;
    row_view<std::int32_t> count;  // (chunks)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t c) const {
        auto const         all   = of;
        index_t const      first = c * document_chunk;
        std::int32_t const n     = team.reduce(of.of_chunk(c), sum{}, [=](index_t i) { return std::int32_t(all.begins(first + i)); });
        if (team.leads()) count[c] = n;
    }
};

/// first(k) = the token that document k begins with, as far as there is room, and how many documents there are. One chunk a team.
struct place_documents {
    document_beginnings          of;
    row_view<std::int32_t const> count;  // (chunks)
    row_view<std::int32_t>       first;  // (room)
    row_view<std::int32_t>       total;  // (1)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t c) const {
        auto const         self   = *this;
        std::int32_t const before = team.reduce(c, sum{}, [=](index_t i) { return self.count[i]; });
        index_t const      from   = c * document_chunk;
        team.each(of.of_chunk(c), [=](index_t i) {
            if (!self.of.begins(from + i)) return;
            index_t at = before;
            for (index_t k = 0; k < i; ++k) at += self.of.begins(from + k);
            if (at < self.first.size()) self.first[at] = static_cast<std::int32_t>(from + i);
        });
        if (c + 1 == of.chunks() && team.leads()) total[0] = before + count[c];
    }
};

/// What cuDNN reads of documents 0 .. room-1, those that are not there being empty at the end: lengths, and where each begins in tensors
/// with so many values a token; room + 1 of these. `scale` is that of the scores, or no number at all if the documents are more than
/// there is room for, so that such a step is known for what it is. One document an element.
struct write_documents {
    static constexpr int         most_tensors = 5;
    row_view<std::int32_t const> first, total;  // (room), (1)
    index_t                      tokens;
    row_view<std::int32_t>       lengths;       // (room)
    matrix_view<std::int64_t>    offsets;       // (tensors, room + 1)
    index_t                      strides[most_tensors];
    float                        score_scale;
    row_view<float>              scale;         // (1)

    MT_HOST_DEVICE void operator()(index_t k) const {
        index_t const room = first.size(), there = total[0] < room ? total[0] : room;
        index_t const from = k < there ? first[k] : tokens;
        for (index_t i = 0; i < offsets.rows; ++i) offsets(i, k) = from * strides[i];
        if (k < room) lengths[k] = static_cast<std::int32_t>((k + 1 < there ? first[k + 1] : tokens) - from);
        if (k == 0) scale[0] = total[0] <= room ? score_scale : __builtin_bit_cast(float, 0x7fc00000u);
    }
};

}  // namespace midtrain::inline MT_ABI::op
