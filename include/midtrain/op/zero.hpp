#pragma once
#include <midtrain/op/elementwise.hpp>
#include <midtrain/problem/zero.hpp>

namespace midtrain::inline MT_ABI {

template <class Device, class T>
void plain(Device& device, zero_problem<T> const& p) {
    device.elements(p.x.size(), op::fill<T>{p.x, 0});
}

}  // namespace midtrain::inline MT_ABI
