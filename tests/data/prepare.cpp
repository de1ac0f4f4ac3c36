#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>
#include <data/scratch_folder.hpp>
#include <midtrain/data/byte_tokenizer.hpp>
#include <midtrain/data/prepare.hpp>
#include <midtrain/data/token_file.hpp>

namespace mt  = midtrain;
namespace fs  = std::filesystem;
using mt::data::part_progress;
using mt::data::prepare_options;
using mt::data::prepare_source;
using mt::data::token_file;

namespace {

auto const quiet = [](part_progress const&) {};

std::string text_of(token_file const& f, std::int64_t i) {
    std::string s;
    for (std::size_t k = 0; k < f.document(i).size(); ++k) s += static_cast<char>(f.document(i)[k]);
    return s;
}
std::vector<std::string> texts(std::string const& path) {
    token_file const         f(path);
    std::vector<std::string> all;
    f.verify();
    for (std::int64_t i = 0; i < f.documents(); ++i) all.push_back(text_of(f, i));
    return all;
}
std::string line(std::string const& text) { return "{\"text\":\"" + text + "\"}\n"; }

/// Three inputs, each of which is a part.
struct corpus {
    test::scratch_folder     folder;
    mt::data::byte_level_bpe tokenizer = mt::data::byte_tokenizer();
    std::vector<std::string> files;
    std::string              out = folder.file("out");

    corpus() {
        for (int f = 0; f < 3; ++f) {
            std::string all;
            for (int d = 0; d < 400; ++d) all += line(std::to_string(f) + "/" + std::to_string(d) + std::string(static_cast<std::size_t>(d * 13 % 700), 'x'));
            files.push_back(folder.file(std::to_string(f) + ".jsonl", all));
        }
    }
    std::vector<prepare_source> sources() const { return {{.name = "web", .paths = files, .licence = "CC0", .origin = "made up"}}; }
    template <class Tell>
    auto run(prepare_options how, Tell const& tell) const {
        how.part_bytes = 1;
        return mt::data::prepare(sources(), tokenizer, out, how, tell);
    }
    std::map<std::string, std::string> result() const {
        std::map<std::string, std::string> all;
        for (auto const& f : fs::directory_iterator(out))
            if (f.is_regular_file()) all[f.path().filename().string()] = test::bytes_of(f.path().string());
        return all;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(prepare)

BOOST_AUTO_TEST_CASE(every_document_is_in_one_split_and_the_manifest_says_so) {
    corpus const c;
    auto const   made  = c.run({.held_out = 0.1}, quiet)[0];
    auto const   train = texts(c.out + "/web.train.tok"), held_out = texts(c.out + "/web.held_out.tok");
    BOOST_TEST((made.made && made.train.documents == static_cast<std::int64_t>(train.size())));
    BOOST_TEST(train.size() + held_out.size() == 1200u);
    BOOST_TEST((held_out.size() > 80 && held_out.size() < 160));  // 120 expected, four standard deviations are 42
    std::set<std::string> all(train.begin(), train.end());
    all.insert(held_out.begin(), held_out.end());
    BOOST_TEST(all.size() == 1200u);
    auto const  manifest = mt::io::parse_json(test::bytes_of(c.out + "/manifest.json"), "manifest.json");
    auto const& web      = *manifest.find("sources")->find("web");
    BOOST_TEST(*web.find("licence")->as<std::string>() == "CC0");
    BOOST_TEST(web.find("inputs")->as<mt::io::json::array>()->size() == 3u);
    BOOST_TEST(*web.find("train")->find("tokens")->as<double>() == static_cast<double>(made.train.tokens));
    BOOST_TEST(*web.find("train")->find("text_bytes")->as<double>() == static_cast<double>(made.train.tokens));  // a byte a token
    BOOST_TEST(*manifest.find("tokenizer")->find("hash")->as<std::string>() == std::to_string(c.tokenizer.hash()));
}
BOOST_AUTO_TEST_CASE(threads_change_nothing) {
    std::map<std::string, std::string> one;
    for (int const threads : {1, 2, 5}) {
        corpus const c;
        c.run({.held_out = 0.05, .threads = threads}, quiet);
        if (threads == 1) one = c.result();
        BOOST_TEST((c.result() == one));
    }
    BOOST_TEST(one.size() == 3u);
}
BOOST_AUTO_TEST_CASE(a_killed_run_goes_on_to_the_same_result) {
    std::map<std::string, std::string> whole;
    {
        corpus const c;
        c.run({}, quiet);
        whole = c.result();
    }
    corpus const c;
    for (int n = 0; n < 3; ++n) {
        auto const child = ::fork();
        if (child == 0) {
            int told = 0;
            c.run({}, [&](part_progress const&) { if (told++ == n) ::kill(::getpid(), SIGKILL); });
            ::_exit(1);
        }
        int status = 0;
        BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
        BOOST_TEST((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
        BOOST_TEST(!fs::exists(c.out + "/manifest.json"));
    }
    for (auto const& f : fs::directory_iterator(c.out + "/parts"))
        if (f.path().extension() == ".tok") fs::last_write_time(f, fs::file_time_type{});
    c.run({}, quiet);
    BOOST_TEST((c.result() == whole));
    int kept = 0;
    for (auto const& f : fs::directory_iterator(c.out + "/parts")) kept += fs::last_write_time(f) == fs::file_time_type{};
    BOOST_TEST(kept == 3);  // each was told of once it was there, and none is made again
}
BOOST_AUTO_TEST_CASE(again_does_nothing_and_a_change_makes_its_part_alone) {
    corpus const c;
    c.run({}, quiet);
    auto const stamps = [&] {
        std::map<std::string, fs::file_time_type> all;
        for (auto const& f : fs::recursive_directory_iterator(c.out)) all[f.path().string()] = fs::last_write_time(f);
        return all;
    };
    auto const before = stamps();
    BOOST_TEST(!c.run({}, [](part_progress const&) { BOOST_ERROR("something is made"); })[0].made);
    BOOST_TEST((stamps() == before));
    fs::remove(c.out + "/web.held_out.tok");
    BOOST_TEST(c.run({}, quiet)[0].made);
    BOOST_TEST(c.run({.least_bytes = 20}, quiet)[0].short_documents > 0);
    auto const tokens = texts(c.out + "/web.train.tok").size();
    BOOST_TEST(!c.run({.least_bytes = 20}, quiet)[0].made);
    c.folder.file("1.jsonl", line("another text that is long enough"));
    auto const changed = c.run({.least_bytes = 20}, quiet)[0];
    BOOST_TEST((changed.made && texts(c.out + "/web.train.tok").size() < tokens));
    BOOST_TEST(fs::exists(c.out + "/parts"));
    c.run({.least_bytes = 20, .keep_parts = false}, quiet);
    BOOST_TEST(fs::is_empty(c.out + "/parts"));
}
BOOST_AUTO_TEST_CASE(repeated_documents_and_their_split) {
    test::scratch_folder const folder;
    auto const                 tokenizer = mt::data::byte_tokenizer();
    std::string                all;
    for (int d = 0; d < 300; ++d) all += line("text " + std::to_string(d % 100));
    std::vector<prepare_source> const s = {{.name = "a", .paths = {folder.file("a.jsonl", all)}}};
    auto const kept = mt::data::prepare(s, tokenizer, folder.file("o"), {.held_out = 0.3}, quiet)[0];
    BOOST_TEST(kept.train.documents + kept.held_out.documents == 300);
    auto const train = texts(folder.file("o/a.train.tok")), held_out = texts(folder.file("o/a.held_out.tok"));
    std::set<std::string> const apart(train.begin(), train.end());
    for (auto const& t : held_out) BOOST_TEST(!apart.contains(t));
    auto const once = mt::data::prepare(s, tokenizer, folder.file("o"), {.held_out = 0.3, .drop_repeated = true}, quiet)[0];
    BOOST_TEST((once.train.documents + once.held_out.documents == 100 && once.repeated == 200));
}
BOOST_AUTO_TEST_CASE(talks_become_masked_documents) {
    test::scratch_folder const folder;
    auto const                 tokenizer = mt::data::byte_tokenizer();
    auto const path = folder.file("a.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Yes.\"}]}\n"
                                             "{\"prompt\":\"2+2?\",\"completion\":\"4\"}\n");
    prepare_options how{.held_out = 0, .begin_token = 256};
    how.text.chat = mt::data::chat_style{};
    mt::data::prepare({{.name = "a", .paths = {path}}}, tokenizer, folder.file("o"), how, quiet);
    token_file const f(folder.file("o/a.train.tok"));
    BOOST_TEST(f.masked());
    std::vector<std::string> learnt;
    for (std::int64_t d = 0; d < f.documents(); ++d) {
        learnt.emplace_back();
        BOOST_TEST((f.document(d)[0] == 256 && !f.document(d).counts(0)));
        for (std::size_t i = 1; i < f.document(d).size(); ++i)
            if (f.document(d).counts(i)) learnt.back() += static_cast<char>(f.document(d)[i]);
    }
    BOOST_TEST(learnt == (std::vector<std::string>{"Yes.<|im_end|>", "4<|im_end|>"}), boost::test_tools::per_element());
}
BOOST_AUTO_TEST_CASE(a_mask_follows_a_text_that_is_composed) {
    auto parts     = mt::data::byte_tokenizer().parts();
    parts.composed = true;
    mt::data::byte_level_bpe const         tokenizer(parts);
    mt::data::text_document const          d{.text = "e\xcc\x81 a\xcc\x88 x", .masked = true, .learnt = {{4, 7}}, .where = "a"};
    auto const                             made = mt::data::detail::document_encoder{tokenizer, -1}(d);
    std::string                            learnt;
    for (std::size_t i = 0; i < made.tokens.size(); ++i)
        if (made.counts[i]) learnt += tokenizer.bytes(made.tokens[i]);
    BOOST_TEST(tokenizer.decode(made.tokens) == "\xc3\xa9 \xc3\xa4 x");
    BOOST_TEST(learnt == "\xc3\xa4");
}
BOOST_AUTO_TEST_CASE(what_cannot_be_prepared_is_said) {
    test::scratch_folder const folder;
    auto const tokenizer = mt::data::byte_tokenizer();
    auto const said      = [&](std::vector<prepare_source> const& s, prepare_options const& how = {}) {
        return test::refusal([&] { mt::data::prepare(s, tokenizer, folder.file("o"), how, quiet); });
    };
    auto const good = folder.file("a.jsonl", line("a")), bad = folder.file("b.jsonl", line("a") + "{\"text\":3}\n");
    BOOST_TEST(said({{.name = "b", .paths = {bad}}}, {.threads = 2}) == bad + ": line 2: there is no member 'text' that is a string");
    BOOST_TEST(said({{.name = "../b", .paths = {good}}}).find("cannot be the name of a source") != std::string::npos);
    BOOST_TEST(said({{.name = "a", .paths = {}}}) == "source 'a' has no files");
    BOOST_TEST(said({{.name = "a", .paths = {good}}, {.name = "a", .paths = {good}}}) == "two sources are called 'a'");
    BOOST_TEST(said({{.name = "a", .paths = {folder.file("none.jsonl")}}}) == folder.file("none.jsonl") + ": cannot be opened");
    BOOST_TEST(said({{.name = "a", .paths = {folder.file("e.jsonl", "")}}}) == "source 'a' has no documents to train on");
    BOOST_TEST(said({{.name = "a", .paths = {good}}}, {.held_out = 1}).find("from 0 to below 1") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
