// SmolLM2-135M against transformers (tests/oracle/smollm2.py): logits and losses in fp32, and how far bf16 is from them.
//   test_smollm2_logits MODEL.gguf GOLDEN.safetensors     exit 77: there is no model
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/io/gguf.hpp>
#include <midtrain/io/gguf_llama.hpp>
#include <midtrain/io/safetensors.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/rotary_table.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;

namespace {

template <class T>
std::vector<T> values(mt::io::safetensors const& f, std::string const& name) {
    auto const&    t = f.at(name);
    std::vector<T> v(static_cast<std::size_t>(t.count()));
    std::memcpy(v.data(), t.bytes.data(), t.bytes.size());
    return v;
}

/// What differs between two programs, at its worst, over all texts.
struct apart {
    double logit = 0, top_logit = 0, log_sum_exp = 0, token_loss = 0;
    double loss = 0, their_loss = 0;  ///< sums over all tokens
    int    other_top = 0, positions = 0;

    double share() const { return std::abs(loss / their_loss - 1); }
};

template <class Model>
void compare(Model& m, mt::io::safetensors const& golden, std::string const& text, apart& worst) {
    auto const ids = values<std::int32_t>(golden, text + ".ids"), top = values<std::int32_t>(golden, text + ".top");
    auto const entries = values<std::int32_t>(golden, "entries");
    auto const loss = values<float>(golden, text + ".loss"), top_logit = values<float>(golden, text + ".top_logit");
    auto const sums = values<float>(golden, text + ".log_sum_exp"), some = values<float>(golden, text + ".logits");
    auto const n = ids.size(), vocab = static_cast<std::size_t>(m.shape().vocab), listed = some.size() / entries.size();

    test::owned_batch b(1, static_cast<mt::index_t>(n));
    b.inputs = ids;
    b.targets.assign(ids.begin() + 1, ids.end());
    b.targets.push_back(-1);
    std::vector<float> logits(n * vocab), by_token(n);
    m.logits(b.view(), mt::as_matrix(logits.data(), b.length, m.shape().vocab));
    m.evaluate(b.view(), {by_token.data(), b.length});

    auto const       larger = [](double& a, double x) { a = std::isnan(x) ? x : std::max(a, std::abs(x)); };
    std::vector<int> order(vocab);
    for (std::size_t t = 0; t < n; ++t) {
        float const* row = logits.data() + t * vocab;
        std::iota(order.begin(), order.end(), 0);
        std::partial_sort(order.begin(), order.begin() + 5, order.end(), [&](int i, int j) { return row[i] > row[j]; });
        bool same = true;
        for (std::size_t k = 0; k < 5; ++k) {
            same = same && order[k] == top[5 * t + k];
            larger(worst.top_logit, row[top[5 * t + k]] - top_logit[5 * t + k]);
        }
        worst.other_top += !same;
        double sum = 0;
        for (std::size_t v = 0; v < vocab; ++v) sum += std::exp(static_cast<double>(row[v] - row[order[0]]));
        larger(worst.log_sum_exp, std::log(sum) + row[order[0]] - sums[t]);
        if (t + 1 < n) larger(worst.token_loss, by_token[t] - loss[t]);
        if (t + listed < n) continue;
        for (std::size_t e = 0; e < entries.size(); ++e) larger(worst.logit, row[entries[e]] - some[(t + listed - n) * entries.size() + e]);
    }
    worst.loss += std::accumulate(by_token.begin(), by_token.end() - 1, 0.0);
    worst.their_loss += std::accumulate(loss.begin(), loss.end(), 0.0);
    worst.positions += static_cast<int>(n);
}

template <class Precision>
apart run(mt::io::gguf_llama const& weights, mt::io::safetensors const& golden) {
    mt::host device;
    mt::trainable<mt::host, mt::model::llama, mt::io::hf_config, Precision> m(device, weights.shape());
    m.load(weights);
    auto const base = weights.shape().rope_base;
    m.set_rotary(256, mt::rope{.base = base, .length = 256});
    apart worst;
    for (int text = 0; text < 5; ++text) compare(m, golden, std::to_string(text), worst);
    std::printf("%s: %d positions; apart at most: logits %.2e, top-5 logits %.2e, log-sum-exp %.2e, loss of a token %.2e; "
                "mean loss %.3f %%; other top-5 at %d positions\n",
                Precision::name, worst.positions, worst.logit, worst.top_logit, worst.log_sum_exp, worst.token_loss, 100 * worst.share(),
                worst.other_top);
    return worst;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return std::fputs("usage: test_smollm2_logits MODEL.gguf GOLDEN.safetensors\n", stderr), 2;
    if (!std::filesystem::exists(argv[1])) {
        std::printf("%s is not there: skipped; examples/mid_train/fetch.py brings it\n", argv[1]);
        return 77;
    }
    try {
        mt::io::gguf const        file(argv[1]);
        mt::io::gguf_llama const  weights(file);
        mt::io::safetensors const golden(argv[2]);
        // 30 layers of fp32 in another order: a few units in the fifth digit of logits of size 20.
        auto const f    = run<mt::fp32>(weights, golden);
        bool const same = f.logit < 2e-3 && f.top_logit < 2e-3 && f.log_sum_exp < 2e-3 && f.token_loss < 2e-3 && f.other_top == 0;
        // bf16 keeps eight bits; the errors of 30 layers move single logits by one, and leave the mean loss where it was. (Transformers'
        // own bf16 is up to 1.7 from its fp32 on these texts, and has another top-5 at 96 positions.)
        auto const h    = run<mt::bf16_mixed>(weights, golden);
        bool const near = h.share() < 5e-3;
        std::printf("fp32 %s, bf16 %s\n", same ? "equals transformers" : "DIFFERS from transformers", near ? "is near" : "is NOT near");
        return same && near ? 0 : 1;
    } catch (mt::error const& e) {
        return std::fprintf(stderr, "%s\n", e.what()), 1;
    }
}
