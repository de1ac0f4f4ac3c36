#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>
#include <midtrain/core/checksum.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/data/byte_level_bpe.hpp>
#include <midtrain/data/byte_stream.hpp>
#include <midtrain/data/normal_form.hpp>
#include <midtrain/data/text_reader.hpp>
#include <midtrain/data/token_file.hpp>
#include <midtrain/io/file_writer.hpp>
#include <midtrain/io/mapped_file.hpp>

// The parts that a source is made of before they are joined: each a token file of some inputs, and notes on its documents.
namespace midtrain::inline MT_ABI::data {

/// Where prepare() stands in a source.
struct part_progress {
    std::string  source;
    std::int64_t bytes_in_all = 0, bytes = 0;  ///< of the input files
    std::int64_t documents = 0, tokens = 0;    ///< made so far
};

namespace detail {

struct input_file {
    std::string   path;
    std::uint64_t bytes;
    std::string   checksum;
};
struct planned_part {
    std::string             path = {};  ///< without ".tok" and ".notes"
    std::vector<input_file> inputs = {};
};
/// What joining wants to know of a document besides its tokens.
struct document_note {
    std::uint64_t hash, bytes;  ///< of its text
};

/// Reads each file once.
inline std::vector<input_file> seen_inputs(std::vector<std::string> const& files) {
    std::vector<input_file> all;
    for (auto const& path : files) {
        checksum      sum;
        std::uint64_t bytes = 0;
        if (std::error_code why; std::filesystem::file_size(path, why) > 0 || why) {
            io::mapped_file const file(path);
            bytes = file.bytes().size();
            sum.add(file.bytes());
        }
        all.push_back({path, bytes, sum.text()});
    }
    return all;
}

/// Tokens of a document. Where it is masked, a token counts if any of its bytes does: a space before the first word of an answer is one
/// token with it.
struct document_encoder {
    byte_level_bpe const& tokenizer;
    std::int32_t          begin_token;

    struct encoded {
        std::vector<std::int32_t> tokens;
        std::vector<std::uint8_t> counts;
        document_note             note{};
    };
    encoded operator()(text_document const& d) const { return d.masked && tokenizer.parts().composed ? plain(composed(d)) : plain(d); }

  private:
    /// In normal form C piece by piece, so that the spans still say what the loss counts.
    static text_document composed(text_document const& d) {
        text_document    to{.text = {}, .masked = true, .learnt = {}, .where = d.where};
        std::string_view text = d.text;
        std::size_t      at   = 0;
        for (auto const& [from, end] : d.learnt) {
            to.text += normal_form_c(text.substr(at, from - at));
            auto const first = to.text.size();
            to.text += normal_form_c(text.substr(from, end - from));
            to.learnt.emplace_back(first, to.text.size());
            at = end;
        }
        to.text += normal_form_c(text.substr(at));
        return to;
    }
    encoded plain(text_document const& d) const {
        encoded to;
        to.tokens = tokenizer.encode(d.text);
        if (d.masked) mark(d, to);
        to.note = {checksum().add(std::as_bytes(std::span(d.text))).value(), d.text.size()};
        if (begin_token < 0) return to;
        to.tokens.insert(to.tokens.begin(), begin_token);
        if (d.masked) to.counts.insert(to.counts.begin(), 0);
        return to;
    }
    void mark(text_document const& d, encoded& to) const {
        std::size_t at = 0, span = 0;
        for (auto const id : to.tokens) {
            auto const end = at + tokenizer.bytes(id).size();
            while (span < d.learnt.size() && d.learnt[span].second <= at) ++span;
            to.counts.push_back(span < d.learnt.size() && d.learnt[span].first < end);
            at = end;
        }
        check(at == d.text.size(),
              [&] { return d.where + ": has bytes for which the tokenizer has no token, so no loss mask can be made"; });
    }
};

/// A part that is whole.
struct finished_part {
    token_file                 tokens;
    std::vector<document_note> notes;

    explicit finished_part(std::string const& path) : tokens(path + ".tok") {
        tokens.verify();
        io::mapped_file const file(path + ".notes");
        auto const            bytes = file.bytes();
        std::uint64_t         sum   = 0;
        auto const            size  = static_cast<std::size_t>(tokens.documents()) * sizeof(document_note);
        if (bytes.size() == size + 8) std::memcpy(&sum, bytes.data() + size, 8);
        check(bytes.size() == size + 8 && checksum().add(bytes.first(size)).value() == sum, [&] { return file.path() + ": is damaged"; });
        notes.resize(static_cast<std::size_t>(tokens.documents()));
        if (size > 0) std::memcpy(notes.data(), bytes.data(), size);
    }
};

/// Encodes documents on so many threads; the first that fails throws.
inline std::vector<document_encoder::encoded> encode_all(std::vector<text_document> const& documents, document_encoder const& encode,
                                                         int threads) {
    std::vector<document_encoder::encoded> made(documents.size());
    std::vector<std::exception_ptr>        failed(documents.size());
    std::atomic<std::size_t>               next{0};
    auto const                             work = [&] {
        for (std::size_t i; (i = next++) < documents.size();) {
            try {
                made[i] = encode(documents[i]);
            } catch (...) {
                failed[i] = std::current_exception();
            }
        }
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(work);
    work();
    for (auto& t : others) t.join();
    for (auto const& f : failed)
        if (f) std::rethrow_exception(f);
    return made;
}

/// A part being written.
class part_writer {
  public:
    part_writer(std::string const& path, document_encoder const& encode, bool masked)
        : encode_(encode), notes_(path + ".notes"),
          tokens_(path + ".tok", encode.tokenizer.size(), encode.tokenizer.hash(), masked ? loss_mask::by_token : loss_mask::none) {}

    void add(std::vector<text_document> const& documents, int threads, part_progress& at) {
        for (auto const& d : encode_all(documents, encode_, threads)) {
            tokens_.add(d.tokens, d.counts);
            auto const note = std::as_bytes(std::span(&d.note, 1));
            notes_.write(note);
            sum_.add(note);
            ++at.documents;
            at.tokens += static_cast<std::int64_t>(d.tokens.size());
        }
    }
    /// The tokens come last: a part is there once they are.
    void finish() {
        auto const sum = sum_.value();
        notes_.write(std::as_bytes(std::span(&sum, 1)));
        notes_.finish();
        tokens_.finish();
    }

  private:
    document_encoder  encode_;
    io::file_writer   notes_;
    checksum          sum_;
    token_file_writer tokens_;
};

inline bool is_finished(std::string const& path, part_progress& at) {
    std::error_code why;
    if (!std::filesystem::exists(path + ".tok", why)) return false;
    try {
        finished_part const part(path);
        at.documents += part.tokens.documents();
        at.tokens += part.tokens.tokens();
        return true;
    } catch (error const&) {
        return false;
    }
}

/// Makes a part unless it is there. Holds about a mebibyte of text a thread.
template <class Tell>
void make_part(planned_part const& p, document_encoder const& encode, text_options const& how, int threads, part_progress& at,
               Tell const& tell) {
    if (is_finished(p.path, at)) {
        for (auto const& i : p.inputs) at.bytes += static_cast<std::int64_t>(i.bytes);
        return tell(std::as_const(at));
    }
    part_writer                to(p.path, encode, how.chat.has_value());
    std::vector<text_document> waiting;
    std::size_t                size  = 0;
    auto const                 flush = [&] {
        to.add(waiting, threads, at);
        waiting.clear();
        size = 0;
    };
    for (auto const& input : p.inputs) {
        auto const  before = at.bytes;
        text_reader reader(input.path, how);
        while (auto document = reader.next()) {
            size += document->text.size() + 64;
            waiting.push_back(std::move(*document));
            if (size < static_cast<std::size_t>(threads) << 20) continue;
            flush();
            at.bytes = before + static_cast<std::int64_t>(reader.taken());
            tell(std::as_const(at));
        }
        at.bytes = before + static_cast<std::int64_t>(input.bytes);
    }
    flush();
    to.finish();
    tell(std::as_const(at));
}

inline std::string text_of_file(std::string const& path) {
    io::mapped_file const file(path);
    return {reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()};
}

/// Removes what does not belong to a part that is wanted.
inline void clean_parts(std::string const& folder, std::set<std::string> const& wanted) {
    std::vector<std::filesystem::path> old;
    std::error_code                    why;
    for (auto const& f : std::filesystem::directory_iterator(folder, why))
        if (auto stem = f.path(); !wanted.contains(stem.replace_extension().string())) old.push_back(f.path());
    for (auto const& f : old) std::filesystem::remove(f, why);
}

}  // namespace detail
}  // namespace midtrain::inline MT_ABI::data
