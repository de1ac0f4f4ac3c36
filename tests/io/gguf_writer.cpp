#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_writer.hpp>

namespace mt = midtrain;
using mt::io::gguf_type;

namespace {

struct scratch {
    std::string path = "/tmp/midtrain_test_writer_" + std::to_string(::getpid()) + ".gguf";
    ~scratch() { std::filesystem::remove(path); }
};
template <class F>
std::string refusal(F const& f) {
    try {
        f();
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gguf_writer)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
    scratch const            s;
    std::vector<float> const x{1, -2, 3.5f, 0, 5, 6};
    {
        mt::io::gguf_writer out(s.path, 64);
        out.set("a.text", "caf\xc3\xa9");
        out.set("a.uint64", std::uint64_t{1} << 40);
        out.set("a.int32", std::int32_t{-5});
        out.set("a.int64", std::int64_t{-7});
        out.set("a.float", 1.5f);
        out.set("a.double", 0.1);
        out.set("a.bool", true);
        out.set("a.texts", std::vector<std::string>{"x", "", "yz"});
        out.set("a.numbers", std::vector<std::int32_t>{1, -1});
        out.set("a.floats", std::vector<float>{0.5f});
        out.declare("w", gguf_type::f32, {2, 3});
        out.declare("v", gguf_type::f16, {6});
        out.add("w", std::as_bytes(std::span(x)));
        out.add("v", mt::io::gguf_bytes(x, gguf_type::f16));
        BOOST_TEST(!std::filesystem::exists(s.path));
        out.finish();
    }
    mt::io::gguf const f(s.path);
    using array = mt::io::gguf::value::array;
    BOOST_TEST(f.get<std::string_view>("a.text") == "caf\xc3\xa9");
    BOOST_TEST(f.get<std::int64_t>("a.uint64") == std::int64_t{1} << 40);
    BOOST_TEST((f.get<std::int64_t>("a.int32") == -5 && f.get<std::int64_t>("a.int64") == -7));
    BOOST_TEST((f.get<double>("a.float") == 1.5 && f.get<double>("a.double") == 0.1 && f.get<bool>("a.bool")));
    BOOST_TEST(*f.get<array>("a.texts")[2].as<std::string_view>() == "yz");
    BOOST_TEST(*f.get<array>("a.numbers")[1].as<std::int64_t>() == -1);
    BOOST_TEST(*f.get<array>("a.floats")[0].as<double>() == 0.5);
    std::vector<float> y(6);
    f("w", 2, 3, y);
    BOOST_TEST(x == y);
    f("v", 1, 6, y);
    BOOST_TEST(x == y);  // exact as halves
    BOOST_TEST((f.at("w").shape == std::vector<std::int64_t>{2, 3}));
    BOOST_TEST((f.at("v").bytes.data() - f.at("w").bytes.data()) == 64);
}
// Zeros, halves between two steps, and scales below the smallest normal half among them.
BOOST_AUTO_TEST_CASE(blocks_are_packed_as_the_gguf_package_packs_them) {
    mt::io::gguf const f(std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/packed.gguf");
    std::vector<float> x(4 * 64);
    f("values", 4, 64, x);
    auto const ours  = mt::io::gguf_bytes(x, gguf_type::q8_0);
    auto const theirs = f.at("q8_0").bytes;
    BOOST_TEST(std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end()));
    BOOST_CHECK_THROW(mt::io::gguf_bytes(std::span(x).first(33), gguf_type::q8_0), mt::error);
}
BOOST_AUTO_TEST_CASE(misuse_is_refused) {
    scratch const s;
    auto const    with = [&](auto const& f) {
        return refusal([&] {
            mt::io::gguf_writer out(s.path);
            f(out);
        });
    };
    std::vector<std::byte> const eight(8);
    BOOST_TEST(refusal([&] { mt::io::gguf_writer(s.path, 48); }).ends_with("48 is no power of two from 8 on"));
    BOOST_TEST(with([](auto& o) { o.set("a", true), o.set("a", 1.f); }).ends_with("'a' is set twice or too late"));
    BOOST_TEST(with([](auto& o) { o.declare("w", gguf_type::f32, {}); }).ends_with("has no shape of one to four sizes"));
    BOOST_TEST(with([](auto& o) { o.declare("w", gguf_type::f32, {0}); }).ends_with("has a size that is not positive"));
    BOOST_TEST(with([](auto& o) { o.declare("w", gguf_type::q8_0, {2, 33}); }).ends_with("no whole number of Q8_0 blocks"));
    BOOST_TEST(with([](auto& o) { o.declare("w", gguf_type::f32, {2}), o.declare("w", gguf_type::f32, {2}); }).ends_with("is declared twice"));
    BOOST_TEST(with([&](auto& o) { o.declare("w", gguf_type::f32, {3}), o.add("w", eight); }).ends_with("has 8 bytes, declared were 12"));
    BOOST_TEST(with([&](auto& o) { o.add("w", eight); }).ends_with("is not the next one declared"));
    BOOST_TEST(with([](auto& o) { o.declare("w", gguf_type::f32, {3}), o.finish(); }).ends_with("was declared and never added"));
    BOOST_TEST(!std::filesystem::exists(s.path));
    BOOST_TEST(!std::filesystem::exists(s.path + ".partial"));
}

BOOST_AUTO_TEST_SUITE_END()
