#pragma once
#include <algorithm>
#include <type_traits>
#include <vector>
#include <midtrain/core/types.hpp>
#include <midtrain/optim/role_rates.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// One matrix or vector as checkpoints know it: (rows, columns), from `offset` on in the flat buffers of weights and gradients.
struct tensor_place {
    index_t        offset = 0, rows = 0, columns = 0;
    midtrain::role role        = role::matrix;
    index_t        slots       = 0;  ///< where its slots begin
    index_t        first_piece = 0, pieces = 0;
    double         decay = 0;        ///< the optimizer's decay_of its role
    double         rate  = 1;        ///< a multiple of the rate

    MT_HOST_DEVICE constexpr index_t size() const { return rows * columns; }
    MT_HOST_DEVICE constexpr bool    is_matrix() const { return rows > 1 && columns > 1; }
};

/// Some values side by side of one tensor: what a team takes.
struct tensor_piece {
    static constexpr index_t most = 4096;

    index_t tensor = 0, offset = 0, count = 0;
};

/// The tensors of a layout as an optimizer sees them, in pieces, and how many values its slots are.
struct tensor_places {
    std::vector<tensor_place> tensors;
    std::vector<tensor_piece> pieces;
    index_t                   slots = 0;

    index_t largest() const {
        index_t n = 0;
        for (auto const& t : tensors) n = std::max(n, t.size());
        return n;
    }
};

namespace detail {

template <class Optimizer>
void add_place(tensor_places& to, Optimizer const& optimizer, tensor_place t) {
    t.slots       = to.slots;
    t.first_piece = static_cast<index_t>(to.pieces.size());
    t.decay       = optimizer.decay_of(t.role);
    to.slots += (optimizer.slots_of(t) + 15) / 16 * 16;
    for (index_t done = 0; done < t.size(); done += tensor_piece::most)
        to.pieces.push_back({static_cast<index_t>(to.tensors.size()), t.offset + done, std::min(tensor_piece::most, t.size() - done)});
    t.pieces = static_cast<index_t>(to.pieces.size()) - t.first_piece;
    to.tensors.push_back(t);
}

}  // namespace detail

/// The parts of each parameter, such as queries, keys and values of one merged matrix, and of a part the heads where the optimizer takes
/// them apart: `optimizer.rows_of(part)` rows are a tensor of their own.
template <class Optimizer, RoleRates Rates>
tensor_places places_of(parameter_layout const& layout, Optimizer const& optimizer, Rates const& rates) {
    tensor_places all;
    for (auto const& e : layout.entries())
        for (auto const& p : e.parts) {
            index_t rows = p.rows;
            if constexpr (requires { optimizer.rows_of(p); }) rows = optimizer.rows_of(p);
            for (index_t first = 0; first < p.rows; first += rows)
                detail::add_place(all, optimizer, {.offset = e.offset + (p.first_row + first) * e.columns, .rows = rows,
                                                   .columns = e.columns, .role = e.role,
                                                   .rate = rates.factor(e.role, e.rows, e.columns)});
        }
    return all;
}

}  // namespace midtrain::inline MT_ABI
