#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <vector>
#include <data/scratch_folder.hpp>
#include <midtrain/core/checksum.hpp>
#include <midtrain/data/packing.hpp>
#include <midtrain/data/token_file.hpp>

namespace mt = midtrain;
using mt::data::token_file;
using mt::data::token_file_header;
using mt::data::token_file_writer;
using documents = std::vector<std::vector<std::int32_t>>;

namespace {

documents const three = {{5, 0, 65'535}, {}, {7, 8, 9, 10}};

std::string write(test::scratch_folder const& folder, documents const& all, std::size_t vocabulary) {
    token_file_writer to(folder.file("a.tok"), vocabulary, 0x1234'5678'9abc'def0);
    for (auto const& d : all) to.add(d);
    to.finish();
    return folder.file("a.tok");
}
documents read(token_file const& f) {
    documents all;
    for (std::int64_t i = 0; i < f.documents(); ++i) {
        auto const d = f.document(i);
        all.emplace_back();
        for (std::size_t k = 0; k < d.size(); ++k) all.back().push_back(d[k]);
    }
    return all;
}

/// What is said about a file whose header was changed and signed anew, and then its data.
template <class Change>
std::string refusal_of(Change const& change) {
    test::scratch_folder const folder;
    auto const                 path  = write(folder, three, 65'536);
    auto                       bytes = test::bytes_of(path);
    token_file_header          h;
    std::memcpy(&h, bytes.data(), sizeof h);
    change(h, bytes);
    std::memcpy(bytes.data(), &h, sizeof h);
    h.data_checksum = mt::checksum().add(std::as_bytes(std::span(bytes)).subspan(sizeof h)).value();
    h.checksum      = mt::checksum().add(std::as_bytes(std::span(&h, 1)).first(56)).value();
    std::memcpy(bytes.data(), &h, sizeof h);
    folder.file("a.tok", bytes);
    auto const said = test::refusal([&] { token_file(path).verify(); });
    BOOST_TEST_MESSAGE(said);
    return said;
}
template <class Change>
bool says(Change const& change, std::string const& part) {
    auto const said = refusal_of(change);
    return said.find(part) != said.npos && said.find("a.tok: ") != said.npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(token_files)

BOOST_AUTO_TEST_CASE(documents_come_back_in_two_bytes_and_in_four) {
    test::scratch_folder const folder;
    for (std::size_t const vocabulary : {65'536, 65'537}) {
        token_file const f(write(folder, three, vocabulary));
        BOOST_TEST((read(f) == three));
        BOOST_TEST((f.documents() == 3 && f.tokens() == 7 && f.vocabulary() == static_cast<std::int64_t>(vocabulary)));
        BOOST_TEST(f.tokenizer_hash() == 0x1234'5678'9abc'def0u);
        BOOST_TEST(test::bytes_of(f.path()).size() == (vocabulary == 65'536 ? 64 + 16 + 32 : 64 + 32 + 32));
        f.verify();
    }
    token_file const empty(write(folder, {}, 10));
    BOOST_TEST((empty.documents() == 0 && empty.tokens() == 0));
}
BOOST_AUTO_TEST_CASE(many_documents_pass_through_the_buffer) {
    test::scratch_folder const folder;
    documents                  all;
    for (std::int32_t d = 0; d < 3000; ++d) {
        all.emplace_back();
        for (std::int32_t i = 0; i < d % 1000; ++i) all.back().push_back((d * 31 + i) % 40'000);
    }
    token_file f(write(folder, all, 40'000));
    token_file const moved(std::move(f));
    moved.verify();
    BOOST_TEST((read(moved) == all));
}
BOOST_AUTO_TEST_CASE(packing_takes_from_a_token_file) {
    test::scratch_folder const          folder;
    token_file const                    f(write(folder, three, 70'000));
    mt::data::packing<token_file> p(f, 1, 3);
    mt::data::cursor              at;
    std::vector<std::int32_t>     inputs(10), targets(10), positions(10), begin(10);
    p.fill(at, {inputs, targets, positions, begin});
    BOOST_TEST(at.epoch == 1);  // seven tokens and three ends are one epoch
    std::sort(inputs.begin(), inputs.end());
    BOOST_TEST(inputs == (std::vector<std::int32_t>{0, 1, 1, 1, 5, 7, 8, 9, 10, 65'535}));
}
BOOST_AUTO_TEST_CASE(a_mask_takes_targets_from_the_loss) {
    test::scratch_folder const folder;
    std::string const          path = folder.file("a.tok");
    std::vector<std::uint8_t>  counts(100);
    std::vector<std::int32_t>  tokens(100);
    for (std::size_t i = 0; i < 100; ++i) tokens[i] = static_cast<std::int32_t>(i), counts[i] = i % 3 == 1;
    token_file_writer to(path, 200, 0, mt::data::loss_mask::by_token);
    to.add(std::vector<std::int32_t>{150, 151, 152});  // counts whole
    to.add(tokens, counts);
    to.add({});
    BOOST_TEST(!test::refusal([&] { to.add(tokens, std::span(counts).first(99)); }).empty());
    to.finish();
    token_file const f(path);
    f.verify();
    BOOST_TEST((f.masked() && f.documents() == 3 && f.tokens() == 103));
    for (std::size_t i = 0; i < 100; ++i) BOOST_TEST(f.document(1).counts(i) == (i % 3 == 1));
    mt::data::packing<token_file> p(f, 199, 3);
    mt::data::cursor              at;
    std::vector<std::int32_t>     inputs(1), targets(1), positions(1), begin(1), learnt;
    while (at.epoch == 0) {
        p.fill(at, {inputs, targets, positions, begin});
        if (targets[0] >= 0) learnt.push_back(targets[0]);
    }
    std::sort(learnt.begin(), learnt.end());
    std::vector<std::int32_t> expected;
    for (std::int32_t i = 1; i < 100; i += 3) expected.push_back(i);
    expected.insert(expected.end(), {151, 152, 199});  // the end of the first document; the second one's last token does not count
    BOOST_TEST(learnt == expected, boost::test_tools::per_element());
    token_file_writer plain(folder.file("b.tok"), 200, 0);
    BOOST_TEST(!test::refusal([&] { plain.add(tokens, counts); }).empty());
}
BOOST_AUTO_TEST_CASE(every_bit_of_a_masked_file_is_checked) {
    test::scratch_folder const folder;
    std::string const          path = folder.file("a.tok");
    token_file_writer          to(path, 10, 0, mt::data::loss_mask::by_token);
    to.add(std::vector<std::int32_t>{1, 2, 3}, std::vector<std::uint8_t>{0, 1, 1});
    to.finish();
    auto const whole = test::bytes_of(path);
    BOOST_TEST(whole.size() == 64u + 8 + 8 + 16);
    for (std::size_t n = 0; n < 8 * whole.size(); ++n) {
        auto bytes   = whole;
        bytes[n / 8] = static_cast<char>(bytes[n / 8] ^ 1 << n % 8);
        folder.file("a.tok", bytes);
        BOOST_TEST(!test::refusal([&] { token_file(path).verify(); }).empty());
    }
}
BOOST_AUTO_TEST_CASE(nothing_bears_the_name_before_the_end) {
    test::scratch_folder const folder;
    auto const                 path = folder.file("a.tok");
    {
        token_file_writer to(path, 10, 0);
        to.add(std::vector<std::int32_t>{1, 2});
        auto const said = test::refusal([&] { to.add(std::vector<std::int32_t>{1, 10}); });
        BOOST_TEST(said == path + ": document 1 has token 10, not in the vocabulary");
        BOOST_TEST(!test::refusal([&] { to.add(std::vector<std::int32_t>{-1}); }).empty());
    }
    BOOST_TEST(std::filesystem::is_empty(folder.path));
    BOOST_TEST(!test::refusal([&] { token_file_writer(folder.file("none/a.tok"), 10, 0); }).empty());
    BOOST_TEST(!test::refusal([&] { token_file_writer(path, 0, 0); }).empty());
}
BOOST_AUTO_TEST_CASE(a_refused_document_leaves_nothing_behind) {
    test::scratch_folder const folder;
    token_file_writer          to(folder.file("a.tok"), 10, 0);
    to.add(std::vector<std::int32_t>{1, 2});
    BOOST_CHECK_THROW(to.add(std::vector<std::int32_t>{3, 10}), mt::error);
    to.add(std::vector<std::int32_t>{4});
    to.finish();
    BOOST_TEST((read(token_file(folder.file("a.tok"))) == documents{{1, 2}, {4}}));
}
BOOST_AUTO_TEST_CASE(every_truncation_and_every_longer_file_is_refused) {
    test::scratch_folder const folder;
    auto const                 path  = write(folder, three, 65'536);
    auto const                 whole = test::bytes_of(path);
    for (std::size_t n = 0; n <= whole.size() + 8; ++n) {
        folder.file("a.tok", n <= whole.size() ? whole.substr(0, n) : whole + std::string(n - whole.size(), '\0'));
        BOOST_TEST(test::refusal([&] { token_file{path}; }).empty() == (n == whole.size()));
    }
}
BOOST_AUTO_TEST_CASE(every_flipped_bit_is_found) {
    test::scratch_folder const folder;
    auto const                 path  = write(folder, three, 65'536);
    auto const                 whole = test::bytes_of(path);
    for (std::size_t n = 0; n < 8 * whole.size(); ++n) {
        auto bytes   = whole;
        bytes[n / 8] = static_cast<char>(bytes[n / 8] ^ 1 << n % 8);
        folder.file("a.tok", bytes);
        BOOST_TEST(!test::refusal([&] { token_file(path).verify(); }).empty());
    }
}
BOOST_AUTO_TEST_CASE(a_signed_lie_is_refused_too) {
    auto const huge = ~std::uint64_t{0};
    BOOST_TEST(refusal_of([](auto&, auto&) {}).empty());
    BOOST_TEST(says([](auto& h, auto&) { h.magic[0] = 'X'; }, "is not a token file"));
    BOOST_TEST(says([](auto& h, auto&) { h.version = 3; }, "has version 3"));
    BOOST_TEST(says([](auto& h, auto&) { h.version = 2; }, "not what its header says"));
    BOOST_TEST(says([](auto& h, auto&) { h.token_bytes = 0; }, "of 0 bytes"));
    BOOST_TEST(says([](auto& h, auto&) { h.token_bytes = 4; }, "of 4 bytes"));
    BOOST_TEST(says([](auto& h, auto&) { h.vocabulary = 0; }, "vocabulary of 0"));
    BOOST_TEST(says([&](auto& h, auto&) { h.vocabulary = huge; }, "has a vocabulary of"));
    BOOST_TEST(says([](auto& h, auto&) { h.vocabulary = 65'535; }, "has token 65535, outside its vocabulary"));
    BOOST_TEST(says([&](auto& h, auto&) { h.tokens = huge; }, "not what its header says"));
    BOOST_TEST(says([&](auto& h, auto&) { h.documents = huge; }, "not what its header says"));
    BOOST_TEST(says([](auto& h, auto&) { h.documents = 4; }, "not what its header says"));
    BOOST_TEST(says([](auto&, auto& b) { b[64 + 16] = 1; }, "do not span"));
    BOOST_TEST(says([](auto&, auto& b) { b[64 + 16 + 8 + 1] = 1; }, "fall after document 1"));
}

BOOST_AUTO_TEST_SUITE_END()
