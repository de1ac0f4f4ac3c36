#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/model/update_buffers.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/problem/parameters.hpp>

namespace test {

/// Five tensors of tests/oracle/optimizers.py under an optimizer: `tall` alone, `wide` and `odd` merged into one parameter as queries and
/// keys are, a table of embeddings and a vector, each in a block of its own but the merged two.
template <class Device, class Optimizer, class Precision = midtrain::fp64>
class some_tensors {
    using C = typename Precision::computed;
    using M = typename Precision::master;
    using S = typename Precision::stored;

  public:
    some_tensors(Device& device, Optimizer optimizer, midtrain::index_t head_rows = 0)
        : device_(device), optimizer_(optimizer), layout_(make(head_rows)), buffers_(device, layout_.size()) {
        master_ = device.template make<M>(layout_.size()), stored_ = device.template make<S>(layout_.size());
        gradient_ = device.template make<C>(layout_.size());
        each([&](midtrain::index_t at, midtrain::index_t draw) { master_.view()[at] = M(static_cast<C>(drawn(1, 3, draw))); });
        buffers_.prepare(device, layout_, optimizer_);
    }
    /// Step n, from 1, with the gradient 0.3 w + noise.
    void step(std::int64_t n, double rate, double noise = 1, double pull = 0.3) {
        set_gradient(n, noise, pull);
        midtrain::step_scalars s;
        s.rate = rate, s.step = n, s.seed = 5;
        buffers_.tell(device_, optimizer_, s);
        buffers_.apply(device_, optimizer_, master_.view(), stored_.view(), gradient_.view());
        device_.wait();
    }
    void set_gradient(std::int64_t n, double noise, double pull) {
        each([&](midtrain::index_t at, midtrain::index_t draw) {
            double const random  = drawn(2, static_cast<std::uint64_t>(n), draw);
            gradient_.view()[at] = static_cast<C>(pull * static_cast<double>(master_.view()[at]) + noise * random);
        });
    }
    /// What a checkpoint holds of another.
    void resume(some_tensors const& other) {
        std::copy(other.master_.view().begin(), other.master_.view().end(), master_.view().begin());
        std::copy(other.buffers_.slots().begin(), other.buffers_.slots().end(), buffers_.slots().begin());
    }
    std::vector<double> weights(std::string const& name) const { return named(name, master_.view()); }
    std::vector<double> gradient(std::string const& name) const { return named(name, gradient_.view()); }
    std::vector<double> all() const { return {master_.view().begin(), master_.view().end()}; }
    std::vector<double> stored() const { return {stored_.view().begin(), stored_.view().end()}; }
    midtrain::index_t   slots() const { return buffers_.slots().size(); }

    Device&                                      device() { return device_; }
    midtrain::parameter_layout const&            layout() const { return layout_; }
    midtrain::update_buffers<Device, Precision>& buffers() { return buffers_; }
    midtrain::row_view<C>                        gradient() { return gradient_.view(); }

  private:
    static double drawn(std::uint64_t seed, std::uint64_t stream, midtrain::index_t n) {
        return midtrain::random_stream{seed, stream}.uniform(static_cast<std::uint64_t>(n)) - 0.5;
    }
    static midtrain::parameter_layout make(midtrain::index_t head_rows) {
        using midtrain::role;
        midtrain::parameter_layout l;
        l.add({.name = "vector", .rows = 7, .columns = 1, .role = role::embedding, .begins = {}, .parts = {}}, 0);  // decays, as published
        l.add({.name = "tall", .rows = 13, .columns = 6, .role = role::matrix, .begins = {}, .parts = {}}, 1);
        l.add({.name = "wide", .rows = 14, .columns = 11, .role = role::expert, .begins = {},
               .parts = {{.name = "wide", .first_row = 0, .rows = 5},
                         {.name = "odd", .first_row = 5, .rows = 9, .head_rows = head_rows}}}, 2);
        l.add({.name = "table", .rows = 10, .columns = 6, .role = role::embedding, .begins = {}, .parts = {}}, 3);
        l.close();
        return l;
    }
    template <class F>
    void each(F const& f) const {
        char const* const order[] = {"tall", "wide", "odd", "table", "vector"};
        for (auto const& e : layout_.entries())
            for (auto const& p : e.parts)
                for (midtrain::index_t k = 0; k < 5; ++k)
                    if (p.name == order[k])
                        for (midtrain::index_t i = 0; i < p.rows * e.columns; ++i) f(e.offset + p.first_row * e.columns + i, 1000 * k + i);
    }
    template <class T>
    std::vector<double> named(std::string const& name, midtrain::row_view<T> from) const {
        std::vector<double> values;
        for (auto const& e : layout_.entries())
            for (auto const& p : e.parts)
                if (p.name == name)
                    for (midtrain::index_t i = 0; i < p.rows * e.columns; ++i)
                        values.push_back(static_cast<double>(from[e.offset + p.first_row * e.columns + i]));
        return values;
    }

    template <class T>
    using buffer = typename Device::template buffer<T>;

    Device&                                     device_;
    Optimizer                                   optimizer_;
    midtrain::parameter_layout                  layout_;
    midtrain::update_buffers<Device, Precision> buffers_;
    buffer<M>                                   master_;
    buffer<S>                                   stored_;
    buffer<C>                                   gradient_;
};

}  // namespace test
