#pragma once
#include <cstddef>
#include <string_view>
#include <midtrain/concepts/order_policy.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// All documents of a source alike.
struct shuffled {
    constexpr std::size_t buckets() const { return 1; }
    constexpr std::size_t bucket_of(document_facts const&) const { return 0; }
    constexpr double      share(std::size_t, progress) const { return 1; }
    constexpr bool        wants_scores() const { return false; }
    constexpr bool        is_for(std::string_view) const { return true; }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::shuffled;
}
