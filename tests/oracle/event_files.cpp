// Writes a run that was stopped, went on and was rewound as TensorBoard's event files and as metrics: what event_files.py compares.
//   event_files OUTPUT
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/tensorboard.hpp>

namespace mt = midtrain;

namespace {

struct run {
    std::vector<std::string>  sources{"web", "maths & proofs"};
    std::vector<double>       weights, losses;
    std::vector<std::int64_t> targets, drawn;

    void steps(std::int64_t from, std::int64_t to, mt::metrics_file& metrics, mt::tensorboard& board) {
        for (auto n = from + 1; n <= to; ++n) {
            auto const x = static_cast<double>(n);
            weights = {0.9 - x / 100, 0.1 + x / 100}, losses = {3 / std::sqrt(x), 2 / x}, targets = {90, n % 3 ? 10 : 0}, drawn = {90 * n, 10 * n};
            mt::report r;
            r.stage = "anneal", r.step = n, r.at = {n, {100 * n}, {4000}, {100}};
            r.loss = 2.7 / std::sqrt(x), r.rate = 3e-4 / x, r.gradient_norm = n == 7 ? std::nan("") : 1 / x, r.seconds = 0.3;
            r.sources = sources, r.weights = weights, r.source_loss = losses, r.source_targets = targets, r.source_tokens = drawn;
            metrics(r), board(r);
        }
    }
};

}  // namespace

int main(int, char** argv) {
    std::string const folder = argv[1], file = folder + "/metrics.jsonl", board_folder = folder + "/board";
    std::filesystem::create_directories(folder);
    run r;
    {
        mt::metrics_file metrics(file);
        mt::tensorboard  board(board_folder);
        r.steps(0, 20, metrics, board);
    }
    mt::metrics_file metrics(file, 15);
    mt::tensorboard  board(board_folder, 15);
    r.steps(15, 30, metrics, board);
    metrics.rewind({"rewound", 25, 2500, "for the test"}), board.rewind(25);
    r.steps(25, 40, metrics, board);
    std::printf("%s\n", folder.c_str());
}
