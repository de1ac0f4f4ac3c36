#include <cstddef>
#include <cstdint>
#include <fuzz/fuzz.hpp>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/metrics_file.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::file const bytes(data, size);
    fuzz::take_or_refuse([&] { mt::read_evaluations(bytes.path()); });
    return fuzz::take_or_refuse([&] { mt::read_metrics(bytes.path()); });
}
