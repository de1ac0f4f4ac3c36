// Several ranks: the same program started twice trains one model on two halves of each batch.
//
//     mpirun -n 2 ./10_ranks          (alone it is one rank: ./10_ranks)
//
// You will see the losses of one rank, however many there are: a step's batch is the same, each takes its share of the sequences, and the
// gradients become one while backward still works. Each rank keeps the optimizer's memory of its slices of the weights alone (ZeRO-1), so two
// keep about half each. Only the first one prints.
#include <midtrain/midtrain.hpp>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace mt = midtrain;

#ifdef MIDTRAIN_WITH_MPI  // as the CMake target midtrain::mpi has it
using communicator = mt::mpi;
#else
using communicator = mt::self;
#endif

struct small : mt::decoder_shape {
    static constexpr int layers = 2, width = 64, heads = 4, kv_heads = 2, ffn = 192, vocab = 128;
};
template <class T>
struct sources {
    T up, down;
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "brief",
                                                        .budget   = mt::tokens{40 * 8 * 32},
                                                        .mixture  = mt::fixed_mixture<sources>{.share = {.up = .5, .down = .5}},
                                                        .rate     = mt::wsd{.peak = 3e-3, .decay = mt::tokens{10 * 8 * 32}},
                                                        .batch    = {.sequences = 8, .length = 32, .micro = 2},
                                                        .position = mt::rope{.base = 1e4, .length = 32}}}};
}, small{});

struct counting_documents {
    int step;

    std::size_t               documents() const { return 20; }
    std::vector<std::int32_t> document(std::int64_t d) const {
        std::vector<std::int32_t> all;
        for (int i = 0; i < 30; ++i) all.push_back(static_cast<std::int32_t>((100 + 5 * d + step * i) % 127 + 1));
        return all;
    }
};

int main() {
    // begin: ranks
    communicator ranks;  // mt::mpi
    mt::host     device(1);
    mt::trainable<mt::host, mt::model::llama, small, mt::fp32> model{device, {}};
    model.initialise(1);
    mt::trainer trainer{ranks, model, recipe, mt::checkpoints{}, mt::rank_sharing{.shard = true, .bucket = 16'384}};
    // end: ranks

    bool const leads = ranks.rank() == 0;
    trainer.run(sources<counting_documents>{.up{1}, .down{-1}}, [&](mt::report const& r) {
        if (leads && r.step % 10 == 0) std::printf("step %lld: loss %.2f\n", static_cast<long long>(r.step), r.loss);
    });
    if (leads)
        std::printf("a rank of %d keeps %lld of the %lld numbers of adamw's memory\n", ranks.size(), static_cast<long long>(model.slots().size()),
                    static_cast<long long>(2 * model.parameters().size()));
}
// Change next: start four. Then give trainer a folder, mt::checkpoints{"run"}, stop it in the middle, and go on with another number of ranks.
//
// expected output:
//   step 10: loss 3.61
//   step 20: loss 2.55
//   step 30: loss 1.69
//   step 40: loss 1.32
// ~ a rank of (1 keeps 213632|2 keeps 107136) of the 213632 numbers of adamw's memory
