#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/safetensors_writer.hpp>
#include <midtrain/io/whole_file.hpp>

namespace mt = midtrain;
namespace fs = std::filesystem;

namespace {

/// A folder that goes away with the test.
struct folder {
    fs::path path = fs::temp_directory_path() / ("midtrain_writer_" + std::to_string(::getpid()));
    folder() { fs::create_directories(path); }
    ~folder() { fs::remove_all(path); }
    std::string operator/(char const* name) const { return (path / name).string(); }
    bool empty() const { return fs::is_empty(path); }
};

template <class T>
std::span<std::byte const> bytes_of(std::vector<T> const& v) {
    return std::as_bytes(std::span(v));
}
std::string content(std::string const& path) {
    std::ifstream f(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(f), {}};
}
template <class F>
std::string refusal(F const& f) {
    try {
        f();
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}
bool has(std::string const& s, char const* part) {
    BOOST_TEST_MESSAGE(s);
    return s.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors_writer)

BOOST_AUTO_TEST_CASE(what_is_written_reads_back) {
    folder const                    dir;
    std::vector<float> const        f{1.5f, -2, 0, 7, 8, 9};
    std::vector<mt::bf16> const     b{mt::bf16(1.5f), mt::bf16(-2.0f), mt::bf16(0.25f)};
    std::vector<mt::f16> const      h{mt::f16(1.5f), mt::f16(-0.125f)};
    std::vector<double> const       d{1e300};
    std::vector<std::int64_t> const i{-1, std::int64_t{1} << 60};
    {
        mt::io::safetensors_writer w(dir / "a", {{"format", "pt"}, {"said", "\"tab\t\""}});
        w.declare("d", "F64", {1});
        w.declare("i", "I64", {2});
        w.declare("f", "F32", {2, 3});
        w.declare("b", "BF16", {3, 1});
        w.declare("h", "F16", {2});
        w.declare("none", "F32", {0, 5});
        w.add("d", bytes_of(d)), w.add("i", bytes_of(i)), w.add("f", bytes_of(f)), w.add("b", bytes_of(b)), w.add("h", bytes_of(h));
        w.add("none", {});
        BOOST_TEST(!fs::exists(dir / "a"));
        w.finish();
    }
    mt::io::safetensors const r(dir / "a");
    BOOST_TEST(r.metadata().at("said") == "\"tab\t\"");
    BOOST_TEST(std::memcmp(r.at("d").bytes.data(), d.data(), 8) == 0);
    BOOST_TEST(std::memcmp(r.at("i").bytes.data(), i.data(), 16) == 0);
    std::vector<float> to(6), three(3), two(2);
    r("f", 2, 3, to), r("b", 3, 1, three), r("h", 1, 2, two);
    BOOST_TEST(to == f);
    BOOST_TEST((three == std::vector<float>{1.5f, -2, 0.25f}));
    BOOST_TEST((two == std::vector<float>{1.5f, -0.125f}));
    BOOST_TEST(r.at("none").count() == 0);
    BOOST_TEST(!fs::exists(dir / "a.partial"));
}
// The reference implementation pads its header with blanks to a multiple of eight.
BOOST_AUTO_TEST_CASE(the_data_begins_at_a_multiple_of_eight) {
    folder const dir;
    for (int n = 1; n <= 9; ++n) {
        mt::io::safetensors_writer w(dir / "a");
        w.declare(std::string(static_cast<std::size_t>(n), 'x'), "U8", {1});
        w.add(std::string(static_cast<std::size_t>(n), 'x'), bytes_of(std::vector<std::uint8_t>{7}));
        w.finish();
        auto const    s = content(dir / "a");
        std::uint64_t header;
        std::memcpy(&header, s.data(), 8);
        BOOST_TEST(header % 8 == 0u);
        BOOST_TEST(s.size() == 8 + header + 1);
    }
}
BOOST_AUTO_TEST_CASE(what_is_not_finished_leaves_nothing_and_keeps_the_old_file) {
    folder const dir;
    mt::io::write_whole(dir / "a", "old");
    {
        mt::io::safetensors_writer w(dir / "a");
        w.declare("x", "F32", {2});
        w.add("x", bytes_of(std::vector<float>{1, 2}));
    }
    BOOST_TEST(content(dir / "a") == "old");
    BOOST_TEST(!fs::exists(dir / "a.partial"));
}
BOOST_AUTO_TEST_CASE(sentences_name_file_tensor_and_reason) {
    folder const             dir;
    std::vector<float> const one{1};
    BOOST_TEST(has(refusal([&] { mt::io::safetensors_writer w(dir / "no/a"); }), "no/a: cannot be made: No such file"));
    BOOST_TEST(has(refusal([&] { mt::io::write_whole(dir / "no/a", "x"); }), "no/a: cannot be made: No such file"));
    mt::io::safetensors_writer w(dir / "a");
    w.declare("x", "F32", {1});
    w.declare("y", "F32", {2});
    BOOST_TEST(has(refusal([&] { w.declare("x", "F32", {1}); }), "'x' is declared twice"));
    BOOST_TEST(has(refusal([&] { w.declare("z", "F33", {1}); }), "unknown type F33"));
    BOOST_TEST(has(refusal([&] { w.add("y", bytes_of(one)); }), "'y' is not the next one declared"));
    w.add("x", bytes_of(one));
    BOOST_TEST(has(refusal([&] { w.declare("z", "F32", {1}); }), "'z' is declared after the first bytes"));
    BOOST_TEST(has(refusal([&] { w.add("y", bytes_of(one)); }), "'y' has 4 bytes, declared were 8"));
    BOOST_TEST(has(refusal([&] { w.finish(); }), "'y' was declared and never added"));
}
// /dev/full takes no byte: what a disk without room says.
BOOST_AUTO_TEST_CASE(a_full_disk_is_named_and_leaves_nothing) {
    if (!fs::exists("/dev/full")) return;
    folder const dir;
    fs::create_symlink("/dev/full", dir / "a.partial");
    BOOST_TEST(has(refusal([&] {
        mt::io::safetensors_writer w(dir / "a");
        w.declare("x", "F32", {1});
        w.add("x", bytes_of(std::vector<float>{1}));
        w.finish();
    }), "a: cannot be written: No space left on device"));
    BOOST_TEST(dir.empty());
    fs::create_symlink("/dev/full", dir / "a.partial");
    BOOST_TEST(has(refusal([&] { mt::io::write_whole(dir / "a", "text"); }), "a: cannot be written: No space left on device"));
    BOOST_TEST(dir.empty());
}
BOOST_AUTO_TEST_CASE(a_folder_in_its_place_is_named_and_stays) {
    folder const dir;
    fs::create_directory(dir / "a");
    BOOST_TEST(has(refusal([&] {
        mt::io::safetensors_writer w(dir / "a");
        w.finish();
    }), "a: cannot be put in place: Is a directory"));
    BOOST_TEST(fs::is_directory(dir / "a"));
    BOOST_TEST(!fs::exists(dir / "a.partial"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(json_writer)

BOOST_AUTO_TEST_CASE(whole_numbers_are_digits) {
    BOOST_TEST(mt::io::written(100000.0) == "100000");
    BOOST_TEST(mt::io::written(-49152.0) == "-49152");
    BOOST_TEST(mt::io::written(9007199254740991.0) == "9007199254740991");
    BOOST_TEST(mt::io::written(1e-5) == "1e-05");
    BOOST_TEST(mt::io::written(0.1) == "0.1");
    for (double x : {-0.0, 1e300, 9007199254740992.0, 5e-324, 1.0 / 3})
        BOOST_TEST(std::memcmp(&x, mt::io::parse_json(mt::io::written(x), "x").as<double>(), 8) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
