#pragma once
// Zstandard through libzstd. Empty unless MIDTRAIN_WITH_ZSTD is defined.
#ifdef MIDTRAIN_WITH_ZSTD
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <zstd.h>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::data::detail {

/// Any number of frames, one behind the other.
class zstd_decoder {
  public:
    zstd_decoder() : state_(ZSTD_createDStream()) { check(state_ != nullptr, "zstd cannot start"); }

    /// As gzip_decoder's.
    std::size_t decode(std::span<std::byte const>& in, std::span<std::byte> out) {
        ZSTD_inBuffer  from{in.data(), in.size(), 0};
        ZSTD_outBuffer to{out.data(), out.size(), 0};
        auto const     left = ZSTD_decompressStream(state_.get(), &to, &from);
        check(!ZSTD_isError(left), [&] { return std::string("is damaged zstd: ") + ZSTD_getErrorName(left); });
        if (from.pos > 0 || to.pos > 0) ended_ = left == 0;
        in = in.subspan(from.pos);
        return to.pos;
    }
    bool ended() const { return ended_; }

  private:
    struct closed {
        void operator()(ZSTD_DStream* s) const { ZSTD_freeDStream(s); }
    };
    std::unique_ptr<ZSTD_DStream, closed> state_;
    bool                                  ended_ = true;
};

}  // namespace midtrain::inline MT_ABI::data::detail
#endif
