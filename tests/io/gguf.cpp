#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_llama.hpp>

namespace mt = midtrain;

namespace {

using array = mt::io::gguf::value::array;

std::string const golden = std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/tiny.gguf";

std::vector<float> read(mt::io::gguf const& f, std::string const& name, int rows, int columns) {
    std::vector<float> to(static_cast<std::size_t>(rows * columns));
    f(name, rows, columns, to);
    return to;
}

template <class T>
std::string raw(T x) {
    std::string s(sizeof x, '\0');
    std::memcpy(s.data(), &x, sizeof x);
    return s;
}
std::string text(std::string_view s) { return raw(std::uint64_t{s.size()}) + std::string(s); }
std::string key(std::string_view name, std::uint32_t type, std::string const& bytes) { return text(name) + raw(type) + bytes; }
std::string tensor(std::string_view name, std::vector<std::uint64_t> const& shape, std::uint32_t type, std::uint64_t offset) {
    std::string s = text(name) + raw(static_cast<std::uint32_t>(shape.size()));
    for (auto n : shape) s += raw(n);
    return s + raw(type) + raw(offset);
}
std::string head(std::uint64_t tensors, std::uint64_t pairs, std::uint32_t version = 3) {
    return "GGUF" + raw(version) + raw(tensors) + raw(pairs);
}
std::string data(std::string header, std::size_t bytes = 64) {
    header.resize((header.size() + 31) / 32 * 32, '\0');
    return header + std::string(bytes, '\1');
}
std::string const good = data(head(1, 2) + key("a", 8, text("word")) + key("b", 9, raw(4u) + raw(std::uint64_t{2}) + raw(1u) + raw(2u)) +
                              tensor("w", {4, 2}, 0, 0), 32);

/// The sentence with which the bytes are refused, or nothing.
std::string refusal(std::string const& bytes) {
    std::string const path = "/tmp/midtrain_test_" + std::to_string(::getpid()) + ".gguf";
    std::ofstream(path, std::ios::binary) << bytes;
    std::string said;
    try {
        mt::io::gguf const f(path);
        read(f, "w", 2, 4);
        mt::io::gguf_llama const llama(f);
    } catch (mt::error const& e) {
        said = e.what();
    }
    std::remove(path.c_str());
    return said;
}
bool says(std::string const& bytes, std::string const& part) {
    auto const s = refusal(bytes);
    BOOST_TEST_MESSAGE(s);
    return s.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gguf)

BOOST_AUTO_TEST_CASE(every_type_is_read_as_the_gguf_package_reads_it) {
    mt::io::gguf const f(golden);
    // Bit for bit: each value is one product of a half and a small integer, exact in float, and at most one sum.
    for (std::string const name : {"f16", "bf16", "q8_0", "q4_0", "q4_1"})
        BOOST_TEST(read(f, name, 3, 64) == read(f, name + ".expected", 3, 64));
    BOOST_TEST(read(f, "q4_1", 3, 64)[64] != 0.0f);
}
// Of five and of six bits, and in blocks of 256. Products are exact in float, so again bit for bit.
BOOST_AUTO_TEST_CASE(blocks_are_read_as_the_gguf_package_reads_them) {
    mt::io::gguf const f(std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/blocks.gguf");
    for (std::string const name : {"q5_0", "q5_1", "q4_k", "q5_k", "q6_k", "q8_k"}) {
        auto const want = read(f, name + ".expected", 2, 512);
        BOOST_TEST(read(f, name, 2, 512) == want, name);
        BOOST_TEST(want[700] != want[701]);
    }
}
BOOST_AUTO_TEST_CASE(metadata_of_every_type) {
    mt::io::gguf const f(golden);
    BOOST_TEST(f.get<std::int64_t>("test.int8") == -5);
    BOOST_TEST(f.get<std::int64_t>("test.uint16") == 65535);
    BOOST_TEST(f.get<std::int64_t>("test.int64") == -(std::int64_t{1} << 40));
    BOOST_TEST(f.get<double>("test.uint64") == 9223372036854775808.0);
    BOOST_TEST(f.get<double>("test.float64") == 0.1);
    BOOST_TEST(f.get<bool>("test.bool") == true);
    BOOST_TEST(f.get<std::string_view>("test.string") == "caf\xc3\xa9");
    auto const& strings = f.get<array>("test.strings");
    BOOST_TEST(strings.size() == 3u);
    BOOST_TEST(*strings[2].as<std::string_view>() == "bc");
    BOOST_TEST(*(*f.get<array>("test.nested")[1].as<array>())[0].as<std::int64_t>() == 3);
    BOOST_TEST(f.find("no.such") == nullptr);
    BOOST_CHECK_THROW(f.get<double>("test.string"), mt::error);
}
BOOST_AUTO_TEST_CASE(a_llama_has_its_numbers_and_its_rows_in_order) {
    mt::io::gguf const       f(golden);
    mt::io::gguf_llama const llama(f);
    auto const&              s = llama.shape();
    BOOST_TEST((s.layers == 1 && s.width == 32 && s.heads == 4 && s.kv_heads == 2 && s.ffn == 48 && s.vocab == 10));
    BOOST_TEST((s.context == 64 && s.end_token == 7 && s.tied && s.norm_epsilon == 1e-5 && s.rope_base == 500000.0));
    for (auto const& [name, rows] : {std::pair{"q", 32}, std::pair{"k", 16}}) {
        std::vector<float> to(static_cast<std::size_t>(rows * 32));
        llama("model.layers.0.self_attn." + std::string(name) + "_proj.weight", rows, 32, to);
        BOOST_TEST(to == read(f, std::string(name) + ".expected", rows, 32));
    }
    using mt::io::gguf_name;
    BOOST_TEST(gguf_name("model.layers.12.mlp.down_proj.weight") == "blk.12.ffn_down.weight");
    BOOST_TEST(gguf_name("lm_head.weight") == "output.weight");
    for (char const* name : {"model.layers..mlp.down_proj.weight", "model.layers.1", "model.layers.1.mlp", "wte.weight", ""})
        BOOST_TEST(gguf_name(name).empty());
    std::vector<float> one(32);
    BOOST_CHECK_THROW(llama("model.layers.0.mlp.bias", 1, 32, one), mt::error);
    BOOST_CHECK_THROW(llama("model.norm.weight", 1, 32, one), mt::error);
}
BOOST_AUTO_TEST_CASE(names_and_rows_go_there_and_back) {
    using mt::io::gguf_name, mt::io::hf_name;
    for (std::string const hf : {"model.embed_tokens.weight", "model.layers.3.self_attn.q_proj.bias", "model.layers.10.self_attn.k_norm.weight"})
        BOOST_TEST(hf_name(gguf_name(hf, "qwen3"), "qwen3") == hf);
    for (std::string const hf : {"transformer.wpe.weight", "transformer.ln_f.bias", "transformer.h.3.mlp.c_proj.bias"})
        BOOST_TEST(hf_name(gguf_name(hf, "gpt2"), "gpt2") == hf);
    BOOST_TEST(hf_name("blk.0.attn_qkv.weight").empty());
    BOOST_TEST((gguf_name("").empty() && hf_name("", "gpt2").empty()));
    for (mt::index_t r = 0; r < 24; ++r) BOOST_TEST(mt::io::gguf_row_of(mt::io::hf_row_of(r, 8), 8) == r);
}
BOOST_AUTO_TEST_CASE(every_truncation_is_refused_in_a_sentence) {
    BOOST_TEST(says(good, "no metadata 'general.architecture'"));  // which is to say: read up to the question for a Llama
    for (std::size_t n = 0; n < good.size(); ++n) {
        auto const s = refusal(good.substr(0, n));
        BOOST_TEST((!s.empty() && s.find("architecture") == std::string::npos));
    }
}
BOOST_AUTO_TEST_CASE(every_flipped_byte_is_refused_or_harmless) {
    std::ifstream     in(golden, std::ios::binary);
    std::string const whole((std::istreambuf_iterator<char>(in)), {});
    for (std::string const& from : {good, whole.substr(0, 3000)})
        for (std::size_t n = 0; n < from.size(); ++n)
            for (char bit : {'\x01', '\x20', '\x80'}) {
                auto bytes = from;
                bytes[n]   = static_cast<char>(bytes[n] ^ bit);
                refusal(bytes);  // an error of ours or none; anything else ends the test
            }
}
BOOST_AUTO_TEST_CASE(sentences_name_what_is_wrong) {
    auto const     many = ~std::uint64_t{0};
    std::string    nested;
    for (int i = 0; i < 50; ++i) nested += raw(9u) + raw(std::uint64_t{1});
    BOOST_TEST(says("GGML" + good.substr(4), "not a GGUF file"));
    BOOST_TEST(says(head(0, 0, 1), "version 1 is not 2 or 3"));
    BOOST_TEST(says(head(0, many), "past the end"));
    BOOST_TEST(says(head(many, 0), "past the end"));
    BOOST_TEST(says(head(0, 1) + raw(many) + "a", "byte 32: a string goes on past the end"));
    BOOST_TEST(says(head(0, 1) + key("a", 9, raw(0u) + raw(many)), "past the end"));
    BOOST_TEST(says(head(0, 1) + key("a", 13, ""), "unknown type 13"));
    BOOST_TEST(says(head(0, 1) + key("a", 9, nested), "nested too deeply"));
    BOOST_TEST(says(head(0, 2) + key("a", 7, raw('\1')) + key("a", 7, raw('\1')), "metadata 'a' stands twice"));
    BOOST_TEST(says(data(head(0, 1) + key("general.alignment", 4, raw(0u))), "no power of two"));
    BOOST_TEST(says(data(head(0, 1) + key("general.alignment", 8, text("x"))), "no power of two"));
    BOOST_TEST(says(data(head(2, 0) + tensor("w", {4, 2}, 0, 0) + tensor("w", {4, 2}, 0, 0)), "tensor 'w' stands twice"));
    BOOST_TEST(says(data(head(1, 0) + tensor("w", {4, 2}, 0, 8)), "begins at 8, not a multiple of 32"));
    BOOST_TEST(says(data(head(1, 0) + tensor("w", {4, 2}, 0, 64)), "lies outside the file"));
    BOOST_TEST(says(data(head(1, 0) + tensor("w", {4, 2}, 0, many - 31)), "lies outside the file"));
    BOOST_TEST(says(data(head(2, 0) + tensor("v", {4, 4}, 0, 0) + tensor("w", {4, 2}, 0, 32)), "'v' and 'w' lie upon each other"));
    BOOST_TEST(says(data(head(1, 0) + tensor("w", {4, 5}, 0, 0)), "lies outside the file"));
    BOOST_TEST(says(data(head(1, 0) + tensor("w", {1ull << 33, 1ull << 33}, 0, 0)), "impossible shape"));
    BOOST_TEST(says(data(head(1, 0) + tensor("w", {4, 0}, 0, 0)), "impossible shape"));
    BOOST_TEST(says(data(head(1, 0) + tensor("w", {1, 1, 1, 1, 1}, 0, 0)), "5 dimensions"));
    BOOST_TEST(says(data(head(1, 0) + tensor("w", {4, 2}, 3, 0)), "no whole number of Q4_1 blocks"));
    BOOST_TEST(says(data(head(1, 0) + tensor("w", {4, 2}, 10, 0)), "type number 10; read are"));
    BOOST_TEST(says(data(head(1, 0) + tensor("w", {2, 4}, 0, 0)), "shape (4, 2) where the model has (2, 4)"));
    BOOST_TEST(says(data(head(1, 0) + tensor("v", {4, 2}, 0, 0)), "has no tensor 'w'"));
    BOOST_TEST(says(data(head(1, 1) + key("general.architecture", 8, text("bert")) + tensor("w", {4, 2}, 0, 0)), "is 'bert'; known are"));
}

BOOST_AUTO_TEST_SUITE_END()
