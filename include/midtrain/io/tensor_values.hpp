#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <midtrain/core/bf16.hpp>

namespace midtrain::inline MT_ABI::io {

namespace detail {

template <class T, class F>
void each_as_double(std::span<std::byte const> bytes, F& f) {
    for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
        T x;
        std::memcpy(static_cast<void*>(&x), bytes.data() + i * sizeof(T), sizeof(T));
        if constexpr (sizeof(T) == 2) f(i, static_cast<double>(static_cast<float>(x)));
        else f(i, static_cast<double>(x));
    }
}

}  // namespace detail

/// f(i, value) for each value of a tensor, as a double; false for a type that holds no such numbers.
template <class F>
bool for_each_value_of(std::string_view dtype, std::span<std::byte const> bytes, F&& f) {
    if (dtype == "F32") detail::each_as_double<float>(bytes, f);
    else if (dtype == "F64") detail::each_as_double<double>(bytes, f);
    else if (dtype == "BF16") detail::each_as_double<bf16>(bytes, f);
    else if (dtype == "F16") detail::each_as_double<f16>(bytes, f);
    else if (dtype == "I64") detail::each_as_double<std::int64_t>(bytes, f);
    else if (dtype == "I32") detail::each_as_double<std::int32_t>(bytes, f);
    else return false;
    return true;
}

}  // namespace midtrain::inline MT_ABI::io
