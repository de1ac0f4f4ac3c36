#include <midtrain/model/gemma.hpp>
#include "made_as.hpp"

template struct program::made_as<midtrain::model::gemma>;
