// compiled FOLDER: a run as a program states it. Makes the model's config.json and token files in FOLDER, trains, and saves under
// FOLDER/compiled. program.py then has the ready program do what run.toml says of the same run, and compares the bits.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>
#include <midtrain/io/hf_config_writer.hpp>
#include <midtrain/midtrain.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace {

struct small : mt::decoder_shape {
    static constexpr int    layers = 2, width = 32, heads = 4, kv_heads = 2, ffn = 48, vocab = 96, context = 64, end_token = 95, head_size = 12;
    static constexpr bool   qk_norm   = true;  // which makes it a Qwen3
    static constexpr double deviation = 0.1;
};

template <class T>
struct sources {
    T slow, fast;
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{
        .optimizer = mt::adamw{.beta2 = 0.98, .decay = 0.05},
        .stages    = mt::stages{mt::stage{.name     = "first",
                                          .budget   = 24 * 128_tok,
                                          .mixture  = mt::annealed_mixture<sources>{.from = {.slow = .9, .fast = .1}, .to = {.slow = .2, .fast = .8}},
                                          .rate     = mt::wsd{.peak = 3e-3, .decay = 1024_tok, .warmup = 512_tok, .from = mt::annealing::warmup_from::one_batch},
                                          .batch    = {.sequences = 4, .length = 32, .micro = 2},
                                          .position = mt::rope{.base = 1e4, .length = 64}},
                                mt::stage{.name     = "second",
                                          .budget   = 16 * 128_tok,
                                          .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                          .rate     = mt::then{.first = mt::constant{1e-3}, .until = 512_tok, .second = mt::cosine{.from = 1e-3, .to = 1e-5}},
                                          .batch    = {.sequences = 2, .length = 64},
                                          .position = mt::yarn{.base = 1e4, .trained = 32, .extended = 64}}},
        .clip = 0.5,
        .seed = 7};
}, small{});

void write_tokens(std::string const& path, int stride) {
    mt::data::token_file_writer file(path, small::vocab, 0);
    for (int d = 0; d < 40; ++d) {
        std::vector<std::int32_t> document;
        for (int i = 0; i < 25; ++i) document.push_back((7 * d + stride * i) % 90);
        file.add(document);
    }
    file.finish();
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 2) return std::fputs("usage: compiled FOLDER\n", stderr), 2;
    std::string const in = std::string(argv[1]) + "/";
    std::filesystem::create_directories(in + "model");
    mt::rope const positions{.base = 1e4, .length = 64};
    mt::io::write_whole(in + "model/config.json", mt::io::written(mt::io::hf_config_json(mt::io::hf_family::qwen3, small{}, mt::io::hf_rotary_of(positions, 12),
                                                                                           {.end = small::end_token}, "float32"), 2));
    write_tokens(in + "slow.tok", 1), write_tokens(in + "fast.tok", 3);
    mt::host                                                      device(2);
    mt::self                                                      ranks;
    mt::trainable<mt::host, mt::model::llama, small, mt::fp32> model(device, {});
    model.initialise(7);
    mt::trainer trainer(ranks, model, recipe, mt::checkpoints(mt::checkpoints::options{.folder = in + "compiled"}));
    trainer.run(sources<mt::data::token_file>{mt::data::token_file(in + "slow.tok"), mt::data::token_file(in + "fast.tok")});
} catch (mt::error const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
}
