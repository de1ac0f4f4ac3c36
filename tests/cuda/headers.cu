// nvcc reads every header.
#include <midtrain/all.hpp>
#include <midtrain/cuda.cuh>
