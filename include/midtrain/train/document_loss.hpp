#pragma once
#include <cstdint>
#include <span>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI {

/// What a model loses on one document.
struct document_loss {
    double       loss    = 0;  ///< sum over its targets, in nats
    std::int64_t targets = 0;
    std::int64_t bytes   = 0;  ///< of text that the targets stand for; 0: not known

    friend constexpr bool operator==(document_loss const&, document_loss const&) = default;
};

/// Mean over all targets of all documents, in nats a token.
inline double mean_loss(std::span<document_loss const> documents) {
    double       loss    = 0;
    std::int64_t targets = 0;
    for (auto const& d : documents) loss += d.loss, targets += d.targets;
    check(targets > 0, "a mean loss needs at least one document with a target");
    return loss / static_cast<double>(targets);
}

}  // namespace midtrain::inline MT_ABI
