#pragma once
// What the recipes here are made of, and a model and sources for them. The umbrella would take each file ten times as long.
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

namespace mt = midtrain;
using namespace mt::literals;

struct small : mt::decoder_shape {
    static constexpr int layers = 2, width = 64, heads = 4, kv_heads = 2, ffn = 128, vocab = 256;
};
template <class T>
struct sources {
    T web, maths;
};
