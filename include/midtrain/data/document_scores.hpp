#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <midtrain/core/checksum.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/io/file_writer.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace midtrain::inline MT_ABI::data {

/// The first 40 bytes of a file of scores, little endian; then follows a float32 a document, NaN where there is no score.
struct score_file_header {
    static constexpr char known_magic[8] = {'M', 'T', 'S', 'C', 'O', 'R', 'E', 'S'};

    char          magic[8];   ///< "MTSCORES"
    std::uint64_t version;    ///< 1
    std::uint64_t documents;
    std::uint64_t tokens;     ///< of the documents that were scored: scores of another file are refused
    std::uint64_t checksum;   ///< core/checksum.hpp over documents, tokens and all scores
};
static_assert(sizeof(score_file_header) == 40 && std::endian::native == std::endian::little);

namespace detail {

inline std::uint64_t sum_of_scores(std::uint64_t documents, std::uint64_t tokens, std::span<std::byte const> scores) {
    std::uint64_t const counts[] = {documents, tokens};
    return checksum().add(std::as_bytes(std::span(counts))).add(scores).value();
}

}  // namespace detail

/// Writes a score a document beside the tokens; until it is whole there is no file of that name.
inline void write_scores(std::string const& path, std::span<float const> scores, std::int64_t tokens) {
    score_file_header h{};
    std::memcpy(h.magic, score_file_header::known_magic, sizeof h.magic);
    h.version = 1, h.documents = scores.size(), h.tokens = static_cast<std::uint64_t>(tokens);
    h.checksum = detail::sum_of_scores(h.documents, h.tokens, std::as_bytes(scores));
    io::file_writer file(path);
    file.write(std::as_bytes(std::span(&h, 1)));
    file.write(std::as_bytes(scores));
    file.finish();
}

/// A score a document, mapped for reading: what a reference model loses on it, or any other measure. Opening reads everything.
class document_scores {
  public:
    explicit document_scores(std::string path) : file_(std::move(path)) {
        auto const bytes = file_.bytes();
        auto const require = [&](bool good, char const* what) { check(good, [&] { return file_.path() + ": " + what; }); };
        require(bytes.size() >= sizeof header_, "is too short for a file of scores");
        std::memcpy(&header_, bytes.data(), sizeof header_);
        require(std::memcmp(header_.magic, score_file_header::known_magic, sizeof header_.magic) == 0, "is no file of scores");
        require(header_.version == 1, "has another version than 1, which alone is known");
        auto const rest = bytes.subspan(sizeof header_);
        require(rest.size() % 4 == 0 && header_.documents == rest.size() / 4, "has another size than its header says");
        require(header_.checksum == detail::sum_of_scores(header_.documents, header_.tokens, rest), "is damaged: its checksum differs");
    }

    std::string const& path() const { return file_.path(); }
    std::int64_t       documents() const { return static_cast<std::int64_t>(header_.documents); }
    std::int64_t       tokens() const { return static_cast<std::int64_t>(header_.tokens); }
    double             operator[](std::int64_t i) const {
        float score;
        std::memcpy(&score, file_.bytes().data() + sizeof header_ + 4 * static_cast<std::size_t>(i), sizeof score);
        return score;
    }

  private:
    io::mapped_file   file_;
    score_file_header header_;
};

}  // namespace midtrain::inline MT_ABI::data
