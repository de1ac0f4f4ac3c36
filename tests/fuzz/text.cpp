#include <cstddef>
#include <cstdint>
#include <fuzz/fuzz.hpp>
#include <midtrain/data/text_reader.hpp>

namespace mt = midtrain;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    for (char const* name : {"a.jsonl", "a.txt", "a.jsonl.gz", "a.txt.zst"}) {
        fuzz::file const bytes(data, size, name);
        fuzz::take_or_refuse([&] {
            for (mt::data::text_reader reader(bytes.path()); reader.next();) {}
        });
    }
    return 0;
}
