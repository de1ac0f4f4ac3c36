// tiny_run FOLDER: 40 steps of a tiny model in two stages, a checkpoint after each; ends with the checksum of its weights.
// kill.py stops it in the middle, again and again.
#include <chrono>
#include <cstdio>
#include <span>
#include <thread>
#include <vector>
#include <midtrain/midtrain.hpp>
#include <support/small_models.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace {

struct counting_documents {
    int         stride;
    std::size_t documents() const { return 40; }
    std::vector<std::int32_t> document(std::int64_t d) const {
        std::vector<std::int32_t> v;
        for (int i = 0; i < 25; ++i) v.push_back(static_cast<std::int32_t>((7 * d + stride * i) % 90));
        return v;
    }
};

template <class T>
struct sources {
    T slow, fast;
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{
        .optimizer = mt::adamw{},
        .stages    = mt::stages{mt::stage{.name     = "first",
                                          .budget   = mt::tokens{24 * 4 * 32},
                                          .mixture  = mt::annealed_mixture<sources>{.from = {.slow = .9, .fast = .1}, .to = {.slow = .2, .fast = .8}},
                                          .rate     = mt::wsd{.peak = 3e-3, .decay = mt::tokens{8 * 4 * 32}, .warmup = mt::tokens{4 * 4 * 32}},
                                          .batch    = {.sequences = 4, .length = 32, .micro = 2},
                                          .position = mt::rope{.base = 1e4, .length = 64}},
                                mt::stage{.name     = "second",
                                          .budget   = mt::tokens{16 * 2 * 64},
                                          .mixture  = mt::fixed_mixture<sources>{.share = {.slow = .5, .fast = .5}},
                                          .rate     = mt::linear{.from = 1e-3, .to = 0},
                                          .batch    = {.sequences = 2, .length = 64},
                                          .position = mt::yarn{.base = 1e4, .trained = 32, .extended = 64}}}};
}, test::small_shape{});

}  // namespace

int main(int argc, char** argv) try {
    mt::settings const settings(argc, argv, {"--folder"});
    mt::host           device(2);
    mt::self           ranks;
    mt::trainable<mt::host, mt::model::llama, test::small_shape, mt::fp32> model(device, {});
    model.initialise(1);
    mt::trainer trainer(ranks, model, recipe.with(settings), mt::checkpoints(mt::checkpoints::options{.folder = settings.value("--folder", "run"), .every_steps = 1}));
    std::printf("%s at step %lld\n", trainer.resumed() ? "resumed" : "began", static_cast<long long>(trainer.state().step));
    std::fflush(stdout);
    auto const end = trainer.run(sources<counting_documents>{.slow{1}, .fast{3}},
                                 [](mt::report const&) { std::this_thread::sleep_for(std::chrono::milliseconds(5)); });
    if (end == mt::outcome::interrupted) {
        std::printf("interrupted at step %lld; run again to go on\n", static_cast<long long>(trainer.state().step));
        return 0;
    }
    mt::checksum sum;
    sum.add(std::as_bytes(std::span(model.master().data, static_cast<std::size_t>(model.master().size()))));
    sum.add(std::as_bytes(std::span(trainer.state().record)));
    std::printf("finished at step %lld with %s\n", static_cast<long long>(trainer.state().step), sum.text().c_str());
} catch (mt::error const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
}
