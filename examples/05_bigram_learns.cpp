// The shortest language model, made of the library's parts: a table that says, for each letter, what comes next.
//
// You will see its loss fall from log(8) = 2.08 to 1.21, and not below. The text is a chain of eight letters; after each one of them
// four may come, with chances 1/2, 1/4, 1/8 and 1/8, and the entropy of those is 1.75 bits = 1.213 nats. No model can do better.
#include <midtrain/midtrain.hpp>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace mt = midtrain;

constexpr mt::index_t letters = 8, count = 4096;  // kinds of letters; letters of text

/// w -= rate * g, for one weight: an element functor holds views and numbers, and the device calls it for each i.
struct descend {
    mt::row_view<float>       w;
    mt::row_view<float const> g;
    float                     rate;

    MT_HOST_DEVICE void operator()(mt::index_t i) const { w[i] -= rate * g[i]; }
};

/// The letter after `now`: the chances 1/2, 1/4, 1/8, 1/8 go to now + 1, now + 2, now + 3 and now + 5.
std::int32_t after(std::int32_t now, double draw) {
    return (now + (draw < 0.5 ? 1 : draw < 0.75 ? 2 : draw < 0.875 ? 3 : 5)) % static_cast<std::int32_t>(letters);
}

int main() {
    std::vector<std::int32_t> text{0};
    for (mt::index_t n = 0; n < count; ++n) text.push_back(after(text.back(), mt::random_stream{1, 1}.uniform(static_cast<std::uint64_t>(n))));
    mt::row_view<std::int32_t const> const inputs{text.data(), count}, targets{text.data() + 1, count};

    // A device makes memory and runs kernels. Kernels are the plain structs of midtrain/op/, filled with views.
    mt::host   device;
    auto const table    = device.make<float>(letters * letters), gradient = device.make<float>(letters * letters);
    auto const logits   = device.make<float>(count * letters), loss = device.make<float>(count);
    auto const matrix   = [](auto const& buffer, mt::index_t rows) { return mt::as_matrix(buffer.view().data, rows, letters); };

    // To sum gradients by letter without atomics, kernels want the places of each letter side by side.
    mt::index_sorter sort;
    auto const       by_letter = sort(inputs, letters);
    auto const       carried   = device.make<float>(mt::op::embedding_windows(count) * letters);

    double const targets_in_batch = count;
    for (int step = 0; step <= 200; ++step) {
        // Forward: each letter's row of the table is its logits. The loss kernel leaves the gradient where the logits were.
        device.rows(count, mt::op::embedding_forward<float>{matrix(table, letters), inputs, matrix(logits, count)});
        device.rows(count, mt::op::cross_entropy<float>{matrix(logits, count), targets, loss.view(), matrix(logits, count), &targets_in_batch, 1, 0});
        double total = 0;
        for (float x : loss.view()) total += static_cast<double>(x);
        if (step % 50 == 0) std::printf("step %3d  loss %.3f\n", step, total / count);

        // Backward, and a step down the slope.
        device.elements(letters * letters, mt::op::fill<float>{gradient.view(), 0});
        mt::op::add_embedding_gradient(device, mt::op::embedding_backward<float>{by_letter, inputs, matrix(logits, count), matrix(gradient, letters),
                                                                                 matrix(carried, mt::op::embedding_windows(count))});
        device.elements(letters * letters, descend{.w = table.view(), .g = gradient.view(), .rate = 8});
    }

    double sum = 0;
    for (mt::index_t next = 0; next < letters; ++next) sum += std::exp(static_cast<double>(table.view()[next]));
    std::printf("after letter 0 comes");
    for (mt::index_t next : {1, 2, 3, 5}) std::printf("  %d: %.2f", static_cast<int>(next), std::exp(static_cast<double>(table.view()[next])) / sum);
    std::printf("\n");
}
// Change next: let `after` look two letters back. The loss stays above the entropy, because a bigram sees one letter only; the next
// example's decoder would find it.
//
// expected output:
//   step   0  loss 2.079
// ~ step  50  loss 1\.2[34][0-9]
// ~ step 100  loss 1\.2[23][0-9]
// ~ step 150  loss 1\.2[12][0-9]
// ~ step 200  loss 1\.2[12][0-9]
// ~ after letter 0 comes  1: 0\.(49|50)  2: 0\.2[34]  3: 0\.1[34]  5: 0\.1[34]
