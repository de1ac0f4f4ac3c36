#include <midtrain/model/olmo.hpp>
#include "made_as.hpp"

template struct program::made_as<midtrain::model::olmo>;
