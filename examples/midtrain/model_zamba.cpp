#include <midtrain/model/zamba.hpp>
#include "made_as.hpp"

template struct program::made_as<midtrain::model::zamba>;
