#pragma once
// All that any C++20 compiler can read. For users; never included from inside.

#include <midtrain/config.hpp>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/version.hpp>
