#pragma once
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/problem/router_load.hpp>

namespace midtrain::inline MT_ABI {

/// What a parameter is for; decay, rate multipliers and clipping may differ by role. `head`: the vocabulary's, where it is not the
/// embedding's table; `router`: of experts; `filter`: taps of a convolution; `state`: time constants and skips of a state-space layer.
enum class role { embedding, matrix, norm, bias, expert, filter, state, head, router };

/// Whether weight decay is for it at all.
constexpr bool decays(role r) { return r != role::norm && r != role::bias && r != role::state; }

/// Some rows of a parameter under the name that checkpoints know them by.
/// `transposed`: the checkpoint stores (columns, rows), as GPT-2's Conv1D does.
struct parameter_part {
    std::string name;
    index_t     first_row = 0;
    index_t     rows      = 0;
    bool        transposed = false;
    std::vector<index_t> shape{};  ///< of the tensor in checkpoints, where that is not (rows, columns), or a row by its role
    index_t     head_rows = 0;     ///< rows of one attention head; 0: it has none
};

/// How a fresh parameter begins. `normal`: with this mean and deviation, or the constant `mean` where the deviation is zero. `uniform`: no
/// further from the mean than the deviation. `counted`: log(1 + column), the S4D-real time constants (Gu et al. 2022, eq. 9). `steps`:
/// softplus of it is log-uniform from `mean` to `deviation` (Gu and Dao 2023, section 3.6) and not below `least`.
struct initial_values {
    enum class form { normal, uniform, counted, steps };

    double mean      = 0;
    double deviation = 0;
    form   is        = form::normal;
    double least     = 0;
};

/// One tensor of the model: (rows, columns), at `offset` in the flat buffers of weights, gradients and slots.
struct parameter_info {
    std::string                 name;
    index_t                     rows = 0, columns = 0;
    midtrain::role              role = role::matrix;
    initial_values              begins;
    std::vector<parameter_part> parts;
    index_t                     offset = 0;
    index_t                     bucket = 0;

    index_t size() const { return rows * columns; }
};

/// Where a layer finds its parameter: index into the layout, filled in by parameter_layout::add.
struct parameter {
    index_t index = -1;
    index_t rows = 0, columns = 0;
};

/// A router of experts: where its load (problem/router_load.hpp) lies among those of all routers, and what it adds to scores before it
/// chooses, if it does.
struct router_info {
    std::string name;
    index_t     experts = 0;
    parameter   bias{};
    index_t     offset = 0;
};

/// All tensors of a model in one flat buffer, in the order in which backward finishes them (last layer first), each
/// padded to 64 values, so that an update is one launch and an exchange can overlap backward.
class parameter_layout {
  public:
    /// Registers a tensor in forward order; `bucket` groups what one block owns.
    parameter add(parameter_info info, index_t bucket) {
        info.bucket = bucket;
        if (info.parts.empty()) info.parts = {{info.name, 0, info.rows, false}};
        entries_.push_back(std::move(info));
        return {static_cast<index_t>(entries_.size()) - 1, entries_.back().rows, entries_.back().columns};
    }
    /// Registers a router; the number that it is known by.
    index_t add_router(router_info info) {
        info.offset = load_size_;
        load_size_ += router_load::size_of(info.experts);
        routers_.push_back(std::move(info));
        return static_cast<index_t>(routers_.size()) - 1;
    }
    /// Another name under which checkpoints keep a parameter a second time. Written with it; read, it is passed over.
    void add_copy(std::string name, parameter of) { copies_.push_back({std::move(name), of}); }
    /// Assigns the offsets; call once, after the last add.
    void close() {
        size_ = 0;
        for (auto e = entries_.rbegin(); e != entries_.rend(); ++e) {
            e->offset = size_;
            size_ += (e->size() + 63) / 64 * 64;
        }
    }
    std::vector<parameter_info> const& entries() const { return entries_; }
    parameter_info const&              operator[](parameter p) const { return entries_[static_cast<std::size_t>(p.index)]; }
    std::vector<router_info> const&    routers() const { return routers_; }
    std::vector<std::pair<std::string, parameter>> const& copies() const { return copies_; }
    /// Values of the flat buffers, from the beginning on, that backward has finished when it has finished the buckets from this one on.
    index_t finished_from(index_t bucket) const {
        for (auto e = entries_.rbegin(); e != entries_.rend(); ++e)
            if (e->bucket < bucket) return e->offset;
        return size_;
    }
    index_t                            load_size() const { return load_size_; }  ///< numbers of all routers' loads
    index_t                            size() const { return size_; }  ///< padded values in all
    index_t                            count() const {                 ///< values without the padding
        index_t n = 0;
        for (auto const& e : entries_) n += e.size();
        return n;
    }

  private:
    std::vector<parameter_info> entries_;
    std::vector<router_info>    routers_;
    std::vector<std::pair<std::string, parameter>> copies_;
    index_t                     size_ = 0, load_size_ = 0;
};

}  // namespace midtrain::inline MT_ABI
