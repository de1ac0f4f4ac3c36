#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/line_file.hpp>
#include <midtrain/train/report.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

/// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78, RFC 3720 B.4).
inline std::uint32_t crc32c(std::string_view bytes) {
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> t{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t c = i;
            for (int bit = 0; bit < 8; ++bit) c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
            t[i] = c;
        }
        return t;
    }();
    std::uint32_t c = 0xffffffffu;
    for (char b : bytes) c = table[(c ^ static_cast<unsigned char>(b)) & 255] ^ c >> 8;
    return ~c;
}
/// As TFRecord stores it: rotated, and moved by a constant (tensorflow/core/lib/hash/crc32c.h).
inline std::uint32_t masked_crc32c(std::string_view bytes) {
    auto const c = crc32c(bytes);
    return (c >> 15 | c << 17) + 0xa282ead8u;
}

/// Fields of protocol buffers' wire format, appended to a text.
struct proto_writer {
    std::string& to;

    void varint(std::uint64_t v) {
        for (; v >= 128; v >>= 7) to += static_cast<char>(v | 128);
        to += static_cast<char>(v);
    }
    template <class Unsigned>
    void little_endian(Unsigned v) {
        for (std::size_t i = 0; i < sizeof v; ++i) to += static_cast<char>(v >> 8 * i);
    }
    void tag(unsigned field, unsigned kind) { varint(field << 3 | kind); }
    void number(unsigned field, std::int64_t v) { tag(field, 0), varint(static_cast<std::uint64_t>(v)); }
    void real(unsigned field, double v) { tag(field, 1), little_endian(std::bit_cast<std::uint64_t>(v)); }
    void real(unsigned field, float v) { tag(field, 5), little_endian(std::bit_cast<std::uint32_t>(v)); }
    void text(unsigned field, std::string_view v) { tag(field, 2), varint(v.size()), to.append(v); }
};

}  // namespace detail

/// An observer that writes TensorBoard's event files (TFRecords of tensorflow.Event): loss, `loss/<source>`, rate, gradient_norm,
/// tokens_per_second and `weights/<source>` by optimizer step. A run that goes on writes a further file, which begins by taking back all
/// steps beyond the one that it goes on from (SessionLog START), so TensorBoard shows each step once.
class tensorboard {
  public:
    /// `resumed` is the number of steps that a loaded checkpoint had done; 0 removes the event files of an earlier run.
    explicit tensorboard(std::string folder, std::int64_t resumed = 0) : file_(next_file(folder, resumed)) {
        begin();
        detail::proto_writer{event_}.text(3, "brain.Event:2");  // file_version
        finish();
        if (resumed > 0) rewind(resumed);
    }

    void operator()(report const& r) {
        if (r.fault == "rewound") return rewind(r.step);
        if (tags_.empty())
            for (auto const& s : r.sources) tags_.emplace_back("loss/" + s, "weights/" + s);
        summary_.clear();
        scalar("loss", r.loss), scalar("rate", r.rate), scalar("gradient_norm", r.gradient_norm),
            scalar("tokens_per_second", r.tokens_per_second());
        for (std::size_t i = 0; i < r.sources.size(); ++i) {
            if (r.source_targets[i] > 0) scalar(tags_[i].first, r.source_loss[i]);
            scalar(tags_[i].second, r.weights[i]);
        }
        begin();
        detail::proto_writer to{event_};
        to.number(2, r.step), to.text(5, summary_);
        finish();
    }

    /// Takes the steps beyond `step` back.
    void rewind(std::int64_t step) {
        begin();
        detail::proto_writer to{event_};
        to.number(2, step + 1);
        to.text(7, "\x08\x01");  // SessionLog{status = START}: steps from this event's on are void
        finish();
    }

    std::string const& path() const { return file_.path(); }

  private:
    /// TensorBoard reads files in the order of their names: seconds, then a count.
    static std::string next_file(std::string const& folder, std::int64_t resumed) {
        namespace fs = std::filesystem;
        static constexpr std::string_view stem = "events.out.tfevents.";
        std::error_code                   why;
        fs::create_directories(folder, why);
        check(fs::is_directory(folder), [&] { return folder + ": cannot be made: " + why.message(); });
        std::int64_t seconds =
            std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
        std::vector<std::string> earlier;
        for (auto const& e : fs::directory_iterator(folder))
            if (e.path().filename().string().starts_with(stem) && e.path().filename().string().ends_with(".midtrain"))
                earlier.push_back(e.path().filename().string());
        for (auto const& name : earlier) {
            if (resumed == 0) fs::remove(fs::path(folder) / name, why);
            else seconds = std::max<std::int64_t>(seconds, std::atoll(name.c_str() + stem.size()));
        }
        char count[24];
        std::snprintf(count, sizeof count, ".%06zu.midtrain", resumed == 0 ? std::size_t{0} : earlier.size());
        return (fs::path(folder) / (std::string(stem) + std::to_string(seconds) + count)).string();
    }

    void begin() {
        event_.clear();
        detail::proto_writer{event_}.real(1, std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
    }
    void scalar(std::string_view tag, double value) {
        value_.clear();
        detail::proto_writer to{value_};
        to.text(1, tag), to.real(2, static_cast<float>(value));
        detail::proto_writer{summary_}.text(1, value_);
    }
    /// Frames the event: length, its checksum, the event, its checksum.
    void finish() {
        record_.clear();
        detail::proto_writer to{record_};
        to.little_endian(static_cast<std::uint64_t>(event_.size()));
        to.little_endian(detail::masked_crc32c(record_));
        record_.append(event_);
        to.little_endian(detail::masked_crc32c(event_));
        file_.append(record_);
    }

    line_file                                        file_;
    std::string                                      event_, summary_, value_, record_;
    std::vector<std::pair<std::string, std::string>> tags_;
};

}  // namespace midtrain::inline MT_ABI
