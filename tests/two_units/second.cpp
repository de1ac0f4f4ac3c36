#include <midtrain/all.hpp>

midtrain::tokens half(midtrain::tokens whole) { return {whole.count / 2}; }
