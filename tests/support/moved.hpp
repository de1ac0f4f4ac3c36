#pragma once
#include <type_traits>
#include <vector>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>

namespace test {

/// A buffer of the device with those values.
template <class T, class Device>
auto uploaded(Device& device, std::vector<T> const& values) {
    auto b = device.template make<T>(static_cast<midtrain::index_t>(values.size()));
    device.upload(values.data(), b.view());
    return b;
}
/// What stands in the device's memory.
template <class Device, class T>
auto downloaded(Device& device, midtrain::row_view<T> from) {
    std::vector<std::remove_const_t<T>> values(static_cast<std::size_t>(from.size()));
    device.download(midtrain::row_view<T const>(from), values.data());
    return values;
}

}  // namespace test
