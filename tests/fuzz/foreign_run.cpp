#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <fuzz/fuzz.hpp>
#include <midtrain/train/foreign/lint.hpp>
#include <midtrain/train/foreign/read.hpp>
#include <midtrain/train/foreign/written.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static std::FILE* const nothing = std::fopen("/dev/null", "w");
    std::string_view const  text(reinterpret_cast<char const*>(data), size);
    return fuzz::take_or_refuse([&] {
        mt::foreign::options const o{.steps = 7, .length = 3, .trained = mt::rope{.base = 1e4, .length = 2}};
        auto                       run = mt::foreign::read_run(text, "run", o);
        mt::foreign::lint(run, o);
        mt::foreign::detail::print_rates(run, nothing);
    });
}
