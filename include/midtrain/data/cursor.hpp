#pragma once
#include <cstdint>
#include <span>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI::data {

/// Where a source stands: epoch, place in that epoch's shuffle, offset in that document. All that resuming needs.
struct cursor {
    std::int64_t epoch = 0, document = 0, offset = 0;
    std::int64_t tokens   = 0;  ///< handed out in all
    std::int64_t padding  = 0;  ///< places of sequences that held none
    std::int64_t sequence = 0;  ///< sequences handed out of the window of documents that begins here; best_fit alone has windows
    std::int64_t window   = 0;  ///< documents in that window
    std::int64_t form     = 0;  ///< what the window was packed for: another form of batch would cut it otherwise

    friend constexpr bool operator==(cursor const&, cursor const&) = default;
};

/// A document of a store, and a token of it.
struct document_place {
    std::int64_t document = 0, offset = 0;
};

/// One row of a batch, to be filled; all of one length.
struct sequence_view {
    std::span<std::int32_t> inputs, targets, positions, document_begin;
};

}  // namespace midtrain::inline MT_ABI::data
