// midtrain fit RUN...: the law of what annealing gains, from the loss curves of runs.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/decay_law.hpp>
#include <midtrain/train/decay_law_chart.hpp>
#include <midtrain/train/run_curve.hpp>
#include <midtrain/train/run_folder.hpp>
#include "commands.hpp"

namespace program {

void add_fit(CLI::App& program) {
    namespace mt = midtrain;
    struct options {
        std::vector<std::string> runs;
        std::string              source, out;
        mt::decay_law_options    how{};
    };
    auto const o = std::make_shared<options>();
    auto const c = program.add_subcommand("fit", "Fit the law of annealing to the losses of runs, and foretell what longer decays would give");
    c->add_option("runs", o->runs, "folders of runs with one batch size, best with different schedules")->required();
    c->add_option("--source", o->source, "whose training loss; none: of all");
    c->add_option("--memory", o->how.memory, "the law's lambda, of a step")->capture_default_str();
    c->add_option("--skip", o->how.skipped, "steps at each run's start that are left out")->capture_default_str();
    c->add_option("--out", o->out, "a picture (.svg)");
    c->callback([=] {
        std::vector<mt::rated_curve> curves;
        for (auto const& r : mt::read_runs(o->runs)) curves.push_back(mt::curve_of(r, o->source));
        auto const fit = mt::fit_decay_law(curves, o->how);
        std::printf("loss = L0 + A S1^-alpha - C S2 over %zu points, %.2f %% off\n", fit.points, 100 * fit.deviation);
        std::printf("  L0    %10.4f +- %.4f\n  A     %10.4g +- %.2g\n  alpha %10.4f +- %.4f\n  C     %10.4g +- %.2g\n", fit.law.floor, fit.error.floor,
                    fit.law.scale, fit.error.scale, fit.law.power, fit.error.power, fit.law.gain, fit.error.gain);
        std::int64_t steps = 0;
        double       peak  = 0;
        for (auto const& curve : curves) {
            steps = std::max(steps, static_cast<std::int64_t>(curve.rates.size()));
            for (double r : curve.rates) peak = std::max(peak, r);
        }
        std::printf("after %lld steps at %.2e, of which a share decays to zero in a straight line:\n", static_cast<long long>(steps), peak);
        for (double share : {0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0})
            std::printf("  %3.0f %%  loss %.4f\n", 100 * share, mt::loss_after_decay(fit.law, peak, steps, share));
        if (o->out.empty()) return;
        mt::io::write_whole(o->out, mt::chart::draw_decay_law(curves, fit));
        std::printf("%s\n", o->out.c_str());
    });
}

}  // namespace program
