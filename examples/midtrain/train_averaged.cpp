#include "train_unit.hpp"

template int program::train_with(host_model&, run_file const&, model_files const&, train_options const&, averaged_recipe const&);
