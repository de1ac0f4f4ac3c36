#include <midtrain/data/byte_tokenizer.hpp>
#include "programs.hpp"

namespace quick_start {
namespace {

/// Pretrains the small model for a fifth of the time, once; its weights are kept.
void pretrain(course const& c, mt::data::byte_level_bpe const& tokenizer, std::string const& path) {
    corpus const train = read_corpus(c.cache, "train", c.cache + "/tokens-257", tokenizer);
    mt::host     device;
    mt::self     ranks;
    mt::trainable<mt::host, mt::model::llama, own_3m, mt::fp32> model(device, {});
    model.initialise(1);
    model.set_rotary(256, mt::rope{.base = own_3m::rope_base, .length = own_3m::context});
    double const token  = mt::measure_seconds_per_cost(model, 256) * mt::cost_of_token(model, 256);
    auto const   tokens = static_cast<std::int64_t>(0.2 * 60 * c.minutes / token) / 2048 * 2048 + 2048 * 20;
    mt::settings s;
    s.set("pretrain.budget=" + std::to_string(tokens));
    s.set("pretrain.rate.decay=" + std::to_string(tokens / 5));
    s.set("pretrain.rate.warmup=" + std::to_string(tokens / 20));
    std::printf("pretraining a model of our own, %s parameters, on %s bytes\n", mt::written_count(static_cast<double>(model.parameters().count())).c_str(),
                mt::written_count(static_cast<double>(tokens)).c_str());
    mt::trainer      trainer(ranks, model, own_pretraining.with(s));
    mt::progress_bar bar;
    if (trainer.run(train, [&](mt::report const& r) { bar(r); }) == mt::outcome::interrupted) throw interrupted();
    mt::export_model(model, path, mt::rope{.base = own_3m::rope_base, .length = own_3m::context}, {.weights = mt::weight_type::f32, .tokenizer = &tokenizer});
}

}  // namespace

int run_own(course c) {
    auto const tokenizer = mt::data::byte_tokenizer();
    auto const path      = c.work + "/pretrained";
    if (!std::filesystem::exists(path + "/model.safetensors")) pretrain(c, tokenizer, path);
    mt::io::safetensors const weights(path + "/model.safetensors");
    return quick_start<own_3m, mt::fp32>().go(std::move(c), tokenizer, {}, [&](auto& model) { model.load(weights); }, own_run, own_control);
}

}  // namespace quick_start
