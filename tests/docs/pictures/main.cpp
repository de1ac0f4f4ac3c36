// The pictures of the documentation, drawn by calling the policies: pictures FOLDER. A test compares them with those in docs/pictures.
#include <string>
#include <utility>
#include <vector>
#include <midtrain/io/whole_file.hpp>
#include "draw.hpp"
#include "picture.hpp"

int main(int argc, char** argv) {
    std::string const folder = argc > 1 ? argv[1] : ".";
    auto const        write  = [&](std::string const& name, std::string const& text) {
        midtrain::io::write_whole(folder + "/" + name + ".svg", text);
    };
    auto annealing = pictures::of_annealing();
    for (auto& p : pictures::of_companions()) annealing.push_back(std::move(p));
    for (auto& p : pictures::of_emulations()) annealing.push_back(std::move(p));
    auto mixture = pictures::of_mixture();
    for (auto& p : pictures::of_order()) mixture.push_back(std::move(p));
    std::vector<std::pair<std::string, std::vector<pictures::picture>>> const families{
        {"Annealing: the learning rate, and the batch, over tokens", std::move(annealing)},
        {"Mixture: shares of the sources over tokens, and the order of documents", std::move(mixture)},
        {"Position scaling: what becomes of each rotary pair", pictures::of_position()},
        {"Attention: scores and distances", pictures::of_scores()}};
    for (auto const& [family, all] : families)
        for (auto const& p : all) write(p.name, pictures::drawn(p));
    write("gallery", pictures::gallery(families));
    for (auto const& [name, text] : pictures::overviews()) write(name, text);
}
