#include "train_unit.hpp"

template int program::train_on(model_of<mt::host, mt::model::llama, mt::fp32>&, run_file const&, model_files const&, train_options const&);
