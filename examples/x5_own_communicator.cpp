// Your own communicator: what ranks say to each other goes through a handful of verbs, and you may bring yours.
//
// You will see what one optimizer step asks of the ranks: two sums. The first is the gradient, one float for each of the model's
// (padded) weights; then a tiny one, the losses by source. This communicator has one rank and writes down its traffic; yours may be a pair of
// sockets. With more ranks the gradient goes in buckets while backward still works, by sum_async, and a third sum asks who wants to stop.
#include <midtrain/midtrain.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace mt = midtrain;

// begin: ranks
/// One rank alone that counts. All other verbs, and their forms with a ticket, are those of mt::self.
struct counting_ranks : mt::self {
    std::vector<std::size_t> bytes;  // of each sum

    template <class T>
    void sum(mt::row_view<T> of_all) {
        bytes.push_back(static_cast<std::size_t>(of_all.size()) * sizeof(T));
        mt::self::sum(of_all);
    }
};
static_assert(mt::Communicator<counting_ranks>);
// end: ranks

struct small : mt::decoder_shape {
    static constexpr int layers = 1, width = 32, heads = 2, kv_heads = 2, ffn = 64, vocab = 128;
};
template <class T>
struct sources {
    T up, down;
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::sgd{},
                      .stages    = mt::stages{mt::stage{.name     = "brief",
                                                        .budget   = mt::tokens{4 * 2 * 16},
                                                        .mixture  = mt::fixed_mixture<sources>{.share = {.up = .5, .down = .5}},
                                                        .rate     = mt::constant{.peak = 1e-2},
                                                        .batch    = {.sequences = 2, .length = 16},
                                                        .position = mt::rope{.base = 1e4, .length = 16}}}};
}, small{});

struct counting_documents {
    int step;

    std::size_t               documents() const { return 10; }
    std::vector<std::int32_t> document(std::int64_t d) const {
        std::vector<std::int32_t> all;
        for (int i = 0; i < 30; ++i) all.push_back(static_cast<std::int32_t>((100 + 5 * d + step * i) % 127 + 1));
        return all;
    }
};

int main() {
    mt::host       device;
    counting_ranks ranks;
    mt::trainable<mt::host, mt::model::llama, small, mt::fp32> model{device, {}};
    model.initialise(1);
    mt::trainer trainer{ranks, model, recipe};
    trainer.run(sources<counting_documents>{.up{1}, .down{-1}});

    std::printf("%d weights; %d steps, %d sums\n", static_cast<int>(model.parameters().size()), static_cast<int>(trainer.state().step),
                static_cast<int>(ranks.bytes.size()));
    for (int n = 0; n < 2; ++n) std::printf("sum %d of a step: %zu bytes\n", n + 1, ranks.bytes[static_cast<std::size_t>(n)]);
}
// Change next: let sum() wait a millisecond for each megabyte and see how a slow network tells in the time of a step. Then give rank() and
// size() other answers: each rank trains on its own share of the very same batch.
//
// expected output:
//   14528 weights; 4 steps, 8 sums
//   sum 1 of a step: 58112 bytes
//   sum 2 of a step: 16 bytes
