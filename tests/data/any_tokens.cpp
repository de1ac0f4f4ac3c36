#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>
#include <data/scratch_folder.hpp>
#include <midtrain/data/any_tokens.hpp>
#include <midtrain/data/packing.hpp>
#include <midtrain/data/token_export.hpp>

namespace mt = midtrain;
using mt::data::any_tokens;
using mt::data::open_tokens;
using mt::data::token_options;
using documents = std::vector<std::vector<std::int32_t>>;

namespace {

// tests/oracle/token_files.py wrote the files.
std::string const  golden = std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/tokens/";
constexpr int      end    = 7;
documents const    narrow = {{1, 2, 3}, {50'000, 0}, [] { std::vector<std::int32_t> d(40, 9); d.push_back(65'535); return d; }()};
documents const    wide   = {{1, 2, 3}, {100'000, 0}, [] { std::vector<std::int32_t> d(40, 9); d.push_back(128'255); return d; }()};

documents read(any_tokens const& f) {
    documents all;
    for (std::int64_t i = 0; i < f.documents(); ++i) {
        auto const d = f.document(i);
        all.emplace_back();
        for (std::size_t k = 0; k < d.size(); ++k) all.back().push_back(d[k]);
    }
    return all;
}
std::string refusal_of(std::string const& path, token_options how = {.end_token = end}) {
    auto const said = test::refusal([&] { open_tokens(path, how).verify(); });
    BOOST_TEST_MESSAGE(said);
    return said;
}
bool says(std::string const& path, std::string const& part, token_options how = {.end_token = end}) {
    return refusal_of(path, how).find(part) != std::string::npos;
}
/// A golden file with bytes put over it, under its own name.
template <class T>
std::string changed(test::scratch_folder const& folder, std::string const& name, std::size_t at, T value) {
    auto bytes = test::bytes_of(golden + name);
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return folder.file(name, bytes);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tokens_of_others)

BOOST_AUTO_TEST_CASE(documents_are_those_that_were_written) {
    for (char const* name : {"llmc_gpt2.bin", "nanogpt.bin", "olmo.npy", "megatron_u16.bin", "megatron_u16.idx"}) {
        auto const f = open_tokens(golden + name, {.end_token = end});
        BOOST_TEST((read(f) == narrow), name);
        BOOST_TEST((f.tokens() == 46 && f.vocabulary() == 65'536), name);
    }
    for (char const* name : {"llmc_llama3.bin", "v1.npy", "v2.npy", "v3.npy", "megatron_i32.bin"}) {
        auto const f = open_tokens(golden + name, {.end_token = end, .vocabulary = 128'256});
        BOOST_TEST((read(f) == wide), name);
        BOOST_TEST((f.tokens() == 46 && f.vocabulary() == 128'256), name);
    }
}
BOOST_AUTO_TEST_CASE(without_an_end_token_all_is_one_document) {
    auto const f = open_tokens(golden + "nanogpt.bin");
    BOOST_TEST((f.documents() == 1 && f.tokens() == 49 && f.document(0)[3] == end));
    BOOST_TEST(open_tokens(golden + "megatron_u16.bin").document(0).size() == 4u);
}
BOOST_AUTO_TEST_CASE(tokens_without_a_header_may_have_four_bytes) {
    test::scratch_folder const folder;
    std::int32_t const         tokens[] = {70'000, end, 3};
    auto const                 path     = folder.file("a.npy", std::string(reinterpret_cast<char const*>(tokens), sizeof tokens));
    documents const            two      = {{70'000}, {3}};
    BOOST_TEST((read(open_tokens(path, {.end_token = end, .vocabulary = 70'001})) == two));
    BOOST_TEST((read(open_tokens(path, {.end_token = end, .token_bytes = 4})) == two));
    BOOST_TEST(says(path, "token 0 is 70000, outside the vocabulary of 70000", {.vocabulary = 70'000}));
    BOOST_TEST(says(path, "2 or 4 bytes, not 3", {.token_bytes = 3}));
    BOOST_TEST(says(folder.file("odd.bin", "abc"), "has 3 bytes, no multiple of the 2"));
    BOOST_TEST(says(folder.file("a.txt", "abcd"), "is no file of tokens that is known"));
    BOOST_TEST(says(folder.file("empty.bin", ""), "is empty"));
}
BOOST_AUTO_TEST_CASE(our_own_form_is_known_by_its_first_bytes) {
    test::scratch_folder const  folder;
    mt::data::token_file_writer to(folder.file("a.bin"), 65'536, 0);
    for (auto const& d : narrow) to.add(d);
    to.finish();
    BOOST_TEST((read(open_tokens(folder.file("a.bin"))) == narrow));
    BOOST_TEST(says(folder.file("a.bin"), "vocabulary of 65536 tokens where 100 are known", {.vocabulary = 100}));
}
BOOST_AUTO_TEST_CASE(what_is_written_for_others_reads_back) {
    test::scratch_folder const folder;
    for (bool const is_wide : {false, true}) {
        auto const source = open_tokens(golden + (is_wide ? "llmc_llama3.bin" : "llmc_gpt2.bin"), {.end_token = end});
        mt::data::write_llmc(folder.file("l.bin"), source, end);
        mt::data::write_megatron(folder.file("m"), source, end);
        for (char const* name : {"l.bin", "m.bin"})
            BOOST_TEST((read(open_tokens(folder.file(name), {.end_token = end})) == (is_wide ? wide : narrow)), name);
        BOOST_TEST((test::bytes_of(folder.file("l.bin")) == test::bytes_of(golden + (is_wide ? "llmc_llama3.bin" : "llmc_gpt2.bin"))));
    }
    auto const small = open_tokens(golden + "megatron_u16.bin", {.end_token = end, .vocabulary = 0});
    mt::data::write_megatron(folder.file("again"), small, -1);
    BOOST_TEST(open_tokens(folder.file("again.bin")).tokens() == 46);
    BOOST_TEST(!test::refusal([&] { mt::data::write_llmc(folder.file("l.bin"), small, -1); }).empty());
}
BOOST_AUTO_TEST_CASE(every_form_is_written_from_every_other) {
    using form = mt::data::token_form;
    test::scratch_folder const folder;
    auto const                 source = open_tokens(golden + "llmc_gpt2.bin", {.end_token = end});
    mt::data::write_tokens(form::midtrain, folder.file("a.tok"), source, end);
    auto const own = open_tokens(folder.file("a.tok"));
    own.verify();
    BOOST_TEST((read(own) == narrow && own.vocabulary() == source.vocabulary()));
    mt::data::write_tokens(form::megatron, folder.file("b.bin"), own, end);
    mt::data::write_tokens(form::llmc, folder.file("c.bin"), own, end);
    for (char const* name : {"b.bin", "b.idx", "c.bin"}) BOOST_TEST((read(open_tokens(folder.file(name), {.end_token = end})) == narrow), name);
    // A loss mask stays where there is a place for it.
    mt::data::token_file_writer to(folder.file("m.tok"), 200, 7, mt::data::loss_mask::by_token);
    to.add(std::vector<std::int32_t>{1, 2, 3}, std::vector<std::uint8_t>{0, 1, 1});
    to.add(std::vector<std::int32_t>{4});
    to.finish();
    auto const masked = open_tokens(folder.file("m.tok"));
    mt::data::write_tokens(form::midtrain, folder.file("n.tok"), masked, end);
    auto const again = open_tokens(folder.file("n.tok"));
    BOOST_TEST((read(again) == read(masked)));
    BOOST_TEST((!again.document(0).counts(0) && again.document(0).counts(1) && again.document(0).counts(2) && again.document(1).counts(0)));
    for (auto const f : {form::megatron, form::llmc})
        BOOST_TEST(test::refusal([&] { mt::data::write_tokens(f, folder.file("o.bin"), masked, end); }).find("no place for a loss mask") != std::string::npos);
    BOOST_TEST(!std::filesystem::exists(folder.file("o.bin")));
}
BOOST_AUTO_TEST_CASE(a_lying_index_is_refused) {
    test::scratch_folder const folder;
    std::filesystem::copy(golden + "megatron_u16.bin", folder.file("megatron_u16.bin"));
    auto const idx = [&](std::size_t at, auto value) { return changed(folder, "megatron_u16.idx", at, value); };
    BOOST_TEST(refusal_of(idx(0, 'M')).empty());
    BOOST_TEST(says(idx(0, 'X'), "is no file of tokens that is known"));
    idx(0, 'X');
    BOOST_TEST(says(folder.file("megatron_u16.bin"), "is no index of Megatron's"));
    BOOST_TEST(says(idx(9, std::uint64_t{2}), "has version 2"));
    for (std::uint8_t code : {0, 2, 6, 7, 9, 255}) BOOST_TEST(says(idx(17, code), "type code " + std::to_string(code)));
    for (std::uint64_t n : {0ull, 4ull, 1ull << 62, ~0ull}) {
        BOOST_TEST(says(idx(18, n), "not what its header says"));
        BOOST_TEST(says(idx(26, n == 4 ? 5 : n), "not what its header says"));
    }
    std::size_t const pointers = 34 + 12, bounds = pointers + 24;
    BOOST_TEST(says(idx(34, std::int32_t{-1}), "sequence 0 reaches outside"));
    BOOST_TEST(says(idx(34, std::int32_t{1'000'000}), "sequence 0 reaches outside"));
    BOOST_TEST(says(idx(pointers, std::int64_t{-2}), "sequence 0 reaches outside"));
    BOOST_TEST(says(idx(bounds, std::int64_t{1}), "do not span"));
    BOOST_TEST(says(idx(bounds + 8, std::int64_t{3}), "document 1 ends before it begins"));
    BOOST_TEST(says(idx(bounds + 8, std::int64_t{9}), "document 0 ends before it begins"));
    std::filesystem::copy(golden + "megatron_i32.bin", folder.file("megatron_i32.bin"));
    BOOST_TEST(says(changed(folder, "megatron_i32.idx", 34 + 16 + 16, std::int64_t{0}), "sequences of document 1 do not follow each other"));
}
BOOST_AUTO_TEST_CASE(a_lying_header_is_refused) {
    test::scratch_folder const folder;
    BOOST_TEST(says(changed(folder, "llmc_gpt2.bin", 4, 2), "llm.c's version 2"));
    BOOST_TEST(says(changed(folder, "llmc_gpt2.bin", 8, -1), "not what its -1 tokens need"));
    BOOST_TEST(says(changed(folder, "llmc_gpt2.bin", 8, 0x7fffffff), "not what its 2147483647 tokens need"));
    BOOST_TEST(says(folder.file("a.bin", test::bytes_of(golden + "llmc_gpt2.bin").substr(0, 100)), "too short for the 1024 bytes"));
    auto const npy = [&](std::string const& from, std::string const& to) {
        auto bytes = test::bytes_of(golden + "v1.npy");
        return folder.file("b.npy", bytes.replace(bytes.find(from), from.size(), to));
    };
    BOOST_TEST(says(npy("'<i8'", "'<f8'"), "numbers of type '<f8'"));
    BOOST_TEST(says(npy("'descr'", "'DESCR'"), "has no 'descr'"));
    BOOST_TEST(says(npy("(49,)", "(7,7)"), "a shape that is no row"));
    BOOST_TEST(says(npy("(49,)", "(99,)"), "not what its 99 tokens need"));
    BOOST_TEST(says(changed(folder, "v1.npy", 8, std::uint16_t{0xffff}), "ends within NumPy's header"));
    BOOST_TEST(says(changed(folder, "v1.npy", 6, std::uint8_t{4}), "NumPy's version 4"));
    auto const whole = test::bytes_of(golden + "v2.npy");
    for (std::size_t n = 6; n < whole.size(); ++n) BOOST_TEST(!refusal_of(folder.file("c.npy", whole.substr(0, n))).empty());
}
BOOST_AUTO_TEST_CASE(negative_tokens_are_named) {
    test::scratch_folder const folder;
    auto                       bytes = test::bytes_of(golden + "v3.npy");
    std::int32_t const         below = -5;
    std::memcpy(bytes.data() + bytes.size() - 4, &below, 4);
    BOOST_TEST(says(folder.file("d.npy", bytes), "d.npy: token 48 is -5, which is no token"));
}

BOOST_AUTO_TEST_SUITE_END()
