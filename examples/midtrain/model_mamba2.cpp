#include <midtrain/model/mamba2.hpp>
#include "made_as.hpp"

template struct program::made_as<midtrain::model::mamba2>;
