#include <midtrain/model/gpt2.hpp>
#include "made_as.hpp"

template struct program::made_as<midtrain::model::gpt2>;
