// expect: midtrain: the ranks are no Communicator
#include <midtrain/train/trainer.hpp>

struct silent {
    int rank() const { return 0; }
    int size() const { return 1; }
};
midtrain::trainer<silent, int, int, int>* nobody() {
    return new midtrain::trainer<silent, int, int, int>();
}
