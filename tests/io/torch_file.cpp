#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/io/torch_adamw.hpp>
#include <midtrain/io/torch_file.hpp>

namespace mt = midtrain;

namespace {

std::string const goldens = std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/";

template <class T>
std::string raw(T x) {
    std::string s(sizeof x, '\0');
    std::memcpy(s.data(), &x, sizeof x);
    return s;
}
std::string whole_file(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

using entries = std::vector<std::pair<std::string, std::string>>;

/// A zip file of stored entries; with `wide`, sizes and places stand in zip64 fields.
std::string zip(entries const& all, bool wide = false, std::uint16_t method = 0) {
    std::string s, directory;
    for (auto const& [name, bytes] : all) {
        auto const at = static_cast<std::uint32_t>(s.size()), n = static_cast<std::uint32_t>(bytes.size());
        auto const l = static_cast<std::uint16_t>(name.size());
        s += "PK\3\4" + std::string(14, '\0') + raw(n) + raw(n) + raw(l) + raw(std::uint16_t{0}) + name + bytes;
        std::string const field = wide ? raw(std::uint16_t{1}) + raw(std::uint16_t{24}) + raw(std::uint64_t{n}) + raw(std::uint64_t{n}) +
                                             raw(std::uint64_t{at})
                                       : "";
        auto const size = wide ? ~0u : n;
        directory += "PK\1\2" + std::string(6, '\0') + raw(method) + std::string(8, '\0') + raw(size) + raw(size) + raw(l) +
                     raw(static_cast<std::uint16_t>(field.size())) + std::string(10, '\0') + raw(wide ? ~0u : at) + name + field;
    }
    auto const at = s.size(), count = all.size(), bytes = directory.size();
    s += directory;
    if (wide)
        s += "PK\6\6" + std::string(20, '\0') + raw(std::uint64_t{count}) + raw(std::uint64_t{count}) + raw(std::uint64_t{bytes}) +
             raw(std::uint64_t{at}) + "PK\6\7" + std::string(4, '\0') + raw(std::uint64_t{at + bytes}) + raw(1u);
    auto const few = [&](std::size_t n) { return wide ? ~0u : static_cast<std::uint32_t>(n); };
    return s + "PK\5\6" + std::string(4, '\0') + raw(static_cast<std::uint16_t>(few(count))) + raw(static_cast<std::uint16_t>(few(count))) +
           raw(few(bytes)) + raw(few(at)) + raw(std::uint16_t{0});
}

std::string text(std::string const& s) { return "X" + raw(static_cast<std::uint32_t>(s.size())) + s; }
std::string const head("\x80\x02", 2);
std::string const f32 = "ctorch\nFloatStorage\n";
/// {'w': a tensor of two floats}, with these parts of it.
std::string tensor(std::string const& count = "K\2", std::string const& offset = std::string("K\0", 2), std::string const& shape = "K\2\x85",
                   std::string const& strides = "K\1\x85", std::string const& type = f32) {
    return head + "}" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + type + text("0") + text("cpu") + count + "tQ" +
           offset + shape + strides + "\x89" + "ccollections\nOrderedDict\n)RtRs.";
}
std::string archive(std::string const& pickle, std::string const& data = std::string(8, '\0')) {
    return zip({{"a/data.pkl", pickle}, {"a/data/0", data}});
}

struct scratch {
    std::string path = "/tmp/midtrain_test_" + std::to_string(::getpid()) + ".bin";
    explicit scratch(std::string const& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
    ~scratch() { std::remove(path.c_str()); }
};
/// The sentence with which the bytes are refused, or nothing.
template <class Reader = mt::io::torch_file>
std::string refusal(std::string const& bytes) {
    scratch const s(bytes);
    try {
        Reader const f(s.path);
        if constexpr (std::is_same_v<Reader, mt::io::torch_file>) {
            std::vector<float> two(2);
            if (f.tensors().contains("w")) f("w", 1, 2, two);
        }
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}
bool says(std::string const& bytes, std::string const& part) {
    auto const s = refusal(bytes);
    BOOST_TEST_MESSAGE(s);
    return s.find(part) != s.npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(torch_file)

// Every float type, views that share a storage, a transposed one and one with gaps. The values are exact in each type.
BOOST_AUTO_TEST_CASE(a_state_dict_is_read_as_torch_reads_it) {
    mt::io::torch_file const  file(goldens + "tiny_state.bin");
    mt::io::safetensors const want(goldens + "tiny_state.safetensors");
    BOOST_TEST(file.tensors().size() == want.tensors().size());
    for (auto const& [name, t] : want.tensors()) {
        BOOST_TEST((file.at(name).shape == t.shape), name);
        if (name == "whole_numbers") continue;
        mt::index_t const  rows = t.shape[0], columns = t.shape.size() == 2 ? t.shape[1] : 1;
        std::vector<float> a(static_cast<std::size_t>(rows * columns)), b(a.size());
        file(name, rows, columns, a);
        want(name, rows, columns, b);
        BOOST_TEST(a == b, name);
    }
    std::vector<float> six(6);
    BOOST_CHECK_THROW(file("whole_numbers", 1, 6, six), mt::error);
    BOOST_CHECK_THROW(file("f32", 4, 6, six), mt::error);
    BOOST_CHECK_THROW(file("none", 1, 6, six), mt::error);
}
BOOST_AUTO_TEST_CASE(an_optimizer_has_two_groups_and_one_step) {
    mt::io::torch_adamw const file(goldens + "tiny_optimizer.pt");
    BOOST_TEST((file.groups() == std::vector<std::size_t>{15, 5}));
    BOOST_TEST(file.step() == 7);
    BOOST_TEST((file.shape(0) == std::vector<std::int64_t>{16, 8}));
    std::vector<float> one(128);
    BOOST_CHECK_THROW(file(0, 0, "w", 8, 16, one), mt::error);
    BOOST_TEST(refusal<mt::io::torch_adamw>(whole_file(goldens + "tiny_state.bin")).find("'param_groups' is missing") != std::string::npos);
}
BOOST_AUTO_TEST_CASE(zip64_is_read) {
    BOOST_TEST(refusal(archive(tensor())).empty());
    BOOST_TEST(refusal(zip({{"data.pkl", tensor()}, {"data/0", std::string(8, '\0')}}, true)).empty());
    BOOST_TEST(refusal(archive(tensor()) + "").empty());
}
BOOST_AUTO_TEST_CASE(a_pickle_executes_nothing) {
    auto const asks = [](std::string const& name) { return archive(head + "c" + name + "\n)R."); };
    BOOST_TEST(says(asks("os\nsystem"), "it asks for 'os.system', which no weights need: nothing is executed here"));
    BOOST_TEST(says(asks("builtins\neval"), "'builtins.eval'"));
    BOOST_TEST(says(asks("torch\nload"), "'torch.load'"));
    BOOST_TEST(says(asks("torch._utils\n_rebuild_tensor_v2.__globals__"), "__globals__"));
    BOOST_TEST(says(archive(head + text("os") + text("system") + "\x93."), "opcode 0x93 is none that a file of weights needs"));
    BOOST_TEST(says(archive(head + "(S'ls'\nios\nsystem\n."), "opcode 0x53"));
    BOOST_TEST(says(archive(head + f32 + ")R."), "it calls 'FloatStorage'"));
}
BOOST_AUTO_TEST_CASE(every_truncation_and_flip_is_refused_or_harmless) {
    auto const good = archive(tensor());
    for (std::size_t n = 0; n < good.size(); ++n) BOOST_TEST(!refusal(good.substr(0, n)).empty());
    for (auto const& from : {good, whole_file(goldens + "tiny_state.bin")})
        for (std::size_t n = 0; n < from.size(); ++n) {
            auto bytes = from;
            bytes[n]   = static_cast<char>(bytes[n] ^ (1 << n % 8));
            refusal(bytes);  // an error of ours or none; anything else ends the test
        }
}
BOOST_AUTO_TEST_CASE(sentences_name_what_is_wrong) {
    std::string const two(8, '\0'), zero("K\0", 2), huge = "\x8a\x08" + raw(std::int64_t{1} << 62);
    BOOST_TEST(says("no zip file, but long enough for one", "there is no end record"));
    BOOST_TEST(says(zip({{"a/data.pkl", tensor()}}, false, 8), "'a/data.pkl' is compressed"));
    BOOST_TEST(says(zip({{"a", ""}, {"a", ""}}), "entry 'a' stands twice"));
    BOOST_TEST(says(zip({{"a/code.py", ""}}), "holds no data.pkl"));
    BOOST_TEST(says(zip({{"a/data.pkl", tensor()}, {"b/data.pkl", ""}}), "holds two pickles"));
    BOOST_TEST(says(zip({{"a/data.pkl", tensor()}, {"a/data/0", two}, {"a/byteorder", "big"}}), "big endian"));
    BOOST_TEST(says(zip({{"a/data.pkl", tensor()}}), "lacks the storage '0' of tensor 'w'"));
    BOOST_TEST(says(archive(tensor(), "1234567"), "holds less of the storage '0'"));
    BOOST_TEST(says(archive(tensor("K\1")), "outside its storage"));
    BOOST_TEST(says(archive(tensor("K\2", "K\1")), "outside its storage"));
    BOOST_TEST(says(archive(tensor("K\2", zero, "K\2\x85", "K\2\x85")), "outside its storage"));
    BOOST_TEST(says(archive(tensor("K\2", zero, "K\3\x85", zero + "\x85")), "outside its storage"));  // a small file, a large tensor
    BOOST_TEST(says(archive(tensor("K\2", zero, "K\2\x85", "K\1K\1\x86")), "more sizes than strides"));
    BOOST_TEST(says(archive(tensor(huge)), "a persistent id is no storage"));
    BOOST_TEST(says(archive(tensor("K\2", zero, huge + "\x85")), "impossible shape"));
    BOOST_TEST(says(archive(tensor("K\2", zero, "K\2\x85", "K\1\x85", "ctorch\nIntStorage\n")), "has values of IntStorage"));
    BOOST_TEST(says(archive(head + "}" + text("w") + "K\1s."), "has 'w', which is no tensor"));
    BOOST_TEST(says(archive(head + "]."), "holds no dict of tensors"));
    BOOST_TEST(says(archive("\x80\x04."), "its protocol is not 2"));
    BOOST_TEST(says(archive(head + "s."), "a value is missing"));
    BOOST_TEST(says(archive(head + "u."), "a mark is missing"));
    BOOST_TEST(says(archive(head + "h\1."), "recalls what it never remembered"));
    BOOST_TEST(says(archive(head + "]K\1K\2s."), "there is no dict to add to"));
    BOOST_TEST(says(archive(head + "X" + raw(~0u) + "a."), "a text goes on past the end"));
    BOOST_TEST(says("\x80\x02\x8a\x0a" + std::string("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10), "the form of PyTorch before 1.6"));
    // A list that holds itself is no tensor, and no leak.
    BOOST_TEST(says(archive(head + "]q\1h\1a."), "holds no dict"));
}

BOOST_AUTO_TEST_SUITE_END()
