#pragma once
// midtrain.hpp, the GPU and, where nccl.h is found, ranks that have one each. For users; never included from inside.

#ifndef __CUDACC__
#error "midtrain: cuda.cuh needs a CUDA compiler: build this file with nvcc, or include <midtrain/midtrain.hpp> and name mt::host"
#endif

#include <midtrain/comm/nccl.cuh>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/midtrain.hpp>
