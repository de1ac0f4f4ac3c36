#include <midtrain/model/expert_family.hpp>
#include "made_as.hpp"

template struct program::made_as<midtrain::model::expert_decoder>;
