#include "programs.hpp"

int quick_start::run_smollm2_fp32(course c, mt::io::gguf const& model) { return run_smollm2<mt::fp32>(std::move(c), model); }
