#pragma once
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// The numbers of multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1). A shape has them as its member `latent`, and
/// `head_size` is what of a head turns.
struct latent_shape {
    int    query_rank   = 0;     ///< of what queries are made from; 0: from the residual stream itself
    int    rank         = 0;     ///< of what keys and values are made from
    int    still        = 0;     ///< values of a query's and a key's head that do not turn
    int    value_size   = 0;     ///< of a head
    bool   pairs_side_by_side = true;  ///< checkpoints pair the values 2 i and 2 i + 1 that turn; else i and i + half ('rope_interleave')
    double norm_epsilon = 1e-6;  ///< of the norms of both latents, whatever the others have

    friend constexpr bool operator==(latent_shape const&, latent_shape const&) = default;
};

/// Throws midtrain::error with the field that cannot be.
inline void check_latent(latent_shape const& s) {
    check(s.rank > 0 && s.value_size > 0 && s.still >= 0 && s.query_rank >= 0,
          "latent: rank and value_size are positive, still and query_rank not negative");
}

}  // namespace midtrain::inline MT_ABI
