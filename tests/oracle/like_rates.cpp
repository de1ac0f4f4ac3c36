// The rates of policies in every step, for like_rates.py: like_rates CASES.json prints a line of rates for each case.
#include <cstdint>
#include <cstdio>
#include <midtrain/annealing/like/any_trainer.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/train/read_fields.hpp>

namespace mt = midtrain;

int main(int, char** arguments) {
    mt::io::mapped_file const file(arguments[1]);
    auto const all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    for (auto const& one : *all.find("cases")->as<mt::io::json::array>()) {
        mt::like::any_trainer trainer;
        mt::read_fields(*one.find("trainer"), file.path(), trainer);
        auto const batch = static_cast<std::int64_t>(*one.find("batch")->as<double>());
        auto const steps = static_cast<std::int64_t>(*one.find("steps")->as<double>());
        for (std::int64_t s = 0; s < steps; ++s) std::printf("%.17g ", trainer.rate({s, {s * batch}, {steps * batch}, {batch}}));
        std::printf("\n");
    }
}
