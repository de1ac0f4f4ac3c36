// A program for a GPU, as a user writes it: where there is none it says so and ends with 2. no_device.cmake runs it.
#include <cstdio>
#include <midtrain/core/error.hpp>
#include <midtrain/exec/cuda/cuda.cuh>

int main() try {
    midtrain::cuda device;
    std::puts("found a CUDA device");
} catch (midtrain::error const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
}
