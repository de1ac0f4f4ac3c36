// The main job: a real pretrained model mid-trains on real text, on a plain CPU. See examples/mid_train/run, which calls this.
//
//   mid_train --cache FOLDER --work FOLDER [--minutes 10 | --full yes] [--precision auto|fp32|bf16] [--set stage.field=value]... [--dry-run]
#include <cstdlib>
#include "programs.hpp"

namespace {

int run(int argc, char** argv) {
    using namespace quick_start;
    course c;
    c.settings = mt::settings(argc, argv, {"--cache", "--work", "--minutes", "--full", "--precision"});
    c.cache    = c.settings.value("--cache", ".cache");
    c.work     = c.settings.value("--work", "build/run/quick");
    c.full     = c.settings.value("--full", "no") == "yes";
    auto const minutes = c.settings.value("--minutes", "10");
    mt::check(mt::detail::read_value(minutes, c.minutes) && c.minutes >= 1, [&] { return "--minutes " + minutes + ": a number of minutes, at least 1"; });
    auto const path = c.cache + "/model/SmolLM2-135M-Instruct.Q4_1.gguf";
    if (!std::filesystem::exists(path)) {
        std::printf("There is no %s; a small model pretrained on the spot takes its place.\n", path.c_str());
        std::filesystem::create_directories(c.work);
        return run_own(std::move(c));
    }
    mt::io::gguf const model(path);
    auto               precision = c.settings.value("--precision", "auto");
    mt::check(precision == "auto" || precision == "fp32" || precision == "bf16", [&] { return "--precision " + precision + ": auto, fp32 or bf16"; });
    if (precision == "auto") {
        mt::host   device;
        auto const rates = mt::probe_products(device);
        precision        = rates.prefer_bf16() ? "bf16" : "fp32";
        std::printf("matrix products here: %.0f GF/s in fp32, %.0f in bf16; training in %s\n", rates.fp32 / 1e9, rates.bf16 / 1e9, precision.c_str());
    }
    std::printf("model: SmolLM2-135M-Instruct, an instruction-tuned model whose weights were quantised to four bits\n");
    return precision == "bf16" ? run_smollm2_bf16(std::move(c), model) : run_smollm2_fp32(std::move(c), model);
}

}  // namespace

int main(int argc, char** argv) try {
    return run(argc, argv);
} catch (quick_start::interrupted const&) {
    std::printf("\nstopped and saved; the same command goes on from here\n");
    return 0;
} catch (midtrain::error const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
}
