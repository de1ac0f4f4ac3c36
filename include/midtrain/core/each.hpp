#pragma once
#include <midtrain/core/blank.hpp>
#include <midtrain/core/required.hpp>

namespace midtrain::inline MT_ABI {

/// What each source must be given: left out of the braces it does not compile, and left out of a file it is an error, where the share of a
/// source that is left out is zero.
template <class T>
struct each : required<T> {
    using required<T>::required;
};
template <class T>
struct unwrapped<each<T>> {
    using type                        = T;
    static constexpr bool is_required = true;
};

}  // namespace midtrain::inline MT_ABI
