// A whole decoder: Llama's architecture in 29 thousand parameters, trained until it knows a sentence by heart.
//
// You will see the loss begin near log(128) = 4.85, which is what guessing costs, and end near zero. Then the model is given the first
// three letters and writes the rest itself.
#include <midtrain/midtrain.hpp>
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

namespace mt = midtrain;

// Tokens are ASCII codes: a vocabulary of 128.
struct tiny : mt::decoder_shape {
    static constexpr int layers = 2, width = 32, heads = 2, kv_heads = 1, ffn = 96, vocab = 128;
};

std::string const sentence = "Decay the rate, shift the data, stretch the context: that is mid-training.";

/// One sequence that predicts, at each of its tokens, the one after it.
struct sequence {
    std::vector<std::int32_t> tokens, positions, begin;

    explicit sequence(std::string const& s) : tokens(s.begin(), s.end()), positions(s.size()), begin(s.size(), 0) {
        std::iota(positions.begin(), positions.end(), 0);
    }
    mt::token_batch batch() const {
        auto const n = static_cast<mt::index_t>(tokens.size()) - 1;
        return {.inputs = {tokens.data(), n}, .targets = {tokens.data() + 1, n}, .positions = {positions.data(), n},
                .document_begin = {begin.data(), n}, .sequences = 1, .length = n, .target_count = static_cast<double>(n)};
    }
};

using model_type = mt::trainable<mt::host, mt::model::llama, tiny, mt::fp32>;

/// The likeliest next letter.
char next(model_type& model, std::string const& text) {
    sequence const     s(text + ' ');  // its last token is nobody's input
    auto const         n = static_cast<mt::index_t>(text.size());
    std::vector<float> logits(static_cast<std::size_t>(n * tiny::vocab));
    model.logits(s.batch(), mt::as_matrix(logits.data(), n, tiny::vocab));
    auto const last = logits.end() - tiny::vocab;
    return static_cast<char>(std::max_element(last, logits.end()) - last);
}

int main() {
    mt::host   device;
    model_type model(device, tiny{});
    model.initialise(/*seed*/ 1);
    model.set_rotary(128, mt::rope{.base = tiny::rope_base, .length = 128});
    mt::adamw const optimizer{.decay = 0};
    model.prepare(optimizer);

    sequence const     lesson(sentence);
    auto const         batch = lesson.batch();
    std::vector<float> loss(static_cast<std::size_t>(batch.count()));
    auto const         mean = [&] { return std::accumulate(loss.begin(), loss.end(), 0.0) / batch.target_count; };
    for (int step = 1; step <= 150; ++step) {
        model.zero_gradient();
        model.accumulate(batch, {loss.data(), batch.count()});  // forward and backward
        if (step == 1 || step % 50 == 0) std::printf("step %3d  loss %.2f\n", step, mean());
        model.apply(optimizer, {.rate = 5e-3, .step = step});
    }

    std::string text = sentence.substr(0, 3);
    while (text.size() < sentence.size()) text += next(model, text);
    std::printf("%s\n", text.c_str());
}
// Change next: mt::model::gpt2 instead of llama (and context = 128 in the shape, since it learns its positions), or another sentence.
//
// expected output:
//   step   1  loss 4.84
// ~ step  50  loss [01]\.[0-9]+
// ~ step 100  loss 0\.[0-9]+
// ~ step 150  loss 0\.0[0-9]
//   Decay the rate, shift the data, stretch the context: that is mid-training.
