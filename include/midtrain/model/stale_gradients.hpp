#pragma once
#include <cstddef>
#include <vector>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// Which matrices of the flat gradient still hold the last step's. Who writes all of one first needs no zeros there;
/// for who adds to one they are made then. Vectors, and what pads tensors, are zero from the step's beginning on: they are many, and little memory.
class stale_gradients {
  public:
    /// From here on all matrices are stale. zero(first, n) is asked for everything between them.
    template <class Zero>
    void begin(parameter_layout const& layout, Zero const& zero) {
        auto const& all = layout.entries();
        stale_.assign(all.size(), false);
        count_        = 0;
        index_t first = 0;
        for (std::size_t i = all.size(); i-- > 0;) {  // by offset
            if (all[i].rows <= 1 || all[i].columns <= 1) continue;
            if (all[i].offset > first) zero(first, all[i].offset - first);
            first     = all[i].offset + all[i].size();
            stale_[i] = true;
            ++count_;
        }
        if (layout.size() > first) zero(first, layout.size() - first);
    }
    /// Whether it is; not any more.
    bool take(parameter w) {
        auto const i = static_cast<std::size_t>(w.index);
        if (count_ == 0 || !stale_[i]) return false;
        stale_[i] = false;
        --count_;
        return true;
    }
    /// zero(first, n) for those of the buckets from this one on that nobody has written.
    template <class Zero>
    void end(parameter_layout const& layout, index_t bucket, Zero const& zero) {
        auto const& all = layout.entries();
        for (std::size_t i = 0; count_ > 0 && i < all.size(); ++i)
            if (all[i].bucket >= bucket && take({static_cast<index_t>(i)})) zero(all[i].offset, all[i].size());
    }

  private:
    std::vector<bool> stale_;
    std::size_t       count_ = 0;
};

}  // namespace midtrain::inline MT_ABI
