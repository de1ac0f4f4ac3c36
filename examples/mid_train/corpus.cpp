#include "corpus.hpp"
#include <filesystem>
#include <midtrain/data/jsonl.hpp>

namespace quick_start {
namespace {

/// The token file of a .jsonl file; one that is there, of the same tokenizer and not older than the text, is used again.
mt::data::token_file token_file_of(std::string const& text, std::string const& folder, mt::data::byte_level_bpe const& tokenizer) {
    namespace fs    = std::filesystem;
    auto const path = folder + "/" + fs::path(text).stem().string() + ".tok";
    mt::check(fs::exists(text), [&] { return text + ": is missing; examples/mid_train/texts.py makes it"; });
    if (fs::exists(path) && fs::last_write_time(path) >= fs::last_write_time(text)) {
        mt::data::token_file file(path);
        if (file.tokenizer_hash() == tokenizer.hash()) return file;
    }
    mt::data::jsonl             lines(text);
    mt::data::token_file_writer to(path, tokenizer.size(), tokenizer.hash());
    while (auto const document = lines.next()) to.add(tokenizer.encode(document->text));
    to.finish();
    return mt::data::token_file(path);
}

}  // namespace

corpus read_corpus(std::string const& cache, std::string const& split, std::string const& tokens, mt::data::byte_level_bpe const& tokenizer) {
    std::filesystem::create_directories(tokens);
    auto const of = [&](char const* source) {
        return token_file_of(cache + "/text/" + source + "." + split + ".jsonl", tokens, tokenizer);
    };
    return {.general = of("general"), .code = of("code"), .maths = of("maths"), .questions = of("questions"),
            .knowledge = of("knowledge"), .books = of("books"), .reasoning = of("reasoning")};
}

}  // namespace quick_start
