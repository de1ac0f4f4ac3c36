// Writes a config.json for each position policy into folders, and beside it the table of cosines and sines that the policy fills for one
// length: positions_exported.py loads the one in transformers and compares with the other.
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>
#include <midtrain/io/hf_config_writer.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/position/any_position.hpp>
#include <midtrain/position/rotary_table.hpp>

namespace mt = midtrain;

namespace {

template <int Head>
struct shape : mt::decoder_shape {
    static constexpr int layers = 1, width = 4 * Head, heads = 4, kv_heads = 2, ffn = 64, vocab = 96, context = 512, head_size = Head;
};

template <int Head, class Policy>
void write(std::string const& folder, std::string const& name, Policy const& policy, mt::index_t length) {
    auto const at = folder + "/" + name + "_" + std::to_string(Head);
    std::filesystem::create_directories(at);
    auto const config = mt::io::hf_config_json(mt::io::hf_family::llama, shape<Head>{}, mt::io::hf_rotary_of(policy, Head), {.end = 3}, "float32");
    mt::io::write_whole(at + "/config.json", mt::io::written(config, 2) + "\n");
    // Of the last position: the whole table would tell no more.
    std::vector<double> c(static_cast<std::size_t>(length * (Head / 2))), s(c.size());
    mt::fill_rotary(policy, length, Head, c.data(), s.data());
    double const heat = std::sqrt(mt::score_factor_of(policy, length));
    mt::io::json::array frequencies;
    for (mt::index_t i = 0; i < Head / 2; ++i) frequencies.push_back({policy.inverse_frequency(i, Head, length)});
    mt::io::write_whole(at + "/ours.json", mt::io::written(mt::io::json{mt::io::json::object{
        {"length", {static_cast<double>(length)}}, {"alpha", {policy.temperature(length) * heat}}, {"frequencies", {frequencies}},
        {"cosine", {c[c.size() - 1] * heat}}, {"sine", {s[s.size() - 1] * heat}}}}) + "\n");
}

template <int Head>
void write_all(std::string const& folder, double base, mt::index_t trained, mt::index_t extended) {
    auto const out = [&](std::string const& name, auto const& policy, mt::index_t length) { write<Head>(folder, name, policy, length); };
    mt::pair_factors longer, shorter;
    for (int i = 0; i < Head / 2; ++i) longer.push_back(1 + 0.1 * i), shorter.push_back(1 + 0.01 * i);
    out("rope", mt::rope{.base = base, .length = extended}, extended);
    out("none", mt::no_positions{.length = extended}, extended);
    out("interpolated", mt::interpolated{.base = base, .trained = trained, .extended = extended}, extended);
    out("ntk", mt::ntk{.base = base, .trained = trained, .extended = extended}, extended);
    out("ntk_alpha", mt::ntk_alpha{.base = base, .alpha = 100, .length = extended}, extended);
    out("dynamic_ntk", mt::dynamic_ntk{.base = base, .trained = trained, .extended = extended, .factor = 4}, extended);
    out("dynamic_ntk_short", mt::dynamic_ntk{.base = base, .trained = trained, .extended = extended, .factor = 4}, trained / 2);
    out("by_parts", mt::by_parts{.base = base, .trained = trained, .extended = extended}, extended);
    out("yarn", mt::yarn{.base = base, .trained = trained, .extended = extended}, extended);
    out("yarn_mscale", mt::yarn{.base = base, .trained = trained, .extended = extended, .factor = 40, .mscale = 0.7, .mscale_all_dim = 0.5}, extended);
    out("yarn_one_mscale", mt::yarn{.base = base, .trained = trained, .extended = extended, .mscale = 0.7}, extended);
    out("yarn_untruncated", mt::yarn{.base = base, .trained = trained, .extended = extended, .truncate = false, .attention_factor = 1.2}, extended);
    out("yarn_turns", mt::yarn{.base = base, .trained = trained, .extended = extended, .ramp = mt::yarn_ramp::turns}, extended);
    out("yarn_scores", mt::yarn{.base = base, .trained = trained, .extended = extended, .heat = mt::yarn_heat::scores}, extended);
    out("llama3", mt::llama3{.base = base, .trained = trained, .extended = extended, .factor = 8}, extended);
    mt::longrope const lists{.base = base, .trained = trained, .extended = extended, .long_factor = longer, .short_factor = shorter};
    out("longrope", lists, extended);
    out("longrope_short", lists, trained);
    out("proportional", mt::proportional{.base = base, .length = extended, .share = 0.25, .factor = 2}, extended);
}

}  // namespace

int main(int, char** argv) {
    write_all<64>(argv[1], 1e4, 2048, 8192);
    write_all<80>(argv[1], 1e5, 4096, 16'384);
    write_all<96>(argv[1], 5e5, 8192, 16'384);
    write_all<128>(argv[1], 1e6, 4096, 65'536);
}
