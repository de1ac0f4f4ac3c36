#pragma once
#include <cstdint>
#include <midtrain/core/seconds_now.hpp>
#include <midtrain/train/report.hpp>
#include <midtrain/train/step.hpp>
#include <midtrain/train/watchdog.hpp>

namespace midtrain::inline MT_ABI {

/// Measures what the steps of a run spend their time on, and tells a watchdog how they get on.
class step_watcher {
  public:
    watchdog* dog = nullptr;  ///< none: nobody is told

    void begin(std::int64_t step) {
        // What was saved or evaluated between two steps counts for the later one.
        phases_            = {};
        phases_.checkpoint = saved_;
        phases_.evaluation = evaluated_;
        saved_ = evaluated_ = 0;
        began_ = since_ = seconds_now();
        at_             = step_phase::data;
        if (dog) dog->begin(step), dog->enter(at_);
    }
    void enter(step_phase p) {
        pass();
        at_ = p;
        if (dog) dog->enter(p);
    }
    void end() {
        pass();
        seconds_ = since_ - began_;
        if (dog) dog->end();
    }
    /// Between two steps.
    template <class Save>
    void saving(std::int64_t step, Save&& save) {
        double const start = seconds_now();
        if (dog) dog->begin(step), dog->enter(step_phase::checkpoint);
        save();
        if (dog) dog->leave();
        saved_ += since(start);
    }
    /// Between two steps: the observers hear of the one just done. What takes a millisecond or more is no line of a file but an evaluation.
    template <class Tell>
    void telling(Tell&& tell) {
        double const start = seconds_now();
        tell();
        if (double const took = since(start); took >= 1e-3) evaluated_ += took;
    }

    double             seconds() const { return seconds_; }  ///< of the last step
    step_phases const& phases() const { return phases_; }

  private:
    static double since(double start) { return seconds_now() - start; }
    void pass() {
        double const now  = seconds_now();
        double const past = now - since_;
        since_            = now;
        (at_ == step_phase::data ? phases_.data : at_ == step_phase::update ? phases_.update : phases_.compute) += past;
    }

    double            began_ = 0, since_ = 0;
    step_phase        at_ = step_phase::data;
    step_phases       phases_;
    double            seconds_ = 0, saved_ = 0, evaluated_ = 0;
};

}  // namespace midtrain::inline MT_ABI
