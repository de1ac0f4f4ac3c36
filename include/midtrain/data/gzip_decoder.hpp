#pragma once
// gzip through zlib. Empty unless MIDTRAIN_WITH_ZLIB is defined.
#ifdef MIDTRAIN_WITH_ZLIB
#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <zlib.h>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::data::detail {

/// Any number of gzip members, one behind the other, as RFC 1952 allows.
class gzip_decoder {
  public:
    gzip_decoder() : state_(new z_stream{}) {
        check(inflateInit2(state_.get(), 15 + 16) == Z_OK, "zlib cannot start");  // 16: gzip alone
    }

    /// Takes from the front of `in`, writes to `out` and returns how many bytes it wrote. Throws a clause without a file's name.
    std::size_t decode(std::span<std::byte const>& in, std::span<std::byte> out) {
        if (ended_ && !in.empty()) inflateReset(state_.get()), ended_ = false;
        auto const most   = [](std::size_t n) { return static_cast<uInt>(std::min<std::size_t>(n, std::numeric_limits<uInt>::max())); };
        state_->next_in   = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));  // zlib reads it only
        state_->avail_in  = most(in.size());
        state_->next_out  = reinterpret_cast<Bytef*>(out.data());
        state_->avail_out = most(out.size());
        auto const given = state_->avail_in, room = state_->avail_out;
        auto const result = inflate(state_.get(), Z_NO_FLUSH);
        check(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR,
              [&] { return std::string("is damaged gzip: ") + (state_->msg ? state_->msg : "it makes no sense"); });
        ended_ = result == Z_STREAM_END;
        in     = in.subspan(given - state_->avail_in);
        return room - state_->avail_out;
    }
    /// Whether the input may end here.
    bool ended() const { return ended_; }

  private:
    struct closed {
        void operator()(z_stream* s) const {
            inflateEnd(s);
            delete s;
        }
    };
    std::unique_ptr<z_stream, closed> state_;  // zlib keeps its address
    bool                              ended_ = true;
};

}  // namespace midtrain::inline MT_ABI::data::detail
#endif
