#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/data/token_options.hpp>
#include <midtrain/data/token_range.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace midtrain::inline MT_ABI::data {

/// Megatron's pair of .bin and .idx (megatron/core/datasets/indexed_dataset.py). The index: "MMIDIDX" and two zeros, version 1 of eight
/// bytes, the type's code in one, numbers of sequences and of document bounds, eight bytes each; then the sequences' lengths (int32),
/// their first bytes in .bin (int64), and the documents' bounds counted in sequences (int64). An end token that closes a document is left
/// out, since packing adds its own. Opening reads every token.
class megatron_tokens {
  public:
    static constexpr std::string_view known_magic{"MMIDIDX\0\0", 9};

    /// `path` ends in .bin or .idx; the other stands beside it.
    explicit megatron_tokens(std::string const& path, token_options how = {})
        : index_(path.substr(0, path.size() - 4) + ".idx"), file_(path.substr(0, path.size() - 4) + ".bin") {
        read_index();
        std::int64_t const vocabulary = how.vocabulary;
        auto const         pass       = [](std::size_t, std::int64_t) {};
        switch (code_) {
            case 1: vocabulary_ = detail::scan_tokens<std::uint8_t>(file_.bytes(), vocabulary, this->path(), pass); break;
            case 3: vocabulary_ = detail::scan_tokens<std::int16_t>(file_.bytes(), vocabulary, this->path(), pass); break;
            case 4: vocabulary_ = detail::scan_tokens<std::int32_t>(file_.bytes(), vocabulary, this->path(), pass); break;
            case 5: vocabulary_ = detail::scan_tokens<std::int64_t>(file_.bytes(), vocabulary, this->path(), pass); break;
            default: vocabulary_ = detail::scan_tokens<std::uint16_t>(file_.bytes(), vocabulary, this->path(), pass);
        }
        for (auto& [first, count] : spans_) {
            if (count > 0 && how.end_token >= 0 && range(first, count)[count - 1] == how.end_token) --count;
            tokens_ += static_cast<std::int64_t>(count);
        }
    }

    std::string const& path() const { return file_.path(); }
    std::int64_t       documents() const { return static_cast<std::int64_t>(spans_.size()); }
    std::int64_t       tokens() const { return tokens_; }  ///< without end tokens
    std::int64_t       vocabulary() const { return vocabulary_; }

    token_range document(std::int64_t i) const {
        auto const [first, count] = spans_[static_cast<std::size_t>(i)];
        return range(first, count);
    }

  private:
    void require(bool condition, auto const& what) const {
        check(condition, [&] { return index_.path() + ": " + what(); });
    }
    token_range range(std::uint64_t first, std::uint64_t count) const {
        return {file_.bytes().data() + first, static_cast<std::size_t>(count), token_bytes_};
    }
    template <class T>
    T at(std::size_t byte) const {
        T v;
        std::memcpy(&v, index_.bytes().data() + byte, sizeof v);
        return v;
    }
    void read_index() {
        auto const size = index_.bytes().size();
        require(size >= 34 && std::memcmp(index_.bytes().data(), known_magic.data(), 9) == 0, [] { return "is no index of Megatron's"; });
        auto const version = at<std::uint64_t>(9), sequences = at<std::uint64_t>(18), bounds = at<std::uint64_t>(26);
        require(version == 1, [&] { return "has version " + std::to_string(version) + " where 1 is known"; });
        code_ = at<std::uint8_t>(17);
        constexpr std::uint8_t bytes[] = {0, 1, 0, 2, 4, 8, 0, 0, 2};  // by code; 0: no whole numbers, or too few for tokens
        require(code_ < sizeof bytes && bytes[code_] > 0,
                [&] { return "has type code " + std::to_string(code_) + ", which is none of tokens"; });
        token_bytes_ = bytes[code_];
        require(sequences <= size / 12 && bounds >= 1 && bounds <= size / 8 && bounds <= sequences + 1 + size / 8,
                [&] { return "has " + std::to_string(size) + " bytes, which is not what its header says"; });
        std::size_t const all = 34 + 12 * sequences + 8 * bounds;
        require(size == all || size == all + sequences,
                [&] { return "has " + std::to_string(size) + " bytes, which is not what its header says"; });
        read_documents(sequences, bounds);
    }
    void read_documents(std::uint64_t sequences, std::uint64_t bounds) {
        std::size_t const lengths = 34, pointers = lengths + 4 * sequences, documents = pointers + 8 * sequences;
        auto const        last    = [&](std::uint64_t b) { return at<std::int64_t>(documents + 8 * b); };
        require(last(0) == 0 && last(bounds - 1) == static_cast<std::int64_t>(sequences),
                [] { return "has documents that do not span its sequences"; });
        for (std::uint64_t d = 0; d + 1 < bounds; ++d) {
            auto const name = [&] { return "document " + std::to_string(d); };
            require(last(d) <= last(d + 1) && last(d + 1) <= static_cast<std::int64_t>(sequences),
                    [&] { return name() + " ends before it begins"; });
            std::uint64_t first = 0, next = 0;
            for (auto s = static_cast<std::uint64_t>(last(d)); s < static_cast<std::uint64_t>(last(d + 1)); ++s) {
                auto const from = at<std::uint64_t>(pointers + 8 * s);
                auto const n    = static_cast<std::uint64_t>(at<std::int32_t>(lengths + 4 * s));
                require(from <= file_.bytes().size() && n <= (file_.bytes().size() - from) / token_bytes_,
                        [&] { return "sequence " + std::to_string(s) + " reaches outside " + file_.path(); });
                if (s == static_cast<std::uint64_t>(last(d))) first = next = from;
                require(from == next, [&] { return "the sequences of " + name() + " do not follow each other"; });
                next = from + n * token_bytes_;
            }
            spans_.emplace_back(first, (next - first) / token_bytes_);
        }
    }

    io::mapped_file                                      index_, file_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> spans_;  // first byte, and tokens
    std::uint8_t                                         code_        = 0;
    std::uint32_t                                        token_bytes_ = 0;
    std::int64_t                                         tokens_ = 0, vocabulary_ = 0;
};

}  // namespace midtrain::inline MT_ABI::data
