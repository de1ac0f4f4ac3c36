#pragma once
#include <midtrain/exec/host/buffer.hpp>

namespace midtrain::inline MT_ABI::detail {

/// At least n values of memory that this thread keeps for `User`, one for each `which` below 8, aligned as host_buffer is: a step allocates nothing after the
/// first. What was in it is lost when more is asked for than ever before.
template <class User, class T>
T* thread_workspace(int which, index_t n) {
    static thread_local host_buffer<T> all[8];
    host_buffer<T>&                    own = all[which];
    if (own.size() < n) own = {}, own = host_buffer<T>(n);
    return own.view().data;
}

}  // namespace midtrain::inline MT_ABI::detail
