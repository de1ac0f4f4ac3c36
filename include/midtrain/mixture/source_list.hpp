#pragma once
#include <string_view>
#include <midtrain/core/short_list.hpp>
#include <midtrain/core/short_name.hpp>

namespace midtrain::inline MT_ABI {

/// Names of sources that something is for; none: for all of them.
using source_list = short_list<short_name, 16>;

constexpr bool is_meant(source_list const& only, std::string_view source) {
    for (auto const& name : only)
        if (std::string_view(name) == source) return true;
    return only.empty();
}

}  // namespace midtrain::inline MT_ABI
