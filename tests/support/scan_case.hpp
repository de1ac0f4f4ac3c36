#pragma once
#include <cstdint>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/op/selective_scan.hpp>

namespace test {

/// A selective scan and its gradient over random values, on any device; document d of each sequence begins at begins[d].
template <class T, class Device>
class scan_case {
    using C       = midtrain::computed_t<T>;
    using index_t = midtrain::index_t;
    template <class V>
    using buffer = typename Device::template buffer<V>;

  public:
    static constexpr index_t rank = 2;

    index_t sequences, length, heads, channels, states;

    scan_case(Device& device, index_t sequences_, index_t length_, index_t heads_, index_t channels_, index_t states_, std::vector<std::int32_t> const& begins)
        : sequences(sequences_), length(length_), heads(heads_), channels(channels_), states(states_), device_(&device) {
        index_t const tokens = sequences * length, wide = heads * (rank + 2 * states);
        std::vector<std::int32_t> from;
        for (index_t t = 0; t < tokens; ++t) {
            std::int32_t begin = 0;
            for (auto b : begins)
                if (b <= t % length) begin = b;
            from.push_back(begin);
        }
        input = random<T>(tokens * channels, 1), step = random<T>(tokens * channels, 1), gate = random<T>(tokens * channels, 2);
        selection = random<T>(tokens * wide, 1), slope = random<T>(tokens * channels, 1);
        log_rate = random<C>(channels * states, 1), skip = random<C>(channels, 1), bias = random<C>(channels, 1);
        document_begin = uploaded(from);
        output = device.template make<T>(tokens * channels);
    }

    midtrain::selective_scan_problem<T> problem(index_t slots) {
        index_t const tokens = sequences * length;
        kept = device_->template make<C>(sequences * slots * channels * states);
        auto const at = [&](auto& b, index_t columns) { return midtrain::as_matrix(b.view().data, b.size() / columns, columns); };
        return {at(input, channels), at(step, channels), at(selection, selection.size() / tokens), at(gate, channels), at(log_rate, states),
                skip.view(), bias.view(), document_begin.view(), at(output, channels), kept.view(), sequences, length, heads, rank, slots};
    }
    void run() {
        using gradient      = midtrain::selective_scan_gradient_problem<T>;
        auto const    p     = problem((length + 31) / 32);
        index_t const tokens = sequences * length;
        auto const    make  = [&](index_t n) { return device_->template make<C>(n); };
        auto const    like  = [&](buffer<T>& b, index_t n) { return b = device_->template make<T>(n), midtrain::as_matrix(b.view().data, tokens, n / tokens); };
        midtrain::plain(*device_, p);
        auto const scratch = make(sequences * p.tiles() * gradient::scratch_of_team(states)), rates = make(sequences * channels * states);
        auto const skips = make(sequences * channels), parts = make(p.tiles() * tokens * 2 * states);
        dlog_rate = make(channels * states), dskip = make(channels);
        midtrain::plain(*device_, gradient{p, midtrain::as_matrix<T const>(slope.view().data, tokens, channels), like(dinput, tokens * channels),
                                           like(dstep, tokens * channels), like(dgate, tokens * channels), like(dselection, selection.size()),
                                           midtrain::as_matrix(dlog_rate.view().data, channels, states), dskip.view(), scratch.view(), rates.view(),
                                           skips.view(), parts.view()});
        device_->wait();
    }
    template <class V>
    std::vector<double> values(buffer<V> const& b) {
        std::vector<V> host(static_cast<std::size_t>(b.size()));
        device_->download(midtrain::row_view<V const>(b.view()), host.data());
        return {host.begin(), host.end()};
    }

    buffer<T> input, step, gate, selection, slope, output, dinput, dstep, dgate, dselection;
    buffer<C> log_rate, skip, bias, kept, dlog_rate, dskip;
    buffer<std::int32_t> document_begin;

  private:
    template <class V>
    buffer<V> random(index_t n, double size) {
        std::vector<V> host(static_cast<std::size_t>(n));
        for (std::size_t i = 0; i < host.size(); ++i) host[i] = V(static_cast<C>(size * (2 * midtrain::random_stream{7, stream_}.uniform(i) - 1)));
        ++stream_;
        return uploaded(host);
    }
    template <class V>
    buffer<V> uploaded(std::vector<V> const& host) {
        auto b = device_->template make<V>(static_cast<index_t>(host.size()));
        device_->upload(host.data(), b.view());
        return b;
    }

    Device*       device_;
    std::uint64_t stream_ = 0;
};

}  // namespace test
