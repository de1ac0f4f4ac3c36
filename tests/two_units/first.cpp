// Two units that include all of us, and link: nothing in the headers is defined twice.
#include <midtrain/all.hpp>

midtrain::tokens half(midtrain::tokens whole);

int main() {
    using namespace midtrain::literals;
    return half(2_Mtok) == 1_Mtok ? 0 : 1;
}
