#include <midtrain/model/nemotron.hpp>
#include "made_as.hpp"

template struct program::made_as<midtrain::model::nemotron>;
