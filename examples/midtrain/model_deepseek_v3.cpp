#include <midtrain/model/deepseek_v3.hpp>
#include "made_as.hpp"

template struct program::made_as<midtrain::model::deepseek_v3>;
