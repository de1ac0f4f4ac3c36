// expect: no matching function for call | no instance of function template
#include "recipe_parts.hpp"

// A recipe that nobody judged is not what a trainer takes.
template <class Recipe, class Shape>
void takes(midtrain::checked_recipe<Recipe, Shape> const&);
void f() { takes(midtrain::recipe{.optimizer = midtrain::adamw{}, .stages = midtrain::stages<>{}}); }
