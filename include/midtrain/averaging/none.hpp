#pragma once
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI::averaging {

/// No average: nothing is kept and nothing is done.
struct none {};

}  // namespace midtrain::inline MT_ABI::averaging
