#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/concepts/device.hpp>
#include <midtrain/concepts/position_policy.hpp>
#include <midtrain/concepts/precision.hpp>
#include <midtrain/concepts/weight_source.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/index_sorter.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/model/staging.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/optim/elementwise_step.hpp>
#include <midtrain/position/rotary_table.hpp>
#include <midtrain/problem/counting_device.hpp>

namespace midtrain::inline MT_ABI {

/// Some bytes of a run under a name: what a checkpoint stores.
struct state_buffer {
    std::string          name;
    std::span<std::byte> bytes;
};

/// A model with its memory on a device: weights, gradients, slots, activations. Family is model::llama, model::gpt2, ...
template <class Device, class Family, class Shape, class Precision>
class trainable {
    static_assert(midtrain::Device<Device>, "midtrain: the device is no Device. See midtrain/concepts/device.hpp; the plainest one is "
                                            "midtrain/exec/crowd/crowd.hpp");
    static_assert(midtrain::Precision<Precision>, "midtrain: the precision is no Precision: it needs the types stored, computed and master, and "
                                                  "name.  See midtrain/precision/precision.hpp");

    template <class T>
    using buffer = typename Device::template buffer<T>;

  public:
    using stored   = typename Precision::stored;
    using computed = typename Precision::computed;
    using master_t = typename Precision::master;

    trainable(Device& device, Shape shape, pass_mode training = pass_mode::train)
        : device_(&device), shape_(shape), training_(training), net_(Family::make(layout_, shape_)) {
        weights_  = device.template make<stored>(layout_.size());
        master_   = device.template make<master_t>(layout_.size());
        gradient_ = device.template make<computed>(layout_.size());
        partial_  = device.template make<computed>((layout_.size() + 4095) / 4096);
        scalars_  = device.template make<step_scalars>(1);
    }

    Shape const&            shape() const { return shape_; }
    pass_mode               training_mode() const { return training_; }
    Device&                 device() { return *device_; }
    parameter_layout const& parameters() const { return layout_; }
    row_view<master_t>      master() { return master_.view(); }
    row_view<computed>      gradient() { return gradient_.view(); }
    row_view<computed>      slots() { return slots_.view(); }
    index_t                 activation_bytes() const { return memory_.size(); }
    double                  z_loss = 0;

    /// Fresh weights, the same for a seed on every machine and in every order.
    void initialise(std::uint64_t seed) {
        std::vector<master_t> host(static_cast<std::size_t>(layout_.size()));
        std::uint64_t         stream = 0;
        for (auto const& e : layout_.entries()) {
            random_stream const draws{seed, stream++};
            for (index_t i = 0; i < e.size(); ++i) {
                double const u = 1.0 - draws.uniform(2 * static_cast<std::uint64_t>(i)), v = draws.uniform(2 * static_cast<std::uint64_t>(i) + 1);
                double const normal = std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
                host[static_cast<std::size_t>(e.offset + i)] = static_cast<master_t>(e.begins.mean + e.begins.deviation * normal);
            }
        }
        device_->upload(host.data(), master_.view());
        refresh();
    }

    /// Every part of every parameter from a source of weights: `source.read(name, rows, columns, float* to)` in checkpoint layout.
    template <class Source>
    void load(Source const& source) {
        static_assert(WeightSource<Source>, "midtrain: load() wants a WeightSource: source(name, rows, columns, std::span<float>).  "
                                            "See midtrain/concepts/weight_source.hpp; midtrain::io::safetensors is one");
        std::vector<master_t> host(static_cast<std::size_t>(layout_.size()));
        std::vector<float>    part;
        for (auto const& e : layout_.entries())
            for (auto const& p : e.parts) {
                part.resize(static_cast<std::size_t>(p.rows * e.columns));
                source(p.name, p.transposed ? e.columns : p.rows, p.transposed ? p.rows : e.columns, std::span<float>(part));
                place(part, e, p, host);
            }
        device_->upload(host.data(), master_.view());
        refresh();
    }

    /// One part of a flat buffer (weights, gradients, slots) in checkpoint layout.
    template <class T>
    std::vector<T> part(row_view<T const> flat, parameter_info const& e, parameter_part const& p) const {
        std::vector<T> rows(static_cast<std::size_t>(p.rows * e.columns)), out(rows.size());
        device_->download(flat.part(e.offset + p.first_row * e.columns, p.rows * e.columns), rows.data());
        for (index_t r = 0; r < p.rows; ++r)
            for (index_t c = 0; c < e.columns; ++c)
                out[static_cast<std::size_t>(p.transposed ? c * p.rows + r : r * e.columns + c)] = rows[static_cast<std::size_t>(r * e.columns + c)];
        return out;
    }

    /// Cosines and sines for positions 0 .. length-1: fill(length, head_size, cosine, sine), each (length, head_size / 2) in double.
    template <class Fill>
    void set_rotary(index_t length, Fill const& fill) {
        index_t const       size = head_size_of(shape_), half = size / 2;
        std::vector<double> c(static_cast<std::size_t>(length * half)), s(c.size());
        fill(length, size, c.data(), s.data());
        cosine_ = upload_as_computed(c);
        sine_   = upload_as_computed(s);
        positions_ = length;
    }

    /// The same from a position-scaling policy.
    template <PositionScalingPolicy Policy>
    void set_rotary(index_t length, Policy const& policy) {
        set_rotary(length, [&](index_t n, index_t size, double* cosine, double* sine) { fill_rotary(policy, n, size, cosine, sine); });
    }

    /// f() while the rotary table is that of a policy up to `length`, as for an evaluation; then the model has its own table again.
    template <PositionScalingPolicy Policy, class F>
    void with_rotary(index_t length, Policy const& policy, F&& f) {
        struct kept {
            trainable&       of;
            buffer<computed> cosine, sine;
            index_t          positions;

            explicit kept(trainable& t) : of(t), cosine(std::move(t.cosine_)), sine(std::move(t.sine_)), positions(t.positions_) {}
            ~kept() { of.cosine_ = std::move(cosine), of.sine_ = std::move(sine), of.positions_ = positions; }
        } const own(*this);
        set_rotary(length, policy);
        std::forward<F>(f)();
    }
    /// How far the rotary table reaches, in positions.
    index_t rotary_length() const { return positions_; }

    void zero_gradient() { device_->elements(layout_.size(), op::fill<computed>{gradient_.view(), 0}); }

    /// Forward and backward: adds the gradient of sum(loss) / target_count, fills the losses by token.
    void accumulate(token_batch const& batch, row_view<computed> token_loss) { go(batch, token_loss, training_); }
    /// Forward only.
    void evaluate(token_batch const& batch, row_view<computed> token_loss) { go(batch, token_loss, pass_mode::evaluate); }

    /// Logits of every token, (tokens, vocabulary).
    void logits(token_batch const& batch, matrix_view<computed> out) {
        reserve(batch, pass_mode::evaluate);
        auto p   = make_pass(*device_, batch, pass_mode::evaluate, {});
        p.memory = arena(memory_.view());
        narrow(p.batch);
        staged_.bring(*device_, {&p.batch.inputs, &p.batch.targets, &p.batch.positions, &p.batch.document_begin});
        net_.logits(p, as_matrix(logits_.open(*device_, out.flat()).data, out.rows, out.columns));
        logits_.close(*device_, out.flat());
    }

    /// Logits of the tokens that `rows` names, (rows, vocabulary): a batch of many tokens asks its head for a few.
    void logits(token_batch const& batch, row_view<std::int32_t const> rows, matrix_view<computed> out) {
        reserve(batch, pass_mode::evaluate);
        auto p   = make_pass(*device_, batch, pass_mode::evaluate, {});
        p.memory = arena(memory_.view());
        narrow(p.batch);
        staged_.bring(*device_, {&p.batch.inputs, &p.batch.targets, &p.batch.positions, &p.batch.document_begin, &rows});
        net_.logits(p, rows, as_matrix(logits_.open(*device_, out.flat()).data, out.rows, out.columns));
        logits_.close(*device_, out.flat());
    }

    /// The keys and values of a sequence that is being generated.
    struct decoding {
        buffer<stored>   kept;
        buffer<computed> scores;
        index_t          capacity = 0, used = 0;  ///< tokens
    };
    /// Room for a sequence of so many tokens.
    decoding begin_decoding(index_t capacity) {
        check(capacity > 0 && (positions_ == 0 || capacity <= positions_), [&] {
            return "a sequence of " + std::to_string(capacity) + " tokens where the positions reach " + std::to_string(positions_);
        });
        counting_device nobody;
        token_batch     form{};
        form.sequences = form.length = 1;
        auto p           = make_pass(nobody, form, pass_mode::evaluate, {});
        p.cache.capacity = capacity;
        net_.forward(p);
        net_.logits(p, {});
        return {device_->template make<stored>(p.cache.taken), device_->template make<computed>(shape_.heads * capacity), capacity, 0};
    }
    /// The next tokens of a sequence, and the logits of what follows the last of them, (vocabulary): work linear in length for each. The
    /// first call takes a prompt as a whole.
    void decode(decoding& d, std::span<std::int32_t const> tokens, std::span<computed> logits) {
        check(!tokens.empty() && d.used + static_cast<index_t>(tokens.size()) <= d.capacity, [&] {
            return "decoding: " + std::to_string(tokens.size()) + " tokens after " + std::to_string(d.used) + " where there is room for " + std::to_string(d.capacity);
        });
        for (auto t : tokens) check(t >= 0 && t < shape_.vocab, [&] { return "decoding: token " + std::to_string(t) + " is not in the vocabulary"; });
        if (d.used == 0) return decode_part(d, tokens, logits);
        for (std::size_t i = 0; i < tokens.size(); ++i) decode_part(d, tokens.subspan(i, 1), logits);
    }

    /// Square root of the sum of squares of the gradient, in an order that never changes.
    double gradient_norm() {
        device_->rows(partial_.size(), squares_of_part<computed>{gradient_.view(), partial_.view()});
        partial_host_.resize(static_cast<std::size_t>(partial_.size()));
        device_->download(row_view<computed const>(partial_.view()), partial_host_.data());
        double total = 0;
        for (auto x : partial_host_) total += static_cast<double>(x);
        return std::sqrt(total);
    }

    /// Room for an optimizer's slots; a second call with the same kind keeps what they hold.
    template <class Optimizer>
    void prepare(Optimizer const& optimizer) {
        if (slots_.size() != Optimizer::slots * layout_.size()) slots_ = device_->template make<computed>(Optimizer::slots * layout_.size());
        std::vector<computed> decay(static_cast<std::size_t>(layout_.size() / 64));
        for (auto const& e : layout_.entries())
            for (index_t i = e.offset / 64; i < (e.offset + e.size() + 63) / 64; ++i)
                decay[static_cast<std::size_t>(i)] = static_cast<computed>(optimizer.decay_of(e.role));
        decay_ = device_->template make<computed>(layout_.size() / 64);
        device_->upload(decay.data(), decay_.view());
    }

    /// One step of the optimizer from the gradient that lies there.
    template <class Optimizer>
    void apply(Optimizer const& optimizer, step_scalars s) {
        optimizer.prepare(s);
        device_->upload(&s, scalars_.view());
        device_->rows(layout_.size() / 64,
                      elementwise_step<Optimizer, Precision>{optimizer, scalars_.view().data, master_.view(), weights_.view(),
                                                             gradient_.view(), slots_.view(), decay_.view()});
    }

    /// Stored weights from master weights: after loading.
    void refresh() { device_->elements(layout_.size(), op::convert<master_t, stored>{master_.view(), weights_.view()}); }

    /// What a checkpoint must hold to go on from here, where the host reads it. Who writes there then calls take_state().
    std::vector<state_buffer> state_buffers() {
        return {{"master", on_host(master_, master_host_)}, {"slots", on_host(slots_, slots_host_)}};
    }
    /// The model goes on from what stands in the state_buffers() that were asked for last.
    void take_state() {
        if constexpr (!Device::shares_memory) {
            device_->upload(master_host_.data(), master_.view());
            device_->upload(slots_host_.data(), slots_.view());
        }
        refresh();
    }

    /// Bytes of activations that a micro-batch of this form needs, from a dry run.
    index_t count_activations(index_t sequences, index_t length, pass_mode mode) const {
        counting_device nobody;
        token_batch     form{};
        form.sequences    = sequences;
        form.length       = length;
        form.target_count = 1;
        auto            p = make_pass(nobody, form, mode, {});
        net_.forward(p);
        if (mode != pass_mode::evaluate) net_.backward(p);
        return p.memory.peak();
    }

  private:
    static void place(std::vector<float> const& from, parameter_info const& e, parameter_part const& p, std::vector<master_t>& to) {
        for (index_t r = 0; r < p.rows; ++r)
            for (index_t c = 0; c < e.columns; ++c)
                to[static_cast<std::size_t>(e.offset + (p.first_row + r) * e.columns + c)] =
                    static_cast<master_t>(from[static_cast<std::size_t>(p.transposed ? c * p.rows + r : r * e.columns + c)]);
    }
    auto upload_as_computed(std::vector<double> const& x) {
        std::vector<computed> const y(x.begin(), x.end());
        auto b = device_->template make<computed>(static_cast<index_t>(y.size()));
        device_->upload(y.data(), b.view());
        return b;
    }

    // In place where the host shares the device's memory, else in a copy that stays.
    template <class Buffer, class T>
    std::span<std::byte> on_host(Buffer const& b, std::vector<T>& copy) {
        if constexpr (Device::shares_memory) return std::as_writable_bytes(std::span(b.view().data, static_cast<std::size_t>(b.size())));
        copy.resize(static_cast<std::size_t>(b.size()));
        device_->download(row_view<T const>(b.view()), copy.data());
        return std::as_writable_bytes(std::span(copy));
    }

    template <class D>
    auto make_pass(D& device, token_batch const& batch, pass_mode mode, row_view<computed> token_loss) const {
        index_t const half = head_size_of(shape_) / 2;
        return pass<D, Precision>{.device = device, .layout = layout_, .mode = mode, .weights = weights_.view(),
                                  .gradients = gradient_.view(), .batch = batch,
                                  .cosine = as_matrix<computed const>(cosine_.view().data, positions_, half),
                                  .sine = as_matrix<computed const>(sine_.view().data, positions_, half),
                                  .token_loss = token_loss, .z_loss = z_loss};
    }

    void reserve(token_batch const& batch, pass_mode mode) {
        if constexpr (requires { Family::turns; })
            check(!Family::turns || batch.length <= positions_, [&] {
                return "a sequence has " + std::to_string(batch.length) + " tokens where set_rotary() was given " + std::to_string(positions_) + " positions";
            });
        std::array<index_t, 3> const form{batch.sequences, batch.length, static_cast<index_t>(mode)};
        if (std::find(counted_.begin(), counted_.end(), form) != counted_.end()) return;
        counted_.push_back(form);
        index_t const need = count_activations(batch.sequences, batch.length, mode);
        if (memory_.size() >= need) return;
        memory_ = {};
        memory_ = device_->template make<std::byte>(need);
    }

    void decode_part(decoding& d, std::span<std::int32_t const> tokens, std::span<computed> logits) {
        auto const                n = static_cast<index_t>(tokens.size());
        std::vector<std::int32_t> positions(tokens.size()), begin(tokens.size(), 0), none(tokens.size(), -1);
        std::iota(positions.begin(), positions.end(), static_cast<std::int32_t>(d.used));
        token_batch batch{{tokens.data(), n}, {none.data(), n}, {positions.data(), n}, {begin.data(), n}, 1, n, 1};
        std::int32_t const           last = static_cast<std::int32_t>(n - 1);
        row_view<std::int32_t const> rows{&last, 1};
        reserve(batch, pass_mode::evaluate);
        auto p   = make_pass(*device_, batch, pass_mode::evaluate, {});
        p.memory = arena(memory_.view());
        p.cache  = {d.kept.view().data, as_matrix(d.scores.view().data, static_cast<index_t>(shape_.heads), d.capacity), d.capacity, d.used, shape_.window, 0};
        narrow(p.batch);
        staged_.bring(*device_, {&p.batch.inputs, &p.batch.targets, &p.batch.positions, &p.batch.document_begin, &rows});
        row_view<computed> const out{logits.data(), static_cast<index_t>(logits.size())};
        net_.logits(p, rows, as_matrix(logits_.open(*device_, out).data, index_t{1}, out.size()));
        logits_.close(*device_, out);
        d.used += n;
    }

    // A window is a document's begin that comes along: attention needs no other notion of it.
    void narrow(token_batch& batch) {
        if (shape_.window == 0 || shape_.window >= batch.length) return;
        windows_.resize(static_cast<std::size_t>(batch.count()));
        for (index_t i = 0; i < batch.count(); ++i)
            windows_[static_cast<std::size_t>(i)] = std::max(batch.document_begin[i], static_cast<std::int32_t>(i % batch.length + 1 - shape_.window));
        batch.document_begin = {windows_.data(), batch.count()};
    }

    void go(token_batch const& batch, row_view<computed> token_loss, pass_mode mode) {
        reserve(batch, mode);
        auto p   = make_pass(*device_, batch, mode, losses_.open(*device_, token_loss));
        p.memory = arena(memory_.view());
        p.saved  = std::move(saved_);
        narrow(p.batch);
        if (mode != pass_mode::evaluate) {
            p.by_token    = by_token_(batch.inputs, shape_.vocab);
            p.by_position = by_position_(batch.positions, shape_.context);
            check(p.by_token.runs > 0, "a batch holds a token that is not in the vocabulary");
        }
        staged_.bring(*device_, {&p.batch.inputs, &p.batch.targets, &p.batch.positions, &p.batch.document_begin, &p.by_token.order,
                                 &p.by_token.begin, &p.by_position.order, &p.by_position.begin});
        net_.forward(p);
        if (mode != pass_mode::evaluate) net_.backward(p);
        saved_ = std::move(p.saved);
        losses_.close(*device_, token_loss);
    }

    Device*                             device_;
    Shape                               shape_;
    pass_mode                           training_;
    parameter_layout                    layout_;
    typename Family::net_type           net_;
    buffer<stored>                      weights_;
    buffer<master_t>                    master_;
    buffer<computed>                    gradient_, slots_, decay_, cosine_, sine_, partial_;
    buffer<step_scalars>                scalars_;
    buffer<std::byte>                   memory_;
    index_t                             positions_ = 0;
    std::vector<computed>               partial_host_, slots_host_;
    std::vector<master_t>               master_host_;
    staging<Device>                     staged_;
    landing<Device, computed>           losses_, logits_;
    std::vector<std::array<index_t, 3>> counted_;
    tape                                saved_;
    index_sorter                        by_token_, by_position_;
    std::vector<std::int32_t>           windows_;
};

}  // namespace midtrain::inline MT_ABI
