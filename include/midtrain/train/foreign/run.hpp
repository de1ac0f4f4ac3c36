#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/any_position.hpp>

// Runs of other trainers, read from their configurations and judged as ours are.
namespace midtrain::inline MT_ABI::foreign {

/// How much a finding matters: our rules would refuse the run; it likely does what nobody meant; good to know.
enum class severity { refused, warning, note };

/// Something about a foreign run, in a sentence, and the field of its configuration that says so.
struct finding {
    severity    how = severity::note;
    std::string sentence, field;
};

struct source {
    std::string name;        ///< as the configuration has it
    double      weight = 0;  ///< as given, not yet divided by the sum
    double      epochs = 0;  ///< that it may be repeated; 0: not said
};

/// What the configuration leaves open and only who runs it knows.
struct options {
    std::int64_t  steps  = 0;                   ///< where the file counts in epochs
    std::int64_t  length = 0;                   ///< of a sequence, where the file does not say
    std::int64_t  ranks  = 1;                   ///< data-parallel ones, where a batch is given for each
    std::optional<position::any_position> trained{};  ///< where the positions of the model that it starts from know to turn
};

/// A run in our words.
struct run {
    std::string              trainer, path;
    std::int64_t             steps = 0, sequences = 1, length = 0;  ///< length 0: not known, a sequence counts as one token
    any_annealing            rate{};
    double                   peak = 0;
    tokens                   horizon{}, warmup{};         ///< of the schedule
    annealing::warmup_from   first_step = annealing::warmup_from::zero;
    adamw                    optimizer{};
    double                   clip = 1, z_loss = 0;
    std::uint64_t            seed = 1;
    bool                     decays_embeddings = true, decays_norms = false;
    bool                     goes_on = false;             ///< from weights that exist
    std::optional<position::any_position> position{};     ///< none: not said
    std::vector<source>      sources{};
    std::vector<finding>     findings{};

    tokens   batch() const { return {sequences * (length > 0 ? length : 1)}; }
    progress at(std::int64_t step) const { return {step, step * batch(), steps * batch(), batch()}; }
    double   rate_of(std::int64_t step) const { return rate.rate(at(step)); }

    void find(severity how, std::string sentence, std::string field) { findings.push_back({how, std::move(sentence), std::move(field)}); }
};

}  // namespace midtrain::inline MT_ABI::foreign
