#pragma once
// What recipes are made of, for files that shall not compile: the umbrella would take them ten times as long.
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/then.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/averaging/ema.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/train/recipe.hpp>
