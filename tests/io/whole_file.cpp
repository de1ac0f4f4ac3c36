#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <midtrain/io/whole_file.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(whole_file)

BOOST_AUTO_TEST_CASE(a_file_is_replaced_whole_and_nothing_else_is_left) {
    auto const folder = std::filesystem::temp_directory_path() / ("midtrain-whole-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    auto const path = (folder / "report.json").string();
    for (std::string const& text : {std::string("first\n"), std::string(100'000, 'x'), std::string()}) {
        mt::io::write_whole(path, text);
        std::ifstream in(path);
        BOOST_TEST((std::string(std::istreambuf_iterator<char>(in), {}) == text));
    }
    BOOST_TEST(std::distance(std::filesystem::directory_iterator(folder), {}) == 1);
    BOOST_CHECK_EXCEPTION(mt::io::write_whole((folder / "none/report.json").string(), "x"), mt::error, [](mt::error const& e) {
        return std::string(e.what()).find("none/report.json: cannot be made: ") != std::string::npos;
    });
    std::filesystem::create_directories(folder / "taken");
    BOOST_CHECK_EXCEPTION(mt::io::write_whole((folder / "taken").string(), "x"), mt::error,
                          [](mt::error const& e) { return std::string(e.what()).find("cannot be put in place") != std::string::npos; });
    std::filesystem::remove_all(folder);
}

BOOST_AUTO_TEST_SUITE_END()
