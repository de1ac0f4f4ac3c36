#pragma once
#include <cstddef>
#include <vector>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Cosines and sines of positions on a device.
template <class Device, class T>
class rotary_buffers {
  public:
    rotary_buffers() = default;
    /// fill(length, head_size, cosine, sine), each (length, head_size / 2) in double, for positions 0 .. length-1.
    template <class Fill>
    rotary_buffers(Device& device, index_t length, index_t head_size, Fill const& fill) : length_(length) {
        std::vector<double> c(static_cast<std::size_t>(length * (head_size / 2))), s(c.size());
        fill(length, head_size, c.data(), s.data());
        cosine_ = uploaded(device, c);
        sine_   = uploaded(device, s);
    }

    index_t                length() const { return length_; }  ///< positions
    matrix_view<T const>   cosine(index_t half) const { return as_matrix<T const>(cosine_.view().data, length_, half); }
    matrix_view<T const>   sine(index_t half) const { return as_matrix<T const>(sine_.view().data, length_, half); }

  private:
    using buffer = typename Device::template buffer<T>;

    static buffer uploaded(Device& device, std::vector<double> const& x) {
        std::vector<T> const y(x.begin(), x.end());
        auto                 b = device.template make<T>(static_cast<index_t>(y.size()));
        device.upload(y.data(), b.view());
        return b;
    }

    buffer  cosine_, sine_;
    index_t length_ = 0;
};

}  // namespace midtrain::inline MT_ABI
