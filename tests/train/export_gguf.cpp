#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_llama.hpp>
#include <midtrain/io/weight_files.hpp>
#include <midtrain/model/gpt2.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/position/llama3.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/export_gguf.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

struct untied_shape : test::small_shape {
    static constexpr bool tied = false;
};
struct qwen3_shape : test::small_shape {
    static constexpr int  head_size = 16;
    static constexpr bool qk_norm   = true;
};
struct qwen2_shape : test::small_shape {
    static constexpr bool qkv_bias = true;
};
struct wide_shape : test::small_shape {
    static constexpr int vocab = 1024;
};
struct window_shape : test::small_shape {
    static constexpr int window = 8;
};
template <class Family, class Shape = test::small_shape>
struct fresh {
    mt::host                                      device{1};
    mt::trainable<mt::host, Family, Shape, mt::fp32> model{device, {}};
    explicit fresh(std::uint64_t seed = 1) { model.initialise(seed); }
    std::vector<float> master() {
        auto const v = model.master();
        return {v.data, v.data + v.size()};
    }
};
struct scratch {
    std::string path = "/tmp/midtrain_test_" + std::to_string(::getpid()) + ".gguf";
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

constexpr mt::rope plain{.base = 10'000, .length = 64};

/// Written as F32 and read again: the same bits in every weight.
template <class Family, class Shape>
void comes_back() {
    scratch const        file;
    fresh<Family, Shape> a, b(2);
    mt::export_gguf(a.model, file.path, plain, {.weights = mt::io::gguf_type::f32});
    mt::io::weight_files const weights(file.path);
    weights.check_names(b.model.parameters());
    b.model.load(weights);
    BOOST_TEST(a.master() == b.master());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(export_gguf)

BOOST_AUTO_TEST_CASE(a_llama_comes_back) { comes_back<mt::model::llama, test::small_shape>(); }
BOOST_AUTO_TEST_CASE(an_untied_llama_comes_back) { comes_back<mt::model::llama, untied_shape>(); }
BOOST_AUTO_TEST_CASE(a_qwen2_comes_back) { comes_back<mt::model::llama, qwen2_shape>(); }
BOOST_AUTO_TEST_CASE(a_qwen3_comes_back) { comes_back<mt::model::llama, qwen3_shape>(); }
BOOST_AUTO_TEST_CASE(a_gpt2_comes_back) { comes_back<mt::model::gpt2, test::small_shape>(); }

BOOST_AUTO_TEST_CASE(the_shape_goes_along) {
    scratch const           file;
    fresh<mt::model::llama> a;
    mt::export_gguf(a.model, file.path, plain);
    mt::io::gguf const f(file.path);
    auto const         s = mt::io::gguf_llama(f).shape();
    using want           = test::small_shape;
    BOOST_TEST((s.layers == want::layers && s.width == want::width && s.heads == want::heads && s.kv_heads == want::kv_heads));
    BOOST_TEST((s.ffn == want::ffn && s.vocab == want::vocab && s.context == 64 && s.tied && s.rope_base == 10'000));
    BOOST_TEST(s.norm_epsilon == want::norm_epsilon);
}
BOOST_AUTO_TEST_CASE(matrices_are_rounded_once_and_norms_not_at_all) {
    using type = mt::io::gguf_type;
    for (auto const kind : {type::f16, type::bf16, type::q8_0}) {
        scratch const           file;
        fresh<mt::model::llama> a, b(2);
        mt::export_gguf(a.model, file.path, plain, {.weights = kind});
        mt::io::gguf const f(file.path);
        BOOST_TEST(f.at("blk.1.ffn_up.weight").type == static_cast<std::uint32_t>(kind));
        BOOST_TEST(f.at("blk.1.ffn_norm.weight").type == 0u);
        // 48 columns are no whole number of blocks.
        BOOST_TEST(f.at("blk.1.ffn_down.weight").type == static_cast<std::uint32_t>(kind == type::q8_0 ? type::f16 : kind));
        b.model.load(mt::io::weight_files(file.path));
        auto const was = a.master(), is = b.master();
        for (std::size_t i = 0; i < was.size(); ++i) {
            // Weights of size 0.1: half a step of a half below 1 is 2^-12 of it, of bfloat16 2^-9, of Q8_0 the block's largest / 254
            // and as much again for the scale's rounding.
            double const most = kind == type::q8_0 ? 0.6 / 254 : std::abs(was[i]) * (kind == type::f16 ? 0x1p-11 : 0x1p-8) + 1e-7;
            BOOST_REQUIRE(std::abs(is[i] - was[i]) <= most);
        }
    }
}
BOOST_AUTO_TEST_CASE(positions_go_along_in_words_or_as_factors) {
    scratch const           file;
    fresh<mt::model::llama> a;
    mt::export_gguf(a.model, file.path, mt::yarn{.base = 10'000, .trained = 64, .extended = 256});
    {
        mt::io::gguf const f(file.path);
        BOOST_TEST(f.get<std::string_view>("llama.rope.scaling.type") == "yarn");
        BOOST_TEST(f.get<double>("llama.rope.scaling.factor") == 4.0);
        BOOST_TEST(f.get<std::int64_t>("llama.rope.scaling.original_context_length") == 64);
        BOOST_TEST(f.get<std::int64_t>("llama.context_length") == 256);
    }
    mt::llama3 const far{.base = 10'000, .trained = 64, .extended = 256, .factor = 8};
    mt::export_gguf(a.model, file.path, far);
    mt::io::gguf const f(file.path);
    std::vector<float> factors(4);
    f("rope_freqs.weight", 1, 4, factors);
    BOOST_TEST(factors[0] == 1.0f);   // a wave of six tokens is left alone
    BOOST_TEST(factors[3] == 8.0f);   // one of 6283 is stretched whole
    BOOST_TEST(!f.find("llama.rope.scaling.type"));
    BOOST_TEST(!mt::io::weight_files(file.path).has("rope_freqs.weight"));
}
BOOST_AUTO_TEST_CASE(a_tokenizer_goes_along) {
    scratch const                    file;
    fresh<mt::model::llama>          a;
    std::vector<std::string>         tokens{"a", "b", "ab", "<end>", "word"};
    mt::data::byte_level_bpe const   t({.tokens = tokens, .merges = {{"a", "b"}}, .added = {{3, true}, {4, false}}});
    mt::data::tokenizer_notes        notes;
    notes.end           = 3;
    notes.chat_template = "{{ x }}";
    mt::export_gguf(a.model, file.path, plain, {.tokenizer = &t, .notes = notes});
    mt::io::gguf const f(file.path);
    auto const         back = mt::data::read_tokenizer(f);
    BOOST_TEST(back.size() == 96u);  // filled up to the model's vocabulary
    BOOST_TEST((back.encode("ab<end>aword") == t.encode("ab<end>aword")));
    BOOST_TEST(back.parts().tokens[5] == "[PAD5]");
    auto const n = mt::data::read_tokenizer_notes(f);
    BOOST_TEST((n.end == 3 && n.begin == -1 && n.context == 64 && n.chat_template == "{{ x }}"));
    std::vector<std::string> many;
    for (int i = 0; i < 97; ++i) many.push_back(std::string(static_cast<std::size_t>(i + 1), 'a'));
    mt::data::byte_level_bpe const large({.tokens = many, .merges = {}, .added = {}});
    BOOST_TEST(refusal([&] { mt::export_gguf(a.model, file.path, plain, {.tokenizer = &large}); }).ends_with("97 tokens where the model has 96"));
}
BOOST_AUTO_TEST_CASE(how_words_are_cut_goes_along_by_name) {
    std::pair<char const*, char const*> const named[] = {{"gpt2", "gpt-2"}, {"smollm2", "smollm"}, {"llama3", "llama-bpe"}, {"qwen2", "qwen2"}};
    for (auto const& [golden, pre] : named) {
        std::string const from = std::string(MIDTRAIN_SOURCE_DIR) + "/tests/golden/words/" + golden + ".json";
#ifndef MIDTRAIN_WITH_PCRE2
        if (pre == std::string_view("llama-bpe") || pre == std::string_view("qwen2")) continue;  // such a tokenizer cannot be made then
#endif
        scratch const                          file;
        fresh<mt::model::llama, wide_shape>    a;
        auto const                             t = mt::data::read_tokenizer(from);
        mt::export_gguf(a.model, file.path, plain, {.tokenizer = &t});
        mt::io::gguf const f(file.path);
        BOOST_TEST(f.get<std::string_view>("tokenizer.ggml.pre") == pre);
        auto const back = mt::data::read_tokenizer(f);
        BOOST_TEST((back.parts().pattern == t.parts().pattern && back.parts().composed == t.parts().composed));
        BOOST_TEST((back.parts().whole_words_first == t.parts().whole_words_first && back.parts().single_digits == t.parts().single_digits));
        for (char const* text : {"It's 12345 o'clock,\r\n\r\n  and CAN'T be\tlater!", "e\u0301tude 3.14 \u4e2d\u6587  x"})
            BOOST_TEST((back.encode(text) == t.encode(text)), golden << ": " << text);
    }
    BOOST_TEST(mt::data::gguf_words({.tokens = {}, .merges = {}, .added = {}, .pattern = std::string(mt::data::llama3_pattern)}).empty());
    BOOST_TEST(mt::data::gguf_words({.tokens = {}, .merges = {}, .added = {}, .whole_words_first = true, .pattern = std::string(mt::data::llama3_pattern)}) == "llama-bpe");
    fresh<mt::model::llama>        a;
    mt::data::byte_level_bpe const own({.tokens = {"a", "b"}, .merges = {}, .added = {}, .whole_words_first = true});
    scratch const                  file;
    BOOST_TEST(refusal([&] { mt::export_gguf(a.model, file.path, plain, {.tokenizer = &own}); }).find("no name for how this tokenizer cuts words") != std::string::npos);
}
BOOST_AUTO_TEST_CASE(what_llama_cpp_has_no_words_for_is_refused) {
    scratch const                          file;
    fresh<mt::model::llama, window_shape> a;
    BOOST_TEST(refusal([&] { mt::export_gguf(a.model, file.path, plain); }).find("no sliding window") != std::string::npos);
    BOOST_TEST(!std::filesystem::exists(file.path));
}

BOOST_AUTO_TEST_SUITE_END()
