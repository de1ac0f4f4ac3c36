#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>
#include <midtrain/train/tensorboard.hpp>

namespace mt = midtrain;

namespace {

struct folder {
    std::string name = (std::filesystem::temp_directory_path() / ("midtrain-tensorboard-" + std::to_string(::getpid()))).string();
    folder() { std::filesystem::remove_all(name); }
    ~folder() { std::filesystem::remove_all(name); }
    std::vector<std::string> files() const {
        std::vector<std::string> all;
        for (auto const& e : std::filesystem::directory_iterator(name)) all.push_back(e.path().string());
        std::sort(all.begin(), all.end());
        return all;
    }
};

struct run {
    std::vector<std::string>  sources{"web", "code"};
    std::vector<double>       weights{0.75, 0.25}, losses{2.5, 1.5};
    std::vector<std::int64_t> targets{80, 20};

    mt::report step(std::int64_t n) {
        targets[1] = n % 2 ? 20 : 0;
        mt::report r;
        r.step = n, r.loss = 2.0 / static_cast<double>(n), r.rate = 1e-3, r.gradient_norm = 0.5, r.seconds = 0.5, r.at = {n, {100 * n}, {1000}, {100}};
        r.sources = sources, r.weights = weights, r.source_loss = losses, r.source_targets = targets;
        return r;
    }
};

/// A reader of its own: fields of the wire format by number.
struct fields {
    std::map<unsigned, std::vector<std::string>> text;    // length-delimited
    std::map<unsigned, std::uint64_t>            number;  // varint and fixed

    explicit fields(std::string_view s) {
        std::size_t at     = 0;
        auto const  varint = [&] {
            std::uint64_t v = 0;
            for (int shift = 0;; shift += 7) {
                auto const b = static_cast<unsigned char>(s.at(at++));
                v |= static_cast<std::uint64_t>(b & 127) << shift;
                if (b < 128) return v;
            }
        };
        auto const fixed = [&](std::size_t n) {
            std::uint64_t v = 0;
            std::memcpy(&v, s.substr(at, n).data(), n);
            at += n;
            return v;
        };
        while (at < s.size()) {
            auto const key = varint();
            auto const f   = static_cast<unsigned>(key >> 3);
            switch (key & 7) {
                case 0: number[f] = varint(); break;
                case 1: number[f] = fixed(8); break;
                case 5: number[f] = fixed(4); break;
                default: {
                    auto const n = varint();
                    text[f].emplace_back(s.substr(at, n));
                    at += n;
                }
            }
        }
    }
};

/// Scalars by tag and step, after what was taken back.
struct decoded {
    std::map<std::string, std::map<std::int64_t, float>> scalars;
    int                                                  versions = 0;

    void add(std::string const& path) {
        std::ifstream     in(path, std::ios::binary);
        std::string const all{std::istreambuf_iterator<char>(in), {}};
        for (std::size_t at = 0; at < all.size();) {
            std::uint64_t n = 0;
            std::uint32_t head = 0, tail = 0;
            std::memcpy(&n, &all[at], 8), std::memcpy(&head, &all[at + 8], 4), std::memcpy(&tail, &all.at(at + 12 + n), 4);
            auto const body = std::string_view(all).substr(at + 12, n);
            BOOST_TEST(head == mt::detail::masked_crc32c(std::string_view(all).substr(at, 8)));
            BOOST_TEST(tail == mt::detail::masked_crc32c(body));
            at += 16 + n;
            fields const event(body);
            BOOST_TEST(std::bit_cast<double>(event.number.at(1)) > 1.7e9);  // seconds since 1970
            versions += static_cast<int>(event.text.contains(3));
            auto const step = event.number.contains(2) ? static_cast<std::int64_t>(event.number.at(2)) : 0;
            if (event.text.contains(7))
                for (auto& [tag, values] : scalars) values.erase(values.lower_bound(step), values.end());
            if (!event.text.contains(5)) continue;
            fields const summary(event.text.at(5)[0]);
            for (auto const& v : summary.text.at(1)) {
                fields const value(v);
                auto const [place, fresh] = scalars[value.text.at(1)[0]].emplace(step, std::bit_cast<float>(static_cast<std::uint32_t>(value.number.at(2))));
                BOOST_TEST(fresh);  // no step twice
            }
        }
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(tensorboard)

BOOST_AUTO_TEST_CASE(the_checksum_is_that_of_its_standard) {
    BOOST_TEST(mt::detail::crc32c("123456789") == 0xe3069283u);              // the polynomial's check value
    BOOST_TEST(mt::detail::crc32c(std::string(32, '\0')) == 0x8a9136aau);    // RFC 3720, B.4
    BOOST_TEST(mt::detail::crc32c(std::string(32, '\xff')) == 0x62a8ab43u);  // the same
}
BOOST_AUTO_TEST_CASE(what_is_written_is_decoded) {
    folder const f;
    run          r;
    {
        mt::tensorboard board(f.name);
        for (std::int64_t n = 1; n <= 4; ++n) board(r.step(n));
    }
    BOOST_TEST_REQUIRE(f.files().size() == 1u);
    decoded got;
    got.add(f.files()[0]);
    BOOST_TEST(got.versions == 1);
    BOOST_TEST(got.scalars.size() == 8u);
    BOOST_TEST(got.scalars["loss"].size() == 4u);
    BOOST_TEST(got.scalars["loss"][4] == 0.5f);
    BOOST_TEST(got.scalars["rate"][1] == 1e-3f);
    BOOST_TEST(got.scalars["gradient_norm"][2] == 0.5f);
    BOOST_TEST(got.scalars["tokens_per_second"][2] == 200.0f);
    BOOST_TEST(got.scalars["weights/web"][3] == 0.75f);
    BOOST_TEST(got.scalars["loss/code"].size() == 2u);  // no targets in every second step: no value
}
BOOST_AUTO_TEST_CASE(a_run_that_goes_on_shows_each_step_once) {
    folder const f;
    run          r;
    {
        mt::tensorboard board(f.name);
        for (std::int64_t n = 1; n <= 6; ++n) board(r.step(n));
    }
    {
        mt::tensorboard board(f.name, 4);
        for (std::int64_t n = 5; n <= 8; ++n) board(r.step(n));
        board.rewind(7);
        for (std::int64_t n = 8; n <= 9; ++n) board(r.step(n));
    }
    BOOST_TEST_REQUIRE(f.files().size() == 2u);
    decoded got;
    for (auto const& file : f.files()) got.add(file);
    BOOST_TEST_REQUIRE(got.scalars["loss"].size() == 9u);
    for (std::int64_t n = 1; n <= 9; ++n) BOOST_TEST(got.scalars["loss"][n] == 2.0f / static_cast<float>(n));
    mt::tensorboard(f.name, 0);  // begins anew
    BOOST_TEST(f.files().size() == 1u);
}
BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_made_is_named) {
    folder const f;
    std::filesystem::create_directories(f.name);
    std::ofstream(f.name + "/file") << "x";
    BOOST_CHECK_EXCEPTION(mt::tensorboard(f.name + "/file/board"), mt::error,
                          [&](mt::error const& e) { return std::string(e.what()).starts_with(f.name + "/file/board: cannot be made"); });
}

BOOST_AUTO_TEST_SUITE_END()
