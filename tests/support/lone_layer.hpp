#pragma once
#include <cstddef>
#include <utility>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/precision/precision.hpp>

namespace test {

/// A layer with weights, gradients and memory of its own, and the loads of its routers.
template <class Precision>
struct lone_layer {
    using real = typename Precision::computed;

    midtrain::host             device{2};
    midtrain::parameter_layout layout;
    std::vector<real>          weights, gradients;
    std::vector<double>        loads;
    std::vector<std::byte>     memory = std::vector<std::byte>(1 << 20);

    /// After the layer has its parameters.
    void close() {
        layout.close();
        weights.resize(static_cast<std::size_t>(layout.size())), gradients.resize(weights.size());
        for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<real>(midtrain::random_stream{7, 7}.uniform(i) - 0.5);
        loads.resize(static_cast<std::size_t>(layout.load_size()));
    }
    /// A pass over so many sequences; `loads` count where there is a batch.
    auto pass(midtrain::token_batch const& batch = {}, midtrain::pass_mode mode = midtrain::pass_mode::train) {
        auto const n = static_cast<midtrain::index_t>(weights.size());
        midtrain::pass<midtrain::host, Precision> p{.device = device, .layout = layout, .mode = mode, .weights = {weights.data(), n},
                                                    .gradients = {gradients.data(), n}, .masters = {weights.data(), n}, .batch = batch};
        p.memory = midtrain::arena({memory.data(), static_cast<midtrain::index_t>(memory.size())});
        p.saving = mode != midtrain::pass_mode::evaluate;
        if (batch.count() > 0) p.loads = {loads.data(), static_cast<midtrain::index_t>(loads.size())};
        return p;
    }
    real& weight(midtrain::parameter_info const& e, midtrain::index_t row, midtrain::index_t column) {
        return weights[static_cast<std::size_t>(e.offset + row * e.columns + column)];
    }
    midtrain::parameter_info const& entry(std::size_t n) const { return layout.entries()[n]; }
};

}  // namespace test
