#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <midtrain/core/types.hpp>
#include <midtrain/train/plan.hpp>
#include <midtrain/train/report.hpp>
#include <midtrain/train/run_state.hpp>
#include <midtrain/train/step.hpp>
#include <midtrain/train/step_watcher.hpp>

namespace midtrain::inline MT_ABI {

/// Tells of the steps of a run what its observers hear: counts by source within the stage, and the time that is left.
class step_reporter {
  public:
    /// A stage begins, or goes on after what `s` remembers; its sequences have `length` tokens.
    void begin(run_state const& s, run_plan const& plan, int stage, index_t length) {
        source_tokens_.resize(s.sources.size());
        source_epochs_.resize(s.sources.size());
        length_ = length;
        stage_ = stage;
        count_ = static_cast<int>(plan.stages.size());
    }

    /// Of the step that `s` has just done, with the weights by source that were in force. Spans and views point here, into `s`, `of` and the stage.
    template <class Stage>
    report make(Stage const& stage, run_state const& s, run_plan const& plan, step_result const& of, std::span<double const> weights,
                step_watcher const& watcher) {
        for (std::size_t i = 0; i < source_epochs_.size(); ++i) source_epochs_[i] = s.epochs(i);
        for (std::size_t i = 0; i < source_tokens_.size(); ++i) source_tokens_[i] = s.drawn.drawn[i] * length_;
        report r;
        r.stage = stage.name, r.stage_number = stage_ + 1, r.stage_count = count_;
        r.step = s.step, r.at = stage.at(s.step_in_stage);
        if (s.step_in_stage > 0) r.at.batch = stage.at(s.step_in_stage - 1).batch;
        r.loss = of.loss, r.gradient_norm = of.gradient_norm;
        r.seconds = watcher.seconds(), r.phases = watcher.phases();
        r.seconds_left = seconds_left(plan, r.at.seen.count, r.at.batch.count, r.seconds);
        r.sources = s.sources, r.weights = weights, r.source_loss = of.source_loss;
        r.source_targets = of.source_targets, r.source_tokens = source_tokens_, r.source_epochs = source_epochs_;
        r.routers = of.routers, r.router_loads = of.router_loads, r.mtp_losses = of.mtp_losses;
        return r;
    }

  private:
    /// At the speed so far, by what a token costs in each stage; `done`: tokens of this stage, `batch`: of the step that took `seconds`.
    double seconds_left(run_plan const& plan, std::int64_t done, std::int64_t batch, double seconds) {
        auto const  here = static_cast<std::size_t>(stage_);
        auto const& p    = plan.stages[here];
        spent_ += seconds;
        cost_spent_ += p.cost * static_cast<double>(batch);
        double left = p.cost * static_cast<double>(p.tokens - done);
        for (std::size_t k = here + 1; k < plan.stages.size(); ++k)
            left += plan.stages[k].cost * static_cast<double>(plan.stages[k].tokens);
        return left * spent_ / cost_spent_;
    }

    int                       stage_ = 0, count_ = 1;
    double                    spent_ = 0, cost_spent_ = 0;  // seconds, and what the plan says that they were for
    std::vector<std::int64_t> source_tokens_, source_epochs_;
    index_t                   length_ = 0;
};

}  // namespace midtrain::inline MT_ABI
