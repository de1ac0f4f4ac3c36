#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>
#include <unistd.h>
#include <midtrain/io/safetensors.hpp>

namespace mt = midtrain;

namespace {

/// A file that goes away with the test.
struct scratch {
    std::string path = "/tmp/midtrain_test_" + std::to_string(::getpid()) + ".safetensors";
    explicit scratch(std::string const& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
    ~scratch() { std::remove(path.c_str()); }
};

std::string file_of(std::string const& header, std::string const& data) {
    std::uint64_t const n = header.size();
    std::string         s(8, '\0');
    std::memcpy(s.data(), &n, 8);
    return s + header + data;
}

/// The sentence with which the bytes are refused, or nothing.
std::string refusal(std::string const& bytes) {
    scratch const s(bytes);
    try {
        mt::io::safetensors const f(s.path);
        std::vector<float>        two(2);
        f("w", 1, 2, two);
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}

bool says(std::string const& bytes, std::string const& part) {
    auto const s = refusal(bytes);
    BOOST_TEST_MESSAGE(s);
    return s.find(part) != std::string::npos;
}

std::string const good = R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors)

BOOST_AUTO_TEST_CASE(reads_three_types_as_float) {
    float const f[2] = {1.5f, -2.0f};
    std::string data(reinterpret_cast<char const*>(f), 8);
    data += std::string("\xc0\x3f\x00\xc0", 4);  // the same in bfloat16
    data += std::string("\x00\x3e\x00\xc0", 4);  // and in half
    scratch const s(file_of(R"({"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]},)"
                            R"("c":{"dtype":"F16","shape":[2],"data_offsets":[12,16]}})", data));
    mt::io::safetensors const file(s.path);
    for (char const* name : {"a", "b", "c"}) {
        std::vector<float> to(2);
        file(name, 1, 2, to);
        BOOST_TEST(to[0] == 1.5f);
        BOOST_TEST(to[1] == -2.0f);
    }
}
BOOST_AUTO_TEST_CASE(every_truncation_is_refused_in_a_sentence) {
    auto const whole = file_of(good, std::string(8, '\1'));
    BOOST_TEST(refusal(whole).empty());
    for (std::size_t n = 0; n < whole.size(); ++n) BOOST_TEST(!refusal(whole.substr(0, n)).empty());
}
BOOST_AUTO_TEST_CASE(every_flipped_byte_of_the_header_is_refused_or_harmless) {
    auto const whole = file_of(good, std::string(8, '\1'));
    for (std::size_t n = 0; n < whole.size() - 8; ++n)
        for (char bit : {'\x01', '\x20', '\x80'}) {
            auto bytes = whole;
            bytes[n]   = static_cast<char>(bytes[n] ^ bit);
            refusal(bytes);  // an error of ours or none; anything else ends the test
        }
}
BOOST_AUTO_TEST_CASE(sentences_name_what_is_wrong) {
    auto const with = [](std::string const& h) { return file_of(h, std::string(8, '\1')); };
    BOOST_TEST(says(with(R"({"v":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})"), "has no tensor 'w'"));
    BOOST_TEST(says(with(R"({"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})"), "shape (2, 1) where the model has (1, 2)"));
    BOOST_TEST(says(with(R"({"w":{"dtype":"F33","shape":[1,2],"data_offsets":[0,8]}})"), "unknown type 'F33'"));
    BOOST_TEST(says(with(R"({"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,16]}})"), "lies outside the file"));
    BOOST_TEST(says(with(R"({"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"),
                    "'v' and 'w' lie upon each other"));
    BOOST_TEST(says(with(R"({"w":{"dtype":"F32","shape":[1,3],"data_offsets":[0,8]}})"), "8 bytes where its shape needs 12"));
    BOOST_TEST(says(with(R"({"w":{"dtype":"F32","shape":[9000000000,9000000000],"data_offsets":[0,8]}})"), "impossible shape"));
    BOOST_TEST(says(with(R"({"w":1,"w":2})"), "a key stands twice"));
    BOOST_TEST(says(with(std::string(200, '[')), "nested too deeply"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(json)

BOOST_AUTO_TEST_CASE(strings_and_numbers) {
    auto const v = mt::io::parse_json(R"({"a":"\u00e9\ud83d\ude00\n","b":[1,-2.5e3,true,null]})", "text");
    BOOST_TEST(*v.find("a")->as<std::string>() == "\xc3\xa9\xf0\x9f\x98\x80\n");
    BOOST_TEST(*(*v.find("b")->as<mt::io::json::array>())[1].as<double>() == -2500.0);
}
BOOST_AUTO_TEST_CASE(bad_text_is_refused_with_the_byte) {
    for (char const* bad : {"", "{", "[1,]", "{\"a\"}", "\"\\u12\"", "\"\\ud800\\u0041\"", "01x", "tru", "[1] 2", "\"a\nb\""})
        BOOST_CHECK_THROW(mt::io::parse_json(bad, "text"), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
