#pragma once
#include <cstdint>
#include <midtrain/core/random.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::data {

/// How documents fill sequences. No way loses a token.
///   concatenate: one after the other, cut wherever a sequence ends;
///   best_fit:    only a document longer than a sequence is cut, the pieces of a window of documents are put where they fit best, and what
///                stays empty is padding (Ding et al. 2024, "Fewer Truncations Improve Language Modeling");
///   pad:         one document a sequence, or a piece of one that is longer; the rest is padding.
enum class packing_kind { concatenate, best_fit, pad };

/// Whether the positions of a packed document start at zero again or run on through the sequence.
enum class packed_positions { restart, run_on };

/// What a token may attend to of what stands before it: its own document, or the whole sequence, whatever document that is of.
enum class packed_attention { document, sequence };

/// How the rows of a batch are made of documents.
struct packing_form {
    packing_kind     packing   = packing_kind::concatenate;
    index_t          window    = 4096;  ///< documents that best_fit looks at together: 16 bytes of memory and more for each
    packed_positions positions = packed_positions::restart;
    packed_attention attention = packed_attention::document;
};

}  // namespace midtrain::inline MT_ABI::data
