#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fuzz/fuzz.hpp>
#include <midtrain/io/shard_index.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::file const bytes(data, size);
    return fuzz::take_or_refuse([&] {
        for (auto const& name : mt::io::read_shard_index(bytes.path()).files())
            if (name.find('/') != name.npos) std::abort();
    });
}
