#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/checksum.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/data/token_range.hpp>
#include <midtrain/io/file_writer.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace midtrain::inline MT_ABI::data {

/// The first 64 bytes of a token file, little endian. Then follow the tokens of all documents, zeros up to a multiple of eight bytes,
/// in version 2 a bit a token (lowest bit first: 1 where the loss counts it) and zeros up to a multiple of eight bytes again, and
/// documents + 1 offsets of eight bytes: the first token of each document, and the number of tokens.
struct token_file_header {
    static constexpr char known_magic[8] = {'M', 'T', 'T', 'O', 'K', 'E', 'N', 'S'};

    char          magic[8];        ///< "MTTOKENS"
    std::uint32_t version;         ///< 1, or 2 with a loss mask
    std::uint32_t token_bytes;     ///< 2 where the vocabulary has at most 65,536 tokens, else 4
    std::uint64_t vocabulary;      ///< every token is below
    std::uint64_t tokens, documents;
    std::uint64_t tokenizer_hash;  ///< byte_level_bpe::hash()
    std::uint64_t data_checksum;   ///< core/checksum.hpp over all that follows the header
    std::uint64_t checksum;        ///< the same over the 56 bytes before
};
static_assert(sizeof(token_file_header) == 64 && std::endian::native == std::endian::little);

namespace detail {

inline std::uint64_t sum_of_header(token_file_header const& h) {
    return checksum().add(std::as_bytes(std::span(&h, 1)).first(offsetof(token_file_header, checksum))).value();
}
inline std::uint32_t token_bytes_for(std::uint64_t vocabulary) { return vocabulary <= 65'536 ? 2 : 4; }

}  // namespace detail

/// Whether a file says for each token if the loss counts it.
enum class loss_mask { none, by_token };

/// Writes a token file, document after document; until finish() there is no file of that name. Keeps eight bytes a document in memory,
/// and with a mask a bit a token.
class token_file_writer {
  public:
    token_file_writer(std::string path, std::size_t vocabulary, std::uint64_t tokenizer_hash, loss_mask mask = loss_mask::none)
        : file_(std::move(path)) {
        check(vocabulary > 0 && vocabulary <= std::numeric_limits<std::int32_t>::max(),
              [&] { return file_.path() + ": a vocabulary of " + std::to_string(vocabulary) + " tokens"; });
        std::memcpy(header_.magic, token_file_header::known_magic, sizeof header_.magic);
        header_.version        = mask == loss_mask::by_token ? 2 : 1;
        header_.token_bytes    = detail::token_bytes_for(vocabulary);
        header_.vocabulary     = vocabulary;
        header_.tokenizer_hash = tokenizer_hash;
        file_.write(std::as_bytes(std::span(&header_, 1)));
    }

    /// One document, without an end token: packing adds it. Not 0 in `counts`: the loss counts the token; empty: it counts all.
    void add(std::span<std::int32_t const> document, std::span<std::uint8_t const> counts = {}) {
        check(counts.empty() || (header_.version == 2 && counts.size() == document.size()),
              [&] { return file_.path() + ": a loss mask that does not fit the file or its document"; });
        for (auto t : document)
            check(t >= 0 && static_cast<std::uint64_t>(t) < header_.vocabulary, [&] {
                return file_.path() + ": document " + std::to_string(ends_.size() - 1) + " has token " + std::to_string(t) +
                       ", not in the vocabulary";
            });
        for (auto const& t : document) {
            auto const from = reinterpret_cast<std::byte const*>(&t);
            waiting_.insert(waiting_.end(), from, from + header_.token_bytes);
        }
        if (header_.version == 2) {
            mask_.resize((ends_.back() + document.size() + 7) / 8);
            for (std::size_t i = 0; i < document.size(); ++i)
                if (auto const bit = ends_.back() + i; counts.empty() || counts[i] != 0) mask_[bit / 8] |= std::byte{1} << bit % 8;
        }
        ends_.push_back(ends_.back() + document.size());
        if (waiting_.size() >= 1 << 20) flush();
    }
    void finish() {
        header_.tokens    = ends_.back();
        header_.documents = ends_.size() - 1;
        waiting_.resize(waiting_.size() + (0 - header_.tokens * header_.token_bytes) % 8);
        flush();
        mask_.resize((mask_.size() + 7) / 8 * 8);
        write(mask_);
        write(std::as_bytes(std::span(ends_)));
        header_.data_checksum = sum_.value();
        header_.checksum      = detail::sum_of_header(header_);
        file_.rewind();
        file_.write(std::as_bytes(std::span(&header_, 1)));
        file_.finish();
    }

  private:
    void flush() {
        write(waiting_);
        waiting_.clear();
    }
    void write(std::span<std::byte const> bytes) {
        sum_.add(bytes);
        file_.write(bytes);
    }

    io::file_writer            file_;
    token_file_header          header_{};
    std::vector<std::uint64_t> ends_ = {0};
    std::vector<std::byte>     waiting_, mask_;
    checksum                   sum_;
};

/// Documents of tokens, mapped for reading: what packing and batches take from. Opening checks header, lengths and offsets; verify()
/// reads every byte, and belongs before the first use of a file that came from elsewhere.
class token_file {
  public:
    explicit token_file(std::string path) : file_(std::move(path)) {
        auto const bytes = file_.bytes();
        require(bytes.size() >= sizeof header_, "is too short for a token file");
        std::memcpy(&header_, bytes.data(), sizeof header_);
        require(std::memcmp(header_.magic, token_file_header::known_magic, sizeof header_.magic) == 0, "is not a token file");
        require(header_.version == 1 || header_.version == 2,
                "has version " + std::to_string(header_.version) + " where 1 and 2 are known");
        require(header_.checksum == detail::sum_of_header(header_), "has a damaged header: its checksum differs");
        require(header_.vocabulary > 0 && header_.vocabulary <= std::numeric_limits<std::int32_t>::max() &&
                    header_.token_bytes == detail::token_bytes_for(header_.vocabulary),
                "has a vocabulary of " + std::to_string(header_.vocabulary) + " tokens of " +
                    std::to_string(header_.token_bytes) + " bytes");
        auto const rest = bytes.size() - sizeof header_;
        require(header_.tokens <= rest / header_.token_bytes && header_.documents < rest / 8 &&
                    offsets_at() + 8 * (header_.documents + 1) == bytes.size(),
                "has " + std::to_string(bytes.size()) + " bytes, which is not what its header says");
        require(offset(0) == 0 && offset(header_.documents) == header_.tokens, "has offsets that do not span its tokens");
        for (std::uint64_t d = 0; d < header_.documents; ++d)
            require(offset(d) <= offset(d + 1), [&] { return "has offsets that fall after document " + std::to_string(d); });
    }

    std::string const& path() const { return file_.path(); }
    std::int64_t       documents() const { return static_cast<std::int64_t>(header_.documents); }
    std::int64_t       tokens() const { return static_cast<std::int64_t>(header_.tokens); }
    std::int64_t       vocabulary() const { return static_cast<std::int64_t>(header_.vocabulary); }
    std::uint64_t      tokenizer_hash() const { return header_.tokenizer_hash; }
    std::uint64_t      data_checksum() const { return header_.data_checksum; }
    bool               masked() const { return header_.version == 2; }  ///< has a loss mask

    token_range document(std::int64_t i) const {
        auto const first = offset(static_cast<std::uint64_t>(i)), end = offset(static_cast<std::uint64_t>(i) + 1);
        auto const from = file_.bytes().data() + sizeof header_ + first * header_.token_bytes;
        auto const mask = masked() ? file_.bytes().data() + mask_at() : nullptr;
        return {from, static_cast<std::size_t>(end - first), header_.token_bytes, mask, first};
    }

    /// Reads everything: the checksum, and that every token is in the vocabulary.
    void verify() const {
        require(checksum().add(file_.bytes().subspan(sizeof header_)).value() == header_.data_checksum, "is damaged: its checksum differs");
        auto const most = tokens() == 0 ? 0 : header_.token_bytes == 2 ? largest<std::uint16_t>() : largest<std::uint32_t>();
        require(most < header_.vocabulary, [&] { return "has token " + std::to_string(most) + ", outside its vocabulary"; });
    }

  private:
    void require(bool condition, auto const& what) const {
        if (condition) return;
        if constexpr (requires { what(); }) throw error(file_.path() + ": " + what());
        else throw error(file_.path() + ": " + what);
    }
    template <class T>
    std::uint64_t largest() const {
        T most = 0;
        for (std::uint64_t i = 0; i < header_.tokens; ++i) {
            T t;
            std::memcpy(&t, file_.bytes().data() + sizeof header_ + i * sizeof t, sizeof t);
            most = t > most ? t : most;
        }
        return most;
    }
    std::uint64_t mask_at() const { return sizeof header_ + (header_.tokens * header_.token_bytes + 7) / 8 * 8; }
    std::uint64_t offsets_at() const { return mask_at() + (masked() ? (header_.tokens + 63) / 64 * 8 : 0); }
    std::uint64_t offset(std::uint64_t i) const {
        std::uint64_t n;
        std::memcpy(&n, file_.bytes().data() + offsets_at() + 8 * i, 8);
        return n;
    }

    io::mapped_file   file_;
    token_file_header header_;
};

}  // namespace midtrain::inline MT_ABI::data
