#include "programs.hpp"

int quick_start::run_smollm2_bf16(course c, mt::io::gguf const& model) { return run_smollm2<mt::bf16_mixed>(std::move(c), model); }
