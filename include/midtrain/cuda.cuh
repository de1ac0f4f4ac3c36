#pragma once
// midtrain.hpp and the GPU. For users; never included from inside.

#ifndef __CUDACC__
#error "midtrain: cuda.cuh needs a CUDA compiler: build this file with nvcc, or include <midtrain/midtrain.hpp> and name mt::host"
#endif

#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/midtrain.hpp>
