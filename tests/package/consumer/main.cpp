#include <cstdio>
#include <midtrain/core/types.hpp>
#include <midtrain/data/byte_stream.hpp>
#include <midtrain/exec/host/host.hpp>

// Not the umbrella, which costs a compiler twenty seconds, but headers behind which a library may stand.
int main() {
    using namespace midtrain::literals;
    midtrain::host device(1);
    device.elements(1, [](midtrain::index_t) { std::printf("%lld\n", static_cast<long long>((2_Gtok).count)); });
}
