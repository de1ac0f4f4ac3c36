#include <midtrain/midtrain.hpp>
#include <cstdio>

int main() {
    using namespace midtrain::literals;
    std::printf("%lld\n", static_cast<long long>((2_Gtok).count));
}
