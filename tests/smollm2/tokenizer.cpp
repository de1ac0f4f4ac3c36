// Tokens of a text by the tokenizer of a .gguf file: `tokenizer MODEL.gguf FOLDER TEXT...` writes FOLDER/tokenizer.json,
// FOLDER/tokenizer_config.json and FOLDER/N.ids (32-bit, little endian) for the N-th text, and says how fast it was.
// tests/oracle/compare_tokenizer.py compares them with Hugging Face's.
#include <midtrain/data/tokenizer_files.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>
namespace mt = midtrain;

namespace {

// Everything decoded again must be the text, except for bytes that the vocabulary lacks.
bool decodes(mt::data::byte_level_bpe const& tokenizer, std::vector<std::int32_t> const& ids, std::string_view text) {
    auto        missing = tokenizer.missing_bytes();
    std::string kept;
    for (char c : text)
        if (std::find(missing.begin(), missing.end(), static_cast<std::uint8_t>(c)) == missing.end()) kept += c;
    return tokenizer.decode(ids) == kept;
}

int run(int count, char** names) {
    mt::io::gguf const model(names[1]);
    auto const         tokenizer = mt::data::read_tokenizer(model);
    std::string const  folder    = names[2];
    mt::data::write_tokenizer(folder, tokenizer, mt::data::read_tokenizer_notes(model));
    mt::check(mt::data::read_tokenizer(folder + "/tokenizer.json").hash() == tokenizer.hash(),
              "tokenizer.json: reads back as another tokenizer");
    for (int n = 3; n < count; ++n) {
        mt::io::mapped_file const file(names[n]);
        std::string_view const    text(reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size());
        auto const                start   = std::chrono::steady_clock::now();
        auto const                ids     = tokenizer.encode(text);
        double const              seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        mt::check(decodes(tokenizer, ids, text), [&] { return file.path() + ": is not what decoding gives"; });
        std::ofstream to(folder + "/" + std::to_string(n - 3) + ".ids", std::ios::binary);
        to.write(reinterpret_cast<char const*>(ids.data()), static_cast<std::streamsize>(4 * ids.size()));
        double const megabytes = static_cast<double>(text.size()) * 1e-6;
        std::printf("%s: %zu bytes, %zu tokens, %.1f MB/s\n", names[n], text.size(), ids.size(), megabytes / seconds);
    }
    return 0;
}

}  // namespace

int main(int count, char** names) {
    try {
        mt::check(count > 3, "usage: tokenizer MODEL.gguf FOLDER TEXT...");
        return run(count, names);
    } catch (std::exception const& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 2;
    }
}
