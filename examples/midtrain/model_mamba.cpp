#include <midtrain/model/mamba.hpp>
#include "made_as.hpp"

template struct program::made_as<midtrain::model::mamba>;
