// expect: midtrain: a row functor holds views and numbers only
#include <vector>
#include <midtrain/exec/host/host.hpp>

struct heavy {
    std::vector<float> owned;
    template <class Team>
    void operator()(Team const&, midtrain::index_t) const {}
};

int main() {
    midtrain::host device;
    device.rows(1, heavy{});
}
