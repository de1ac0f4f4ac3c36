#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <midtrain/concepts/device.hpp>
#include <midtrain/concepts/position_policy.hpp>
#include <midtrain/concepts/precision.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/kv_cache.hpp>
#include <midtrain/model/model_memory.hpp>
#include <midtrain/model/move_biases.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/model/rotary_buffers.hpp>
#include <midtrain/model/staging.hpp>
#include <midtrain/model/step_numbers.hpp>
#include <midtrain/model/step_stage.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/losses_by_source.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/optim/step_scalars.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/rotary_table.hpp>
#include <midtrain/precision/fp8.hpp>
#include <midtrain/problem/counting_device.hpp>
#include <midtrain/problem/gradient_listener.hpp>
#include <midtrain/problem/mtp_shape.hpp>
#include <midtrain/problem/rank_sum.hpp>

namespace midtrain::inline MT_ABI {

/// A model with its memory on a device: weights, gradients, slots, activations. Family is model::llama, model::gpt2, ...
template <class Device, class Family, class Shape, class Precision>
class trainable : public model_memory<Device, Precision> {
    template <class T>
    using buffer   = typename Device::template buffer<T>;
    using memory   = model_memory<Device, Precision>;
    using memory::device_, memory::layout_, memory::master_, memory::gradient_, memory::update_, memory::under_way_, memory::stale_, memory::weights, memory::must_rest;
    using net_type = decltype(Family::make(std::declval<parameter_layout&>(), std::declval<Shape const&>()));

  public:
    using typename memory::stored, typename memory::computed, typename memory::master_t;
    using memory::slots, memory::slices;

    trainable(Device& device, Shape shape, pass_mode training = pass_mode::train) : trainable(device, shape, training, made(shape)) {}

    Shape const&            shape() const { return shape_; }
    pass_mode               training_mode() const { return training_; }
    index_t                 activation_bytes() const { return memory_.size(); }
    double                  z_loss = 0;
    balance_weights         balance{};           ///< of the losses that keep experts busy alike
    double                  balance_factor = 1;  ///< of those weights
    double                  mtp_weight = 0;      ///< of the losses of multi-token prediction, all modules together
    double                  bias_speed = 0;      ///< by which a step moves what routers add to scores

    /// Cosines and sines for positions 0 .. length-1: fill(length, head_size, cosine, sine), each (length, head_size / 2) in double.
    template <class Fill>
    void set_rotary(index_t length, Fill const& fill) {
        ++changes_;
        index_t const size = head_size_of(shape_);
        rotary_ = {*device_, length, size / 2, 1.0, [&](double* cosine, double* sine) { fill(length, size, cosine, sine); }};
        set_window_rotary(length);
    }

    /// From a position-scaling policy, which may also leave a part of each head as it is, and have a say in the scores.
    template <PositionScalingPolicy Policy>
    void set_rotary(index_t length, Policy const& policy) {
        ++changes_;
        index_t const size = head_size_of(shape_);
        rotary_ = {*device_, length, rotary_width_of(policy, size) / 2, score_factor_of(policy, length),
                   [&](double* cosine, double* sine) { fill_rotary(policy, length, size, cosine, sine); }};
        if (grows(policy))
            rotary_.set_keys(*device_, [&](double* cosine, double* sine) { fill_rotary(policy, length, size, cosine, sine, turned::keys); });
        set_window_rotary(length);
    }

    /// f() while the rotary table is that of a policy up to `length`, as for an evaluation; then the model has its own table again.
    template <PositionScalingPolicy Policy, class F>
    void with_rotary(index_t length, Policy const& policy, F&& f) {
        struct kept {
            trainable&                       of;
            rotary_buffers<Device, computed> table, window;

            explicit kept(trainable& t) : of(t), table(std::exchange(t.rotary_, {})), window(std::exchange(t.window_rotary_, {})) {}
            ~kept() { of.rotary_ = std::move(table), of.window_rotary_ = std::move(window); }
        } const own(*this);
        set_rotary(length, policy);
        std::forward<F>(f)();
    }
    /// How far apart tokens seem from here on, to read texts longer than those of training: dual_chunk, self_extend; {}: as they stand.
    /// Gradients are refused meanwhile.
    void set_distance(any_distance const& distance) {
        if constexpr (requires { Family::turns; })
            check(Family::turns || !distance.changes(), "dual_chunk and self_extend are of rotary positions, and this model has none");
        check(distance.fits(), "dual_chunk has chunk > local >= 0, self_extend window >= group >= 1");
        distance_ = distance;
        ++changes_;
        counted_.clear();
    }
    /// How products of linear layers become eight bits from here on, in another form than the precision's own (precision/fp8.hpp).
    void set_products(fp8_form const& products)
        requires requires { Precision::products; }
    {
        products_ = products;
        ++changes_;
        counted_.clear();
    }
    /// How far the rotary table reaches, in positions.
    index_t rotary_length() const { return rotary_.length(); }

    void zero_gradient() {
        memory::start_gradient();
        numbers_.clear(*device_);
    }
    /// The loads of all routers since, as parameters().routers() says.
    std::vector<double>& read_router_loads() { return read(numbers_.loads(), loads_host_); }
    /// Sum and count of the losses of each module of multi-token prediction since zero_gradient().
    std::vector<double>& read_mtp_losses() { return read(numbers_.mtp_losses(), mtp_host_); }

    // A step in parts, for who trains: stage(), tell(), then within repeat() zero_gradient(), accumulate_staged() of each micro-batch,
    // settle() and apply_told(), and ask_numbers(). None of it waits for a device that runs ahead; read_numbers() does.

    /// Room for so many micro-batches, so that steps with more of them allocate nothing.
    void reserve_parts(std::size_t most) { stage_.reserve(most); }
    /// The micro-batches of a step whose sequences come from so many sources; the host's memory stays the caller's until the step was read.
    void stage(std::span<step_part const> parts, index_t sources) {
        index_t most = 0;
        for (auto const& p : parts) reserve(p.batch, training_), most = std::max(most, p.batch.count());
        if (losses_.size() < most) losses_ = device_->template make<computed>(most);
        numbers_.reserve(*device_, sources);
        stage_.bring(*device_, parts, shape_.vocab, shape_.context);
    }
    /// Forward and backward of one of them: adds the gradient of sum(loss) / target_count, and the losses by source. Who listens is told how
    /// much of the gradient is final as far as this one goes.
    void accumulate_staged(std::size_t k, gradient_listener finished = {}) {
        auto const losses = losses_.view().part(0, stage_[k].batch.count());
        train_on(stage_.sorted(k), losses, finished);
        auto const to = numbers_.source_losses();
        device_->rows(to.size(), op::losses_by_source<computed>{losses, stage_[k].sources, to});
    }
    /// What ranks add up besides gradients.
    row_view<double> step_sums() { return numbers_.sums(); }
    /// What the next step is told, before settle() and apply_told().
    template <class Optimizer>
    void tell(Optimizer const& optimizer, step_scalars const& s) {
        update_.tell(*device_, optimizer, s);
    }
    /// The norm of the gradient, and from it and the losses whether the step applies and how much of the gradient.
    /// Where ranks share the optimizer's memory, each has its slices of the gradient, and `over` adds up what they make of the norm.
    void settle(rank_sum<computed> over = {}) { update_.settle(*device_, memory::gradient(), numbers_.source_losses(), numbers_.norm(), over); }
    template <class Optimizer>
    void apply_told(Optimizer const& optimizer) {
        update_.apply(*device_, optimizer, master_.view(), weights(), memory::gradient());
        move_biases(*device_, layout_, numbers_.loads(), bias_speed, update_.applies(), master_.view(), weights());
    }
    /// Steps apply again after one that was no number.
    void go_on() { update_.go_on(*device_); }
    void ask_numbers() { numbers_.ask(*device_), ++under_way_; }
    /// Of the oldest step that was asked for and not read.
    seen_numbers read_numbers() { return --under_way_, numbers_.read(*device_); }
    /// f(), which asks the device for a step's work; where it was asked for the same before, with `more` besides the model's own numbers,
    /// the device may do that again.
    template <class F>
    void repeat(double more, F const& f) {
        if constexpr (AheadDevice<Device>) {
            describe_step(more);
            device_->repeat(std::span<std::uint64_t const>(step_form_), std::span<double const>(step_values_), f);
        } else f();
    }

    /// Forward and backward: adds the gradient of sum(loss) / target_count, fills the losses by token.
    void accumulate(token_batch const& batch, row_view<computed> token_loss, gradient_listener finished = {}) {
        reserve(batch, training_);
        step_part const one{batch, {}};
        stage_.bring(*device_, {&one, 1}, shape_.vocab, shape_.context);
        train_on(stage_.sorted(0), landed_.open(*device_, token_loss), finished);
        landed_.close(*device_, token_loss);
    }
    /// Forward only.
    void evaluate(token_batch const& batch, row_view<computed> token_loss) {
        must_rest();
        reserve(batch, pass_mode::evaluate);
        auto p   = make_pass(*device_, batch, pass_mode::evaluate, landed_.open(*device_, token_loss));
        p.memory = arena(memory_.view());
        staged_.bring(*device_, {&p.batch.inputs, &p.batch.targets, &p.batch.positions, &p.batch.document_begin});
        net_.forward(p);
        landed_.close(*device_, token_loss);
    }

    /// Logits of every token, (tokens, vocabulary).
    void logits(token_batch const& batch, matrix_view<computed> out) { answer(batch, nullptr, out, {}); }
    /// Logits of the tokens that `rows` names, (rows, vocabulary): a batch of many tokens asks its head for a few.
    void logits(token_batch const& batch, row_view<std::int32_t const> rows, matrix_view<computed> out) { answer(batch, &rows, out, {}); }

    /// The residual stream of every token, before the first block and after each, ((layers + 1) * tokens, width), on the host.
    void residuals(token_batch const& batch, std::vector<computed>& out) {
        must_rest();
        reserve(batch, pass_mode::evaluate);
        auto const rows = (static_cast<index_t>(shape_.layers) + 1) * batch.count(), width = static_cast<index_t>(shape_.width);
        auto const seen = device_->template make<computed>(rows * width);
        auto       p    = make_pass(*device_, batch, pass_mode::evaluate, {});
        p.memory        = arena(memory_.view());
        p.residuals     = as_matrix(seen.view().data, rows, width);
        row_view<std::int32_t const> none{};
        staged_.bring(*device_, {&p.batch.inputs, &p.batch.targets, &p.batch.positions, &p.batch.document_begin, &none});
        net_.logits(p, none, {});
        out.resize(static_cast<std::size_t>(rows * width));
        device_->download(row_view<computed const>(seen.view()), out.data());
    }

    /// The keys and values of a sequence that is being generated.
    struct decoding {
        buffer<stored>   kept;
        buffer<computed> scores;
        index_t          capacity = 0, used = 0;  ///< tokens
    };
    /// Room for a sequence of so many tokens.
    decoding begin_decoding(index_t capacity) {
        check(capacity > 0 && (rotary_length() == 0 || distance_.reach(capacity) <= rotary_length()), [&] {
            return "a sequence of " + std::to_string(capacity) + " tokens where the positions reach " + std::to_string(rotary_length());
        });
        counting_device nobody;
        token_batch     form{};
        form.sequences = form.length = 1;
        auto p           = make_pass(nobody, form, pass_mode::evaluate, {});
        p.cache.capacity = capacity;
        net_.logits(p, {});
        return {device_->template make<stored>(p.cache.taken), device_->template make<computed>(shape_.heads * capacity), capacity, 0};
    }
    /// The next tokens of a sequence, and the logits of what follows the last of them, (vocabulary): work linear in length for each. The
    /// first call takes a prompt as a whole.
    void decode(decoding& d, std::span<std::int32_t const> tokens, std::span<computed> logits) {
        check(!tokens.empty() && d.used + static_cast<index_t>(tokens.size()) <= d.capacity, [&] {
            return "decoding: " + std::to_string(tokens.size()) + " tokens after " + std::to_string(d.used) + " where there is room for " +
                   std::to_string(d.capacity);
        });
        for (auto t : tokens)
            check(t >= 0 && t < shape_.vocab, [&] { return "decoding: token " + std::to_string(t) + " is not in the vocabulary"; });
        if (d.used == 0) return decode_part(d, tokens, logits);
        for (std::size_t i = 0; i < tokens.size(); ++i) decode_part(d, tokens.subspan(i, 1), logits);
    }

    /// Room for an optimizer's slots; a second call with the same kind keeps what they hold.
    template <class Optimizer, RoleRates Rates = same_rate>
    void prepare(Optimizer const& optimizer, Rates const& rates = {}) {
        ++changes_;
        if constexpr (requires { rates.at_width(index_t{}); }) update_.prepare(*device_, layout_, optimizer, rates.at_width(shape_.width));
        else update_.prepare(*device_, layout_, optimizer, rates);
    }
    /// One step of the optimizer from the gradient that lies there; one that sees matrices may leave anything in it.
    template <class Optimizer>
    void apply(Optimizer const& optimizer, step_scalars const& s) {
        tell(optimizer, s);
        apply_told(optimizer);
    }

    /// Bytes of activations that a micro-batch of this form needs, from a dry run.
    index_t count_activations(index_t sequences, index_t length, pass_mode mode) const { return dry_run(sequences, length, mode, nullptr); }
    /// How the device does attention in such a micro-batch of packed documents, where it has more than one way, and its workspace.
    attention_plan plan_attention(index_t sequences, index_t length, pass_mode mode) const {
        std::vector<attention_size> all;
        if constexpr (requires { plan_of(*device_, all); }) {
            dry_run(sequences, length, mode, &all);
            return plan_of(*device_, all);
        } else return {};
    }

    /// How the device multiplies in eight bits; nothing where the precision does not.
    std::string plan_eight_bits() const {
        if (products_.scaling == fp8_scaling::none) return {};
        if constexpr (requires { device_->multiplies_fp8(products_.scaling); })
            if (device_->multiplies_fp8(products_.scaling)) return "by tensor cores, but emulated of experts and of sizes that 16 does not divide";
        return "emulated";
    }

  private:
    struct made {
        parameter_layout layout;
        net_type         net;
        explicit made(Shape const& shape) : net(Family::make(layout, shape)) {}
    };
    trainable(Device& device, Shape shape, pass_mode training, made m)
        : memory(device, std::move(m.layout)), shape_(std::move(shape)), training_(training), net_(std::move(m.net)),
          numbers_(device, layout_.load_size(), 2 * mtp_depth_of(shape_)) {
        if constexpr (requires { shape_.experts; }) balance = shape_.experts.balance;
    }

    index_t dry_run(index_t sequences, index_t length, pass_mode mode, std::vector<attention_size>* attentions) const {
        counting_device nobody{attentions};
        token_batch     form{};
        form.sequences    = sequences;
        form.length       = length;
        form.target_count = 1;
        form.documents    = 2 * sequences;
        auto            p = make_pass(nobody, form, mode, {});
        net_.forward(p);
        if (mode != pass_mode::evaluate) net_.backward(p);
        return p.memory.peak();
    }
    static constexpr index_t logits_bytes() {
        if constexpr (requires { Device::logits_bytes; }) return Device::logits_bytes;
        else return 0;
    }
    template <class D>
    auto make_pass(D& device, token_batch const& batch, pass_mode mode, row_view<computed> token_loss) const {
        return pass<D, Precision>{.device = device, .layout = layout_, .mode = mode, .weights = weights(),
                                  .gradients = gradient_.view(), .masters = master_.view(), .batch = batch,
                                  .cosine = rotary_.cosine(), .sine = rotary_.sine(),
                                  .key_cosine = rotary_.key_cosine(), .key_sine = rotary_.key_sine(),
                                  .window_cosine = window_rotary_.cosine(), .window_sine = window_rotary_.sine(), .score_factor = rotary_.score_factor(),
                                  .distance = distance_, .token_loss = token_loss, .z_loss = z_loss, .logits_bytes = logits_bytes(), .loads = numbers_.loads(),
                                  .balance = balance.times(balance_factor), .mtp_weight = mtp_weight, .mtp_losses = numbers_.mtp_losses(),
                                  .products = products_};
    }

    void reserve(token_batch const& batch, pass_mode mode) {
        check(!distance_.changes() || mode == pass_mode::evaluate,
              "dual_chunk and self_extend are for evaluation: there is no gradient where tokens seem nearer than they stand");
        check(!distance_.changes() || rotary_.key_cosine().rows == 0,
              "dual_chunk and self_extend do not go with xpos, whose scores know distances");
        if constexpr (requires { Family::turns; })
            check(!Family::turns || distance_.reach(batch.length) <= rotary_length(), [&] {
                return "a sequence has " + std::to_string(batch.length) + " tokens where set_rotary() was given " +
                       std::to_string(rotary_length()) + " positions";
            });
        std::array<index_t, 3> const form{batch.sequences, batch.length, static_cast<index_t>(mode)};
        if (std::find(counted_.begin(), counted_.end(), form) != counted_.end()) return;
        counted_.push_back(form);
        index_t const need = count_activations(batch.sequences, batch.length, mode);
        if (memory_.size() >= need) return;
        memory_ = {};
        memory_ = device_->template make<std::byte>(need);
    }

    // Layers with a window turn by a base of their own, if the shape says so, whatever the policy of the others.
    void set_window_rotary(index_t length) {
        if constexpr (requires { shape_.window_rope_base; }) {
            if (!(shape_.window_rope_base > 0)) return;
            index_t const        size = head_size_of(shape_);
            position::rope const plain{.base = shape_.window_rope_base, .length = length};
            window_rotary_ = {*device_, length, size / 2, 1.0,
                              [&](double* cosine, double* sine) { fill_rotary(plain, length, size, cosine, sine); }};
        }
    }

    void decode_part(decoding& d, std::span<std::int32_t const> tokens, std::span<computed> logits) {
        auto const                n = static_cast<index_t>(tokens.size());
        std::vector<std::int32_t> positions(tokens.size()), begin(tokens.size(), 0), none(tokens.size(), -1);
        std::iota(positions.begin(), positions.end(), static_cast<std::int32_t>(d.used));
        token_batch batch{{tokens.data(), n}, {none.data(), n}, {positions.data(), n}, {begin.data(), n}, 1, n, 1};
        batch.documents = 1;
        std::int32_t const           last = static_cast<std::int32_t>(n - 1);
        row_view<std::int32_t const> rows{&last, 1};
        answer(batch, &rows, as_matrix(logits.data(), index_t{1}, static_cast<index_t>(logits.size())),
               {d.kept.view().data, as_matrix(d.scores.view().data, static_cast<index_t>(shape_.heads), d.capacity), d.capacity, d.used, 0});
        d.used += n;
    }

    // Forward, and the head's logits of the tokens that `rows` names, or of all.
    void answer(token_batch const& batch, row_view<std::int32_t const>* rows, matrix_view<computed> out, kv_cache<stored, computed> cache) {
        must_rest();
        reserve(batch, pass_mode::evaluate);
        auto p   = make_pass(*device_, batch, pass_mode::evaluate, {});
        p.memory = arena(memory_.view());
        p.cache  = cache;
        row_view<std::int32_t const> none{};
        staged_.bring(*device_, {&p.batch.inputs, &p.batch.targets, &p.batch.positions, &p.batch.document_begin, rows ? rows : &none});
        auto const to = as_matrix(logits_.open(*device_, out.flat()).data, out.rows, out.columns);
        rows ? net_.logits(p, *rows, to) : net_.logits(p, to);
        logits_.close(*device_, out.flat());
    }

    void train_on(staged_part const& part, row_view<computed> losses, gradient_listener finished) {
        auto p        = make_pass(*device_, part.batch, training_, losses);
        p.finished    = finished;
        p.memory      = arena(memory_.view());
        p.saved       = std::move(saved_);
        p.by_token    = part.by_token;
        p.by_position = part.by_position;
        p.targets     = part.targets();
        p.stale       = &stale_;
        net_.forward(p);
        net_.backward(p);
        p.finish_gradients(0);
        saved_ = std::move(p.saved);
    }

    std::vector<double>& read(row_view<double> from, std::vector<double>& to) {
        to.resize(static_cast<std::size_t>(from.size()));
        device_->download(row_view<double const>(from), to.data());
        return to;
    }

    // What a step launches by value: forms and addresses, which need another launch, and numbers.
    void describe_step(double more) {
        auto const word = [](auto const* p) { return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(p)); };
        step_form_.assign({changes_, word(memory_.view().data), word(losses_.view().data), word(numbers_.norm()), word(slots().data),
                           word(rotary_.cosine().data), word(window_rotary_.cosine().data), static_cast<std::uint64_t>(numbers_.sums().size())});
        for (std::size_t k = 0; k < stage_.size(); ++k)
            for (std::uint64_t x : {word(stage_[k].batch.inputs.data), static_cast<std::uint64_t>(stage_[k].batch.sequences),
                                    static_cast<std::uint64_t>(stage_[k].batch.length), static_cast<std::uint64_t>(stage_[k].batch.global_count),
                                    static_cast<std::uint64_t>(stage_[k].batch.documents), static_cast<std::uint64_t>(stage_[k].by_position.size())})
                step_form_.push_back(x);
        step_values_.assign({more, z_loss, balance_factor, mtp_weight, bias_speed, balance.sequence, balance.micro_batch, balance.global_batch,
                             balance.devices, balance.z});
    }

    Shape                               shape_;
    pass_mode                           training_;
    net_type                            net_;
    step_numbers<Device>                numbers_;
    step_stage<Device>                  stage_;
    buffer<computed>                    losses_;  // of a staged micro-batch, by token
    buffer<std::byte>                   memory_;
    rotary_buffers<Device, computed>    rotary_, window_rotary_;
    staging<Device>                     staged_;
    landing<Device, computed>           landed_, logits_;
    std::vector<double>                 loads_host_, mtp_host_, step_values_;
    std::vector<std::uint64_t>          step_form_;
    std::uint64_t                       changes_ = 0;  // of what passes launch otherwise
    std::vector<std::array<index_t, 3>> counted_;
    any_distance                        distance_;
    fp8_form                            products_ = products_of<Precision>();
    tape                                saved_;
};

}  // namespace midtrain::inline MT_ABI
