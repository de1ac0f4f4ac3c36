#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>
#include <midtrain/core/view.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/model/host_weights.hpp>
#include <midtrain/model/step_numbers.hpp>
#include <midtrain/optim/optimizer_memory.hpp>
#include <midtrain/optim/step_scalars.hpp>
#include <midtrain/position/any_distance.hpp>
#include <midtrain/problem/attention.hpp>
#include <midtrain/problem/batch.hpp>
#include <midtrain/problem/gradient_listener.hpp>
#include <midtrain/problem/parameters.hpp>
#include <midtrain/problem/rank_slices.hpp>
#include <midtrain/problem/rank_sum.hpp>

namespace midtrain::inline MT_ABI {

/// A trainable whose family and precision are known at run time: what trains, evaluates and exports is compiled once for it and not once
/// for each of them. Its calls are virtual, a few a micro-batch. Kinds names the types that meet it: device, shape, position, optimizer,
/// rates (by role); it computes in float and has master weights in float. erased<Kinds, Trainable> is one.
template <class Kinds>
class erased_model {
  public:
    using device_type = typename Kinds::device;
    using shape_type  = typename Kinds::shape;
    using position    = typename Kinds::position;
    using optimizer   = typename Kinds::optimizer;
    using rates       = typename Kinds::rates;
    using computed    = float;
    using master_t    = float;

    /// A sequence that is being generated; see trainable::decoding.
    struct decoding {
        std::shared_ptr<void> memory;
        index_t               capacity = 0, used = 0;  ///< tokens
    };

    erased_model()                               = default;
    erased_model(erased_model const&)            = delete;
    erased_model& operator=(erased_model const&) = delete;
    virtual ~erased_model()                      = default;

    double z_loss = 0, balance_factor = 1, bias_speed = 0, mtp_weight = 0;

    virtual shape_type const&        shape() const                = 0;
    virtual pass_mode                training_mode() const        = 0;
    virtual device_type&             device()                     = 0;
    virtual parameter_layout const&  parameters() const           = 0;
    virtual index_t                  stored_bytes() const         = 0;
    virtual row_view<float>          master()                     = 0;
    virtual row_view<float>          gradient()                   = 0;
    virtual row_view<float>          slots()                      = 0;
    virtual index_t                  rotary_length() const        = 0;
    virtual void                     refresh()                    = 0;
    virtual void                     zero_gradient()              = 0;
    virtual std::vector<double>&     read_router_loads()          = 0;
    virtual std::vector<double>&     read_mtp_losses()            = 0;
    virtual void                     stage(std::span<step_part const> parts, index_t sources) = 0;
    virtual void                     reserve_parts(std::size_t most) = 0;
    virtual void                     accumulate_staged(std::size_t k, gradient_listener finished = {}) = 0;
    virtual void                     shard(rank_slices const& cut) = 0;
    virtual rank_slices const&       slices() const               = 0;
    virtual std::vector<float>&      host_slots()                 = 0;
    virtual row_view<double>         step_sums()                  = 0;
    virtual void                     tell(optimizer const& how, step_scalars const& s) = 0;
    virtual void                     settle(rank_sum<float> over = {}) = 0;
    virtual void                     apply_told(optimizer const& how) = 0;
    virtual void                     go_on()                      = 0;
    virtual void                     ask_numbers()                = 0;
    virtual seen_numbers             read_numbers()               = 0;
    virtual double                   gradient_norm()              = 0;
    virtual std::vector<state_buffer> state_buffers()             = 0;
    virtual void                     take_state()                 = 0;
    virtual double norm_of_change(row_view<float> before)         = 0;
    virtual void   set_rotary(index_t length, position const& policy) = 0;
    virtual void   set_distance(any_distance const& distance)     = 0;
    virtual void   accumulate(token_batch const& batch, row_view<float> token_loss) = 0;
    virtual void   evaluate(token_batch const& batch, row_view<float> token_loss) = 0;
    virtual void   logits(token_batch const& batch, matrix_view<float> out) = 0;
    virtual void   logits(token_batch const& batch, row_view<std::int32_t const> rows, matrix_view<float> out) = 0;
    virtual void   residuals(token_batch const& batch, std::vector<float>& out) = 0;
    virtual decoding begin_decoding(index_t capacity)             = 0;
    virtual void   decode(decoding& d, std::span<std::int32_t const> tokens, std::span<float> logits) = 0;
    virtual void   prepare(optimizer const& how, rates const& by_role = {}) = 0;
    virtual void   apply(optimizer const& how, step_scalars const& s) = 0;
    virtual double clip_blocks(double limit)                      = 0;
    virtual optimizer_memory memory_of(optimizer const& how) const = 0;
    virtual index_t count_activations(index_t sequences, index_t length, pass_mode mode) const = 0;
    virtual attention_plan plan_attention(index_t sequences, index_t length, pass_mode mode) const = 0;
    virtual std::string plan_eight_bits() const = 0;
    virtual std::vector<float> part(row_view<float const> flat, parameter_info const& e, parameter_part const& p) const = 0;

    /// See trainable::repeat.
    template <class F>
    void repeat(double more, F const& f) {
        call_repeat(more, [](void const* what) { (*static_cast<F const*>(what))(); }, &f);
    }
    /// f() while the rotary table is that of a policy; see trainable::with_rotary.
    template <class F>
    void with_rotary(index_t length, position const& policy, F&& f) {
        call_with_rotary(length, policy, [](void* what) { (*static_cast<std::remove_reference_t<F>*>(what))(); }, &f);
    }

  private:
    virtual void call_repeat(double more, void (*call)(void const*), void const* what) = 0;
    virtual void call_with_rotary(index_t length, position const& policy, void (*call)(void*), void* what) = 0;
};

/// The erased_model that a trainable is behind.
template <class Kinds, class Trainable>
class erased final : public erased_model<Kinds> {
    using base = erased_model<Kinds>;
    using typename base::decoding, typename base::optimizer, typename base::position, typename base::rates;

  public:
    erased(typename base::device_type& device, typename base::shape_type shape, pass_mode training)
        : model_(device, std::move(shape), training) {}

    Trainable& behind() { return model_; }

    typename base::shape_type const& shape() const override { return model_.shape(); }
    pass_mode                        training_mode() const override { return model_.training_mode(); }
    typename base::device_type&      device() override { return model_.device(); }
    parameter_layout const&          parameters() const override { return model_.parameters(); }
    index_t                          stored_bytes() const override { return model_.stored_bytes(); }
    row_view<float>                  master() override { return model_.master(); }
    row_view<float>                  gradient() override { return model_.gradient(); }
    row_view<float>                  slots() override { return model_.slots(); }
    index_t                          rotary_length() const override { return model_.rotary_length(); }
    void                             refresh() override { model_.refresh(); }
    void                             zero_gradient() override { model_.zero_gradient(); }
    std::vector<double>&             read_router_loads() override { return model_.read_router_loads(); }
    std::vector<double>&             read_mtp_losses() override { return model_.read_mtp_losses(); }
    void reserve_parts(std::size_t most) override { model_.reserve_parts(most); }
    void stage(std::span<step_part const> parts, index_t sources) override { model_.stage(parts, sources); }
    void accumulate_staged(std::size_t k, gradient_listener finished) override {
        pass_on();
        model_.accumulate_staged(k, finished);
    }
    void                shard(rank_slices const& cut) override { model_.shard(cut); }
    rank_slices const&  slices() const override { return model_.slices(); }
    std::vector<float>& host_slots() override { return model_.host_slots(); }
    row_view<double> step_sums() override { return model_.step_sums(); }
    void             tell(optimizer const& how, step_scalars const& s) override { model_.tell(how, s); }
    void             settle(rank_sum<float> over) override { model_.settle(over); }
    void             apply_told(optimizer const& how) override {
        model_.bias_speed = this->bias_speed;
        model_.apply_told(how);
    }
    void                             go_on() override { model_.go_on(); }
    void                             ask_numbers() override { model_.ask_numbers(); }
    seen_numbers                     read_numbers() override { return model_.read_numbers(); }
    double                           gradient_norm() override { return model_.gradient_norm(); }
    std::vector<state_buffer>        state_buffers() override { return model_.state_buffers(); }
    void                             take_state() override { model_.take_state(); }
    double norm_of_change(row_view<float> before) override { return model_.norm_of_change(before); }
    void   set_rotary(index_t length, position const& policy) override { model_.set_rotary(length, policy); }
    void   set_distance(any_distance const& distance) override { model_.set_distance(distance); }
    void   accumulate(token_batch const& batch, row_view<float> token_loss) override {
        pass_on();
        model_.accumulate(batch, token_loss);
    }
    void evaluate(token_batch const& batch, row_view<float> token_loss) override {
        model_.z_loss = this->z_loss;
        model_.evaluate(batch, token_loss);
    }
    void logits(token_batch const& batch, matrix_view<float> out) override { model_.logits(batch, out); }
    void logits(token_batch const& batch, row_view<std::int32_t const> rows, matrix_view<float> out) override {
        model_.logits(batch, rows, out);
    }
    void     residuals(token_batch const& batch, std::vector<float>& out) override { model_.residuals(batch, out); }
    decoding begin_decoding(index_t capacity) override {
        return {std::make_shared<typename Trainable::decoding>(model_.begin_decoding(capacity)), capacity, 0};
    }
    void decode(decoding& d, std::span<std::int32_t const> tokens, std::span<float> logits) override {
        auto& own = *static_cast<typename Trainable::decoding*>(d.memory.get());
        own.used  = d.used;
        model_.decode(own, tokens, logits);
        d.used = own.used;
    }
    void    prepare(optimizer const& how, rates const& by_role) override { model_.prepare(how, by_role); }
    void    apply(optimizer const& how, step_scalars const& s) override {
        model_.bias_speed = this->bias_speed;
        model_.apply(how, s);
    }
    double  clip_blocks(double limit) override { return model_.clip_blocks(limit); }
    optimizer_memory memory_of(optimizer const& how) const override { return model_.memory_of(how); }
    index_t count_activations(index_t sequences, index_t length, pass_mode mode) const override {
        return model_.count_activations(sequences, length, mode);
    }
    attention_plan plan_attention(index_t sequences, index_t length, pass_mode mode) const override {
        return model_.plan_attention(sequences, length, mode);
    }
    std::string plan_eight_bits() const override { return model_.plan_eight_bits(); }
    std::vector<float> part(row_view<float const> flat, parameter_info const& e, parameter_part const& p) const override {
        return model_.part(flat, e, p);
    }

  private:
    void pass_on() {
        model_.z_loss         = this->z_loss;
        model_.balance_factor = this->balance_factor;
        model_.mtp_weight     = this->mtp_weight;
    }
    void call_repeat(double more, void (*call)(void const*), void const* what) override {
        pass_on();
        model_.bias_speed = this->bias_speed;
        model_.repeat(more, [&] { call(what); });
    }
    void call_with_rotary(index_t length, position const& policy, void (*call)(void*), void* what) override {
        model_.with_rotary(length, policy, [&] { call(what); });
    }

    Trainable model_;
};

}  // namespace midtrain::inline MT_ABI
