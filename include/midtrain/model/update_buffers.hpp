#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/model/crossing_box.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/optim/block_norms.hpp>
#include <midtrain/optim/by_role.hpp>
#include <midtrain/optim/elementwise_step.hpp>
#include <midtrain/optim/optimizer_memory.hpp>
#include <midtrain/optim/role_rates.hpp>
#include <midtrain/optim/settle_step.hpp>
#include <midtrain/optim/squares_of_change.hpp>
#include <midtrain/optim/tensor_update.hpp>
#include <midtrain/problem/parameters.hpp>
#include <midtrain/problem/rank_slices.hpp>
#include <midtrain/problem/rank_sum.hpp>

namespace midtrain::inline MT_ABI {

/// What an optimizer's step needs on a device besides weights and gradient: its slots, the step's scalars, and partial sums for norms. For
/// an elementwise one the decay of each 64 values, for one that sees matrices their places and its work memory.
template <class Device, class Precision>
class update_buffers {
    using stored   = typename Precision::stored;
    using computed = typename Precision::computed;
    using master   = typename Precision::master;

  public:
    update_buffers(Device& device, index_t values)
        : partial_(device.template make<computed>((values + 4095) / 4096)),
          sums_(device.template make<double>((partial_.size() + sum_of_part<computed>::values - 1) / sum_of_part<computed>::values)),
          norm_(device.template make<double>(1)), scalars_(device.template make<step_scalars>(1)),
          halted_(device.template make<std::int32_t>(1)) {}

    /// As the optimizer's kind lays them out; of slices those of each slice, one slot after the other, as rank_slices::each_slice goes.
    row_view<computed> slots() const { return slots_.view(); }

    /// Only the slots of one rank's slices are kept. Before prepare().
    void shard(rank_slices const& cut) {
        check(slots_.size() == 0 || slots_.size() % cut.own() == 0, "ranks share the memory of an optimizer from before prepare() on");
        cut_ = cut;
    }
    bool               is_sharded() const { return cut_.ranks() > 1; }
    rank_slices const& slices() const { return cut_; }

    /// Room for an optimizer's slots; a second call with the same kind keeps what they hold.
    template <class Optimizer, RoleRates Rates = same_rate>
    void prepare(Device& device, parameter_layout const& layout, Optimizer const& optimizer, Rates const& rates = {}) {
        static_assert(AnyOptimizer<Optimizer>,
                      "midtrain: the optimizer is no Optimizer: it needs  static constexpr int slots, decay_of(role) const, "
                      "prepare(step_scalars&) const and update(w, g, slot, scalars, decay) const; one that sees matrices has  "
                      "slots_of(tensor_place) const  and  step(tensor_update) const  instead.  The shortest ones are midtrain/optim/sgd.hpp and rmsprop.hpp");
        if constexpr (OptimizerChoice<Optimizer>) optimizer.visit([&](auto const& one) { prepare(device, layout, one, rates); });
        else if constexpr (TensorOptimizer<Optimizer>) prepare_tensors(device, layout, optimizer, rates);
        else prepare_values(device, layout, optimizer, rates);
    }
    /// The numbers of the next step, and what its optimizer adds to them.
    template <class Optimizer>
    void tell(Device& device, Optimizer const& optimizer, step_scalars s) {
        if constexpr (OptimizerChoice<Optimizer>) optimizer.visit([&](auto const& one) { one.prepare(s); });
        else optimizer.prepare(s);
        told_.open(device, 1)[0] = s;
        told_.send(device, scalars_.view());
    }
    /// From the norm of the gradient and the losses of a step, what it was told of being clipped, and whether it applies.
    void settle(Device& device, row_view<computed> gradient, row_view<double> losses, double* norm, rank_sum<computed> over) {
        put_norm(device, gradient, norm, over);
        device.rows(1, settle_step{losses, norm, scalars_.view().data, halted_.view().data});
    }
    /// Steps apply again after one that was no number.
    void go_on(Device& device) { device.elements(1, op::fill<std::int32_t>{halted_.view(), 0}); }
    /// Whether the step that was told of last applies, where the device reads it.
    std::int64_t const* applies() const { return &scalars_.view().data->applies; }
    /// One step of the optimizer as it was told: master weights, and from them the stored ones. One that sees matrices may leave anything in
    /// the gradient, and applies whatever was settled.
    template <class Optimizer>
    void apply(Device& device, Optimizer const& optimizer, row_view<master> to, row_view<stored> weights, row_view<computed> gradient) {
        if constexpr (OptimizerChoice<Optimizer>)
            return optimizer.visit([&](auto const& one) { apply(device, one, to, weights, gradient); });
        else {
            if constexpr (TensorOptimizer<Optimizer>)
                optimizer.step(tensor_update<Device, Precision>{device, views(to, weights, gradient), host_places_.tensors, work_.view()});
            else if (is_sharded())
                cut_.each_slice(cut_.rank(), [&](value_range s, index_t at) {
                    update_values(device, optimizer, s, to, weights, gradient, slots_.view().part(Optimizer::slots * at, Optimizer::slots * s.size));
                });
            else update_values(device, optimizer, {0, to.size()}, to, weights, gradient, slots_.view());
        }
    }
    /// Gradients of each block, a bucket of the layout, whose norm is above the limit are scaled down to it. The norm of all afterwards.
    double clip_blocks(Device& device, parameter_layout const& layout, row_view<computed> gradient, double limit) {
        check(!is_sharded(), "clip_block needs the whole gradient, and each of these ranks has its slices of it: let them keep the whole memory of "
                             "the optimizer, or clip by the norm of all");
        if (block_pieces_.size() == 0) prepare_blocks(device, layout);
        device.rows(block_pieces_.size(), squares_of_piece<computed>{block_pieces_.view(), gradient, block_partial_.view()});
        device.download(row_view<computed const>(block_partial_.view()), piece_squares_.data());
        std::fill(block_squares_.begin(), block_squares_.end(), 0.0);
        for (std::size_t p = 0; p < piece_squares_.size(); ++p)
            block_squares_[static_cast<std::size_t>(host_pieces_[p].block)] += static_cast<double>(piece_squares_[p]);
        double total = 0;
        for (std::size_t n = 0; n < block_squares_.size(); ++n) {
            double const by = std::min(1.0, limit / (std::sqrt(block_squares_[n]) + 1e-6));  // as torch's clip_grad_norm_
            host_factors_[n] = static_cast<computed>(by);
            total += block_squares_[n] * by * by;
        }
        device.upload(host_factors_.data(), block_factors_.view());
        device.rows(block_pieces_.size(), scale_blocks<computed>{block_pieces_.view(), block_factors_.view(), gradient});
        return std::sqrt(total);
    }
    /// Square root of the sum of squares of the gradient, in an order that never changes.
    double norm(Device& device, row_view<computed> gradient) {
        put_norm(device, gradient, norm_.view().data, {});
        return read_norm(device);
    }
    /// The same of how far the gradient is from `before`, which then becomes it.
    double norm_of_change(Device& device, row_view<computed> gradient, row_view<computed> before) {
        device.rows(partial_.size(), squares_of_change<computed>{gradient, before, partial_.view()});
        put_root(device, norm_.view().data);
        return read_norm(device);
    }

    /// Slots as checkpoints have them, whole, of which this rank takes its slices.
    void take_slices(Device& device, std::vector<computed> const& whole) {
        std::vector<computed> own;
        own.reserve(static_cast<std::size_t>(slots_.size()));
        cut_.each_slice(cut_.rank(), [&](value_range s, index_t) {
            for (index_t first = s.begin; first < static_cast<index_t>(whole.size()); first += cut_.values())
                own.insert(own.end(), whole.begin() + first, whole.begin() + first + s.size);
        });
        device.upload(own.data(), slots_.view());
    }

  private:
    template <class Optimizer, class Rates>
    void prepare_values(Device& device, parameter_layout const& layout, Optimizer const& optimizer, Rates const& rates) {
        reserve_slots(device, Optimizer::slots * (is_sharded() ? cut_.own() : layout.size()));
        std::vector<computed> decay(static_cast<std::size_t>(layout.size() / 64));
        for (auto const& e : layout.entries())
            for (index_t i = e.offset / 64; i < (e.offset + e.size() + 63) / 64; ++i)
                decay[static_cast<std::size_t>(i)] = static_cast<computed>(optimizer.decay_of(e.role));
        decay_ = device.template make<computed>(layout.size() / 64);
        device.upload(decay.data(), decay_.view());
        rates_ = {};
        if constexpr (!std::is_same_v<Rates, same_rate>) {
            std::vector<double> factor(decay.size(), 1.0);
            for (auto const& e : layout.entries())
                for (index_t i = e.offset / 64; i < (e.offset + e.size() + 63) / 64; ++i)
                    factor[static_cast<std::size_t>(i)] = rates.factor(e.role, e.rows, e.columns);
            rates_ = device.template make<double>(layout.size() / 64);
            device.upload(factor.data(), rates_.view());
        }
    }
    template <class Optimizer, class Rates>
    void prepare_tensors(Device& device, parameter_layout const& layout, Optimizer const& optimizer, Rates const& rates) {
        check(!is_sharded(), "ranks share the memory of optimizers that see one weight at a time, such as adamw; this one sees whole matrices: let "
                             "each rank keep its whole memory");
        host_places_     = places_of(layout, optimizer, rates);
        auto const  need = memory_of<Precision>(host_places_, optimizer);
        auto const& t    = host_places_.tensors;
        auto const& p    = host_places_.pieces;
        reserve_slots(device, need.slots);
        tensors_ = device.template make<tensor_place>(static_cast<index_t>(t.size()));
        pieces_  = device.template make<tensor_piece>(static_cast<index_t>(p.size()));
        device.upload(t.data(), tensors_.view());
        device.upload(p.data(), pieces_.view());
        piece_sums_  = device.template make<computed>(2 * pieces_.size());
        tensor_sums_ = device.template make<computed>(2 * tensors_.size());
        if (work_.size() < need.work) work_ = {}, work_ = device.template make<std::byte>(need.work);
    }
    void prepare_blocks(Device& device, parameter_layout const& layout) {
        host_pieces_   = pieces_of_blocks(layout);
        index_t blocks = 0;
        for (auto const& p : host_pieces_) blocks = std::max(blocks, p.block + 1);
        block_pieces_  = device.template make<block_piece>(static_cast<index_t>(host_pieces_.size()));
        block_partial_ = device.template make<computed>(block_pieces_.size());
        block_factors_ = device.template make<computed>(blocks);
        device.upload(host_pieces_.data(), block_pieces_.view());
        piece_squares_.resize(host_pieces_.size());
        block_squares_.resize(static_cast<std::size_t>(blocks));
        host_factors_.resize(static_cast<std::size_t>(blocks));
    }
    void reserve_slots(Device& device, index_t values) {
        if (slots_.size() != values) slots_ = {}, slots_ = device.template make<computed>(values);
    }
    tensor_views<Precision> views(row_view<master> to, row_view<stored> weights, row_view<computed> gradient) {
        return {scalars_.view().data, to, weights, gradient, slots_.view(),
                tensors_.view(), pieces_.view(), piece_sums_.view(), tensor_sums_.view()};
    }
    template <class Optimizer>
    void update_values(Device& device, Optimizer const& optimizer, value_range s, row_view<master> to, row_view<stored> weights,
                       row_view<computed> gradient, row_view<computed> slots) {
        using step       = elementwise_step<Optimizer, Precision>;
        auto const rates = rates_.size() > 0 ? rates_.view().part(s.begin / 64, s.size / 64) : rates_.view();
        device.rows(step::teams(s.size), step{optimizer, scalars_.view().data, to.part(s.begin, s.size), weights.part(s.begin, s.size),
                                              gradient.part(s.begin, s.size), slots, decay_.view().part(s.begin / 64, s.size / 64), rates, s.begin});
    }
    // Each partial sum is one rank's, and the others' is zero: added up, they have the bits of one rank that has made all.
    void put_norm(Device& device, row_view<computed> gradient, double* norm, rank_sum<computed> over) {
        if (!is_sharded()) device.rows(partial_.size(), squares_of_part<computed>{gradient, partial_.view()});
        else {
            device.elements(partial_.size(), op::fill<computed>{partial_.view(), 0});
            cut_.each_slice(cut_.rank(), [&](value_range s, index_t) {
                if (s.begin == cut_.rest().begin && cut_.rank() > 0) return;
                index_t const parts = (s.size + rank_slices::unit - 1) / rank_slices::unit;
                device.rows(parts, squares_of_part<computed>{gradient.part(s.begin, s.size), partial_.view().part(s.begin / rank_slices::unit, parts)});
            });
            over(partial_.view());
        }
        put_root(device, norm);
    }
    void put_root(Device& device, double* norm) {
        device.rows(sums_.size(), sum_of_part<computed>{partial_.view(), sums_.view()});
        device.rows(1, root_of_parts{sums_.view(), norm});
    }
    double read_norm(Device& device) {
        double norm = 0;
        device.download(row_view<double const>(norm_.view()), &norm);
        return norm;
    }

    template <class T>
    using buffer = typename Device::template buffer<T>;

    buffer<computed>         slots_, decay_, partial_, piece_sums_, tensor_sums_, block_partial_, block_factors_;
    buffer<double>           rates_, sums_, norm_;
    buffer<step_scalars>     scalars_;
    buffer<std::int32_t>     halted_;
    outbox<Device, step_scalars> told_;
    buffer<tensor_place>     tensors_;
    buffer<tensor_piece>     pieces_;
    buffer<block_piece>      block_pieces_;
    buffer<std::byte>        work_;
    tensor_places            host_places_;
    rank_slices              cut_;  // of one rank: nothing is shared
    std::vector<block_piece> host_pieces_;
    std::vector<computed>    piece_squares_, host_factors_;
    std::vector<double>      block_squares_;
};

}  // namespace midtrain::inline MT_ABI
