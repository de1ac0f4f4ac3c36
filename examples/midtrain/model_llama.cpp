#include <midtrain/model/llama.hpp>
#include "made_as.hpp"

template struct program::made_as<midtrain::model::llama>;
