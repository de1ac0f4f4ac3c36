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
    /// fill(cosine, sine), each (length, half) in double, for positions 0 .. length-1.
    template <class Fill>
    rotary_buffers(Device& device, index_t length, index_t half, double score_factor, Fill const& fill)
        : length_(length), half_(half), score_factor_(score_factor) {
        std::vector<double> c(static_cast<std::size_t>(length * half)), s(c.size());
        fill(c.data(), s.data());
        cosine_ = uploaded(device, c);
        sine_   = uploaded(device, s);
    }

    /// The same for keys, where their table is another.
    template <class Fill>
    void set_keys(Device& device, Fill const& fill) {
        std::vector<double> c(static_cast<std::size_t>(length_ * half_)), s(c.size());
        fill(c.data(), s.data());
        key_cosine_ = uploaded(device, c);
        key_sine_   = uploaded(device, s);
    }

    index_t              length() const { return length_; }              ///< positions
    double               score_factor() const { return score_factor_; }  ///< of attention, while this table holds
    matrix_view<T const> cosine() const { return as_matrix<T const>(cosine_.view().data, length_, half_); }
    matrix_view<T const> sine() const { return as_matrix<T const>(sine_.view().data, length_, half_); }
    /// Without rows where keys turn as queries do.
    matrix_view<T const> key_cosine() const { return keys(key_cosine_); }
    matrix_view<T const> key_sine() const { return keys(key_sine_); }

  private:
    using buffer = typename Device::template buffer<T>;

    matrix_view<T const> keys(buffer const& b) const { return as_matrix<T const>(b.view().data, b.view().size() > 0 ? length_ : 0, half_); }

    static buffer uploaded(Device& device, std::vector<double> const& x) {
        std::vector<T> const y(x.begin(), x.end());
        auto                 b = device.template make<T>(static_cast<index_t>(y.size()));
        device.upload(y.data(), b.view());
        return b;
    }

    buffer  cosine_, sine_, key_cosine_, key_sine_;
    index_t length_ = 0, half_ = 0;
    double  score_factor_ = 1;
};

}  // namespace midtrain::inline MT_ABI
