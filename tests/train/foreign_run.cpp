#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/core/blank.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/io/toml_writer.hpp>
#include <midtrain/train/foreign/lint.hpp>
#include <midtrain/train/foreign/megatron_arguments.hpp>
#include <midtrain/train/foreign/read.hpp>
#include <midtrain/train/foreign/written.hpp>
#include <midtrain/train/read_fields.hpp>

namespace mt = midtrain;
using mt::foreign::severity;

namespace {

mt::foreign::run judged(std::string_view text, mt::foreign::options const& o = {}) {
    auto r = mt::foreign::read_run(text, "run", o);
    mt::foreign::lint(r, o);
    return r;
}
/// Whether something of that weight was found whose sentence has these words.
bool found(mt::foreign::run const& r, severity how, std::string_view words) {
    return std::any_of(r.findings.begin(), r.findings.end(), [&](auto const& f) { return f.how == how && f.sentence.find(words) != std::string::npos; });
}
std::string all_of(mt::foreign::run const& r) {
    std::string s;
    for (auto const& f : r.findings) s += f.sentence + " (" + f.field + ")\n";
    return s;
}
std::string refusal(std::string_view text, mt::foreign::options const& o = {}) {
    try {
        (void)mt::foreign::read_run(text, "run", o);
    } catch (mt::error const& e) {
        return e.what();
    }
    return "";
}

std::string const megatron = "--lr 3e-4 --train-iters 1000 --global-batch-size 64 --seq-length 4096 --clip-grad 1.0 ";
/// OLMo-core's, with something in its parts.
std::string olmo(std::string const& scheduler, std::string const& trainer = "", std::string const& dataset = "", std::string const& optim = "") {
    return R"({"train_module": {"max_grad_norm": 1.0, "optim": {"_CLASS_": "olmo_core.optim.adamw.SkipStepAdamWConfig", "lr": 3e-4, "betas": [0.9, 0.95], "weight_decay": 0.1)" + optim +
           R"(}, "scheduler": {"_CLASS_": "olmo_core.optim.scheduler.)" + scheduler + R"(}}, "data_loader": {"global_batch_size": 262144},
             "dataset": {"sequence_length": 4096)" + dataset + R"(}, "trainer": {"max_duration": {"value": 1000, "unit": "steps"})" + trainer + "}}";
}
std::string trainer(std::string const& more) {
    return R"({"learning_rate": 3e-4, "max_steps": 1000, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 8, "adam_beta2": 0.95)" + more + "}";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(foreign_run)

// What is written as a run file is read back as a stage with the same rate, to the bit, in every step of every golden case.
BOOST_AUTO_TEST_CASE(a_run_file_of_ours_has_the_same_rates) {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/foreign_rates.json");
    auto const all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    int        compared = 0;
    for (auto const& c : *all.find("cases")->as<mt::io::json::array>()) {
        auto const& config = *c.find("config");
        auto const  r      = mt::foreign::read_run(config.as<std::string>() ? *config.as<std::string>() : mt::io::written(config), "run", {.length = 64});
        auto const  tree   = mt::io::parse_json(mt::io::written(mt::foreign::as_run_tree(r)), "tree");
        auto const& stage  = (*tree.find("stage")->as<mt::io::json::array>())[0];
        auto again = mt::blank<mt::foreign::stage_form>();
        mt::read_fields(stage, "tree", again, {"data"});
        BOOST_TEST_CONTEXT(*c.find("name")->as<std::string>()) {
            BOOST_TEST(again.steps() == r.steps);
            bool same = true;
            for (std::int64_t s = 0; s < r.steps; ++s) same &= again.rate.rate(again.at(s)) == r.rate_of(s);
            BOOST_TEST(same);
        }
        ++compared;
    }
    BOOST_TEST(compared == 67);
}

BOOST_AUTO_TEST_CASE(a_script_is_words) {
    auto const a = mt::foreign::read_arguments("#!/bin/sh\n# --lr 1\nARGS=(\n  --lr 3e-4 \\\n  --bf16 --data-path 0.3 \"a b\" 0.7 'c'\n  --min-lr=1e-5)\n");
    BOOST_TEST(mt::io::written(a) == R"({"bf16":true,"data_path":["0.3","a b","0.7","c"],"lr":"3e-4","min_lr":"1e-5"})");
}

BOOST_AUTO_TEST_CASE(a_good_run_of_each_trainer_is_not_refused) {
    auto const m = judged(megatron + "--lr-decay-style cosine --lr-warmup-iters 50 --min-lr 3e-5 --adam-beta2 0.95 --use-rotary-position-embeddings "
                                     "--rotary-base 500000 --max-position-embeddings 4096 --data-path 0.25 data/Web 0.75 data/code");
    BOOST_TEST(m.sequences == 64);
    BOOST_TEST(m.at(m.steps).seen.count == 1000 * 64 * 4096);
    BOOST_TEST(m.sources.size() == 2u);
    BOOST_TEST(m.sources[1].weight == 0.75);
    BOOST_TEST(m.position->kind() == "rope");
    BOOST_TEST(all_of(m) == "the first step has a rate of zero and changes nothing: step s of W has s / W of the peak (warm-up)\n");
    auto const o = judged(olmo(R"(CosWithWarmup", "warmup": 50)", "", "", R"(, "group_overrides": [{"params": ["embeddings.weight"], "opts": {"weight_decay": 0.0}}])"));
    BOOST_TEST(o.sequences == 64);
    BOOST_TEST(found(o, severity::note, "(s + 1) / W"));
    BOOST_TEST(found(o, severity::note, "embeddings do not decay there"));
    BOOST_TEST(found(o, severity::warning, "weight decay pulls at norms"));
    auto const h = judged(trainer(R"(, "lr_scheduler_type": "cosine", "warmup_ratio": 0.05)"), {.length = 2048, .ranks = 2});
    BOOST_TEST(h.sequences == 64);
    BOOST_TEST(h.warmup.count == 50 * 64 * 2048);
    for (auto const* r : {&m, &o, &h})
        for (auto const& f : r->findings) BOOST_TEST((f.how != severity::refused), f.sentence);
}

BOOST_AUTO_TEST_CASE(what_our_rules_refuse_is_found) {
    auto const refused = [](mt::foreign::run const& r, std::string_view words) { BOOST_TEST(found(r, severity::refused, words), words << " is not among\n" << all_of(r)); };
    refused(judged(megatron + "--lr-warmup-iters 1000"), "the warm-up is not shorter than the schedule");
    refused(judged(megatron + "--min-lr 1e-3"), "min_lr is above lr");
    refused(judged(megatron + "--lr-decay-style WSD"), "WSD needs the length of its decay");
    refused(judged(megatron + "--lr-warmup-samples 10"), "the run counts in iters and this in samples");
    refused(judged(megatron + "--data-path 0.3 a 0.6 b"), "the weights of the mixture do not sum to one");
    refused(judged(megatron + "--data-path -0.1 a 1.1 b"), "a weight of the mixture is negative");
    refused(judged(megatron + "--use-rotary-position-embeddings --max-position-embeddings 2048"), "the sequences are longer than the positions reach");
    refused(judged(megatron + "--lr-warmup-iters 2000 --lr-decay-iters 3000"), "the warm-up takes 2000 steps where the run has 1000");
    refused(judged(olmo(R"(WSD", "warmup": 600, "decay": 600, "decay_fraction": null)")), "warm-up and decay do not fit");
    refused(judged(trainer(R"(, "lr_scheduler_type": "warmup_stable_decay", "warmup_steps": 600, "lr_scheduler_kwargs": {"num_decay_steps": 600})")),
            "warm-up and decay take more steps than there are");
    refused(judged(R"({"learning_rate": 0, "max_steps": 10})", {.length = 8}), "the rate is zero all along");
}

BOOST_AUTO_TEST_CASE(known_traps_are_found) {
    auto const warned = [](mt::foreign::run const& r, std::string_view words) { BOOST_TEST(found(r, severity::warning, words), words << " is not among\n" << all_of(r)); };
    warned(judged(megatron + "--lr-decay-style cosine --lr-decay-iters 4000"), "the schedule is made for 4000 steps and the run ends after 1000");
    warned(judged(megatron + "--lr-decay-style cosine --lr-decay-iters 400 --min-lr 1e-5"), "the schedule ends after 400 of 1000 steps; the rest runs at 1e-05");
    warned(judged(megatron + "--load base --finetune --lr-warmup-iters 50"), "is warmed up from 0 again");
    warned(judged(megatron + "--load base"), "the checkpoint's schedule must be this one");
    warned(judged(megatron + "--data-path 0.3 a 0.6 b"), "the weights of the sources sum to 0.9");
    warned(judged(megatron + "--clip-grad 0"), "not clipped");
    warned(judged(megatron + "--start-weight-decay 0.01 --end-weight-decay 0.1"), "the weight decay changes on the way");
    warned(judged(megatron + "--lr-decay-style inverse-square-root"), "without warm-up falls by the root");
    warned(judged(megatron + "--rampup-batch-size 32 32 1000"), "the batch grows");
    // OLMo-core#627: a long-context run of 50B tokens with a schedule for 5e12.
    warned(judged(olmo(R"(LinearWithWarmup", "warmup": 20, "alpha_f": 0.0)", R"(, "hard_stop": {"value": 10, "unit": "steps"})")), "% of the peak");
    warned(judged(olmo(R"(ConstantScheduler")", "", R"(, "source_mixture_config": {"source_list": {"sources": [
        {"source_name": "web", "target_ratio": 0.9, "paths": []}, {"source_name": "maths", "target_ratio": 0.1, "max_repetition_ratio": 9, "paths": []}]}})")),
           "'maths' may be repeated 9 times");
    warned(judged(trainer(R"(, "lr_scheduler_type": "constant_with_warmup", "warmup_steps": 10)")), "never lowers the rate");
    warned(judged(trainer(R"(, "lr_scheduler_type": "cosine_with_restarts", "lr_scheduler_kwargs": {"num_cycles": 4})")), "jumps back to its peak 3 times");
    warned(judged(trainer(R"(, "lr_scheduler_type": "cosine", "lr_scheduler_kwargs": {"num_cycles": 0.25})")), "does not reach its floor");
    warned(judged(trainer(R"(, "optim": "adafactor")")), "adafactor");
    // Positions beside those of the model that a run starts from.
    mt::foreign::options const from{.trained = mt::rope{.base = 10'000, .length = 2048}};
    std::string const          turned = megatron + "--use-rotary-position-embeddings --max-position-embeddings 4096 ";
    warned(judged(megatron, from), "nothing is said of how they are stretched");
    warned(judged(turned, from), "with neither a larger base nor a scaling");
    BOOST_TEST(found(judged(turned + "--rotary-base 500000", from), severity::note, "adjusted base frequency"));
    warned(judged(turned + "--rotary-base 500000", {.trained = mt::rope{.base = 10'000, .length = 8192}}), "not the one that the model was trained with");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_said_in_one_sentence) {
    auto const says = [](std::string const& said, std::string_view words) { BOOST_TEST(said.find(words) != std::string::npos, said << " has not: " << words); };
    says(refusal("lr: 3e-4\n"), "run: is neither JSON nor arguments of Megatron-LM such as --lr 3e-4; YAML is not read");
    says(refusal("{}"), "run: is no run of OLMo-core");
    says(refusal("--lr $LR --train-iters 10 --global-batch-size 8"), "'lr' is \"$LR\" where a number should be");
    says(refusal("--lr 3e-4 --train-iters 1.5 --global-batch-size 8"), "'train_iters' is 1.5 where a whole number should be");
    says(refusal("--lr 3e-4 --train-iters 10"), "neither 'global_batch_size' nor 'micro_batch_size'");
    says(refusal("--lr 3e-4 --train-iters 1000000000000 --global-batch-size 1000000"), "counts more than 9e15 tokens");
    says(refusal("--lr nan --train-iters 10 --global-batch-size 8"), "where a number should be");
    says(refusal("--lr 3e-4 --train-iters 10 --global-batch-size 8 --lr-decay-style cubic"), "'lr_decay_style' is 'cubic'");
    says(refusal("--lr 3e-4 --train-iters 10 --global-batch-size 8 --data-path 0.3 a 0.7"), "a weight without a path");
    says(refusal(R"({"learning_rate": 1e-4, "num_train_epochs": 3})"), "say how many steps with --steps");
    says(refusal(trainer(R"(, "lr_scheduler_type": "reduce_lr_on_plateau")")), "follows the losses");
    says(refusal(trainer(R"(, "lr_scheduler_type": "cubic")")), "'lr_scheduler_type' is 'cubic'");
    says(refusal(trainer(R"(, "lr_scheduler_type": "warmup_stable_decay")")), "'lr_scheduler_kwargs.num_decay_steps' is missing");
    says(refusal(trainer(R"(, "lr_scheduler_type": "cosine_with_min_lr")")), "'lr_scheduler_kwargs.min_lr_rate' is missing");
    says(refusal(olmo(R"(OwnScheduler", "period_lengths": [1])")), "OwnScheduler, a scheduler that midtrain does not read");
    says(refusal(olmo(R"(PowerLR", "warmup": 0)")), "'train_module.scheduler.warmup' is zero");
    std::string silent;
    try {
        (void)mt::foreign::as_run_tree(mt::foreign::read_run(trainer(""), "run"));
    } catch (mt::error const& e) {
        silent = e.what();
    }
    says(silent, "give it with --length");
}

BOOST_AUTO_TEST_CASE(a_tree_is_written_as_toml) {
    auto const tree = mt::io::parse_json(R"({"a b": "x\"y", "n": 1e-5, "none": null, "row": [1, 2], "t": {"k": true, "in": {"z": [{"q": 3}]}}, "list": [{"i": 1}, {"i": 2}]})", "tree");
    BOOST_TEST(mt::io::written_toml(tree) == "\"a b\" = \"x\\\"y\"\nn = 1e-05\nrow = [1, 2]\n\n[[list]]\ni = 1\n\n[[list]]\ni = 2\n\n[t]\nin = { z = [{ q = 3 }] }\nk = true\n");
}

BOOST_AUTO_TEST_SUITE_END()
