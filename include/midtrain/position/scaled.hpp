#pragma once
// The policies that stretch a context from `trained` to `extended` tokens.
#include <midtrain/position/by_parts.hpp>
#include <midtrain/position/interpolated.hpp>
#include <midtrain/position/llama3.hpp>
#include <midtrain/position/longrope.hpp>
#include <midtrain/position/ntk.hpp>
#include <midtrain/position/yarn.hpp>
