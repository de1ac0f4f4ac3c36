#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>
#include <support/small_models.hpp>

namespace test {

/// Documents of one length that count in strides, below 90. They are made once, so that who reads them allocates nothing.
struct striding_store {
    std::vector<std::vector<std::int32_t>> all;

    explicit striding_store(int stride, int documents = 12, int length = 20) {
        for (int d = 0; d < documents; ++d) {
            all.emplace_back();
            for (int i = 0; i < length; ++i) all.back().push_back((7 * d + stride * i) % 90);
        }
    }
    std::size_t                      documents() const { return all.size(); }
    std::vector<std::int32_t> const& document(std::int64_t d) const { return all[static_cast<std::size_t>(d)]; }
};

/// The small model with an end token that no such document has.
struct ending_shape : small_shape {
    static constexpr int end_token = 95;
};

}  // namespace test
