#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// The selective scan of Mamba (Gu and Dao 2023, eq. 2 and algorithm 2, discretised as the reference does), for each channel c of a
/// sequence, with u the input, d = softplus(step + bias) and A = -exp(log_rate):
///   h(t) = exp(d(t) A) h(t - 1) + d(t) B(t) u(t),   output = (C(t) h(t) + skip u(t)) silu(gate(t)).
/// The state starts anew at each document. B and C are a head's, and each head has as many channels. `kept` holds the states before each
/// chunk of tokens, from which backward makes the others again, or in one slot the newest.
template <class T>
struct selective_scan_problem {
    using computed = computed_t<T>;

    static constexpr index_t chunk = 32;  ///< tokens between two states that are kept
    static constexpr index_t tile  = 32;  ///< channels that one team does

    matrix_view<T const>         input, step;     // (tokens, channels)
    matrix_view<T const>         selection;       // (tokens, heads * (rank + 2 * states)): of a head what makes its steps, then B, then C;
                                                  // `apart`, without a rank: B of all heads, then C of all
    matrix_view<T const>         gate;            // (tokens, channels)
    matrix_view<computed const>  log_rate;        // (channels, states)
    row_view<computed const>     skip, bias;      // (channels)
    row_view<std::int32_t const> document_begin;  // (tokens); none: a sequence is one document
    matrix_view<T>               output;          // (tokens, channels)
    row_view<computed>           kept;            // (sequences, slots, channels, states)
    row_view<computed>           scratch;         // (scratch_size())
    index_t                      sequences, length, heads, rank, slots;
    bool                         goes_on = false;  // from what is kept
    bool                         apart   = false;

    MT_HOST_DEVICE constexpr index_t channels() const { return input.columns; }
    MT_HOST_DEVICE constexpr index_t states() const { return log_rate.columns; }
    MT_HOST_DEVICE constexpr index_t chunks() const { return (length + chunk - 1) / chunk; }
    MT_HOST_DEVICE constexpr index_t head_size() const { return input.columns / heads; }
    MT_HOST_DEVICE constexpr index_t tiles_of_head() const { return (head_size() + tile - 1) / tile; }
    MT_HOST_DEVICE constexpr index_t tiles() const { return heads * tiles_of_head(); }

    /// Steps, inputs times steps and what is seen, each (chunk, tile).
    MT_HOST_DEVICE static constexpr index_t scratch_of_team() { return 3 * chunk * tile; }

    /// Whether it keeps what all chunks at once need.
    constexpr bool may_go_by_chunks() const { return chunks() > 1 && slots == chunks() && !goes_on; }
    /// For each team, or a value for each channel of each chunk where all chunks are done at once.
    MT_HOST_DEVICE constexpr index_t scratch_size() const {
        index_t const teams = sequences * tiles() * scratch_of_team(), values = sequences * chunks() * channels();
        return teams < values ? values : teams;
    }

    /// Channels first .. first + count - 1 of a head.
    struct part {
        index_t head, first, count;
    };
    MT_HOST_DEVICE constexpr part part_of(index_t t) const {
        index_t const head = t / tiles_of_head(), in_head = t % tiles_of_head() * tile, left = head_size() - in_head;
        return {head, head * head_size() + in_head, left < tile ? left : tile};
    }
    /// B of a head begins in this column, and C in that one.
    MT_HOST_DEVICE constexpr index_t written_column(index_t head) const {
        return apart ? head * states() : head * (rank + 2 * states()) + rank;
    }
    MT_HOST_DEVICE constexpr index_t read_column(index_t head) const { return written_column(head) + (apart ? heads : 1) * states(); }
    /// Whether the state starts anew before token t of a sequence.
    MT_HOST_DEVICE constexpr bool starts(index_t sequence, index_t t) const {
        if (goes_on) return false;
        return t == 0 || (document_begin.data && document_begin.data[sequence * length + t] == t);
    }
    /// A channel's states before a chunk; with one slot those before the next token.
    MT_HOST_DEVICE constexpr computed* kept_before(index_t sequence, index_t at, index_t channel) const {
        return kept.data + ((sequence * slots + (slots == 1 ? 0 : at)) * channels() + channel) * states();
    }
};

/// Its gradient, given that of output. What is summed over channels or sequences goes through partial sums, so that no two teams write
/// to one place.
template <class T>
struct selective_scan_gradient_problem {
    using computed = computed_t<T>;

    selective_scan_problem<T> forward;
    matrix_view<T const>      output_gradient;
    matrix_view<T>            input_gradient, step_gradient, gate_gradient;  // (tokens, channels); overwritten
    matrix_view<T>            selection_gradient;                            // like selection; B and C are overwritten
    matrix_view<computed>     log_rate_gradient;                             // added to
    row_view<computed>        skip_gradient;                                 // added to
    row_view<computed>        scratch;            // (scratch_size())
    row_view<computed>        rate_parts;         // (sequences, channels, states)
    row_view<computed>        skip_parts;         // (sequences, channels)
    row_view<computed>        selection_parts;    // (tiles, tokens, 2 * states)
    row_view<computed>        carries;            // (carries_size()): sequences, chunks, channels, states

    /// Six values of each token and channel, each (chunk, tile), and by channel its states and their gradients in a chunk, and gradients
    /// behind it. Channels stand sixteen values further apart than they need: a power of two would put all of them on few sets of the first cache.
    static constexpr index_t values = 6 * selective_scan_problem<T>::chunk * selective_scan_problem<T>::tile;
    MT_HOST_DEVICE static constexpr index_t scratch_of_channel(index_t states) {
        return (2 * selective_scan_problem<T>::chunk + 1) * states + 16;
    }
    MT_HOST_DEVICE constexpr index_t scratch_size() const {
        auto const&   p     = forward;
        index_t const teams = p.sequences * p.tiles() * scratch_of_team(p.states()), each = p.sequences * p.chunks() * p.channels();
        return teams < each ? each : teams;
    }
    /// Nothing where not all chunks can be done at once.
    constexpr index_t carries_size() const {
        return forward.may_go_by_chunks() ? forward.sequences * forward.chunks() * forward.channels() * forward.states() : 0;
    }
    MT_HOST_DEVICE constexpr computed* carry(index_t sequence, index_t chunk, index_t channel) const {
        return carries.data + ((sequence * forward.chunks() + chunk) * forward.channels() + channel) * forward.states();
    }
    MT_HOST_DEVICE static constexpr index_t scratch_of_team(index_t states) {
        return values + selective_scan_problem<T>::tile * scratch_of_channel(states);
    }
};

}  // namespace midtrain::inline MT_ABI
