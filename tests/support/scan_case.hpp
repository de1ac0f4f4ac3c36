#pragma once
#include <cstdint>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/op/selective_scan.hpp>
#include <midtrain/op/selective_scan_backward.hpp>
#include <support/moved.hpp>

namespace test {

/// A selective scan and its gradient over random values, on any device; document d of each sequence begins at begins[d].
template <class T, class Device>
class scan_case {
    using C       = midtrain::computed_t<T>;
    using index_t = midtrain::index_t;
    template <class V>
    using buffer = typename Device::template buffer<V>;

  public:
    index_t sequences, length, heads, channels, states, rank;

    /// `apart`: B of all heads stand before all C, as in Mamba-2, and there is no rank.
    scan_case(Device& device, index_t sequences_, index_t length_, index_t heads_, index_t channels_, index_t states_,
              std::vector<std::int32_t> const& begins, bool apart = false)
        : sequences(sequences_),
          length(length_),
          heads(heads_),
          channels(channels_),
          states(states_),
          rank(apart ? 0 : 2),
          device_(&device) {
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
        document_begin = uploaded(*device_, from);
        output = device.template make<T>(tokens * channels);
    }

    midtrain::selective_scan_problem<T> problem(index_t slots) {
        index_t const tokens = sequences * length;
        kept = device_->template make<C>(sequences * slots * channels * states);
        auto const at = [&](auto& b, index_t columns) { return midtrain::as_matrix(b.view().data, b.size() / columns, columns); };
        midtrain::selective_scan_problem<T> p{at(input, channels),
                                              at(step, channels),
                                              at(selection, selection.size() / tokens),
                                              at(gate, channels),
                                              at(log_rate, states),
                                              skip.view(),
                                              bias.view(),
                                              document_begin.view(),
                                              at(output, channels),
                                              kept.view(),
                                              {},
                                              sequences,
                                              length,
                                              heads,
                                              rank,
                                              slots,
                                              false,
                                              rank == 0};
        room      = make(p.scratch_size());
        p.scratch = room.view();
        return p;
    }
    midtrain::selective_scan_gradient_problem<T> gradient(midtrain::selective_scan_problem<T> const& p) {
        index_t const tokens = sequences * length, wide = selection.size() / tokens;
        for (auto* b : {&dinput, &dstep, &dgate}) *b = device_->template make<T>(tokens * channels);
        dselection = device_->template make<T>(tokens * wide);
        dlog_rate = make(channels * states), dskip = make(channels), rates = make(sequences * channels * states),
        skips         = make(sequences * channels);
        parts   = make(p.tiles() * tokens * 2 * states);
        auto const at = [&](buffer<T>& b, index_t columns) { return midtrain::as_matrix(b.view().data, tokens, columns); };
        midtrain::selective_scan_gradient_problem<T> g{
            p, at(slope, channels), at(dinput, channels), at(dstep, channels), at(dgate, channels), at(dselection, wide),
            midtrain::as_matrix(dlog_rate.view().data, channels, states), dskip.view(), {}, rates.view(), skips.view(), parts.view(), {}};
        scratch = make(g.scratch_size()), carries = make(g.carries_size());
        g.scratch = scratch.view(), g.carries = carries.view();
        return g;
    }
    void run() {
        run_by([&](auto const& p) { midtrain::run(*device_, p); });
    }
    /// both(p) for the scan and for its gradient.
    template <class F>
    void run_by(F both) {
        auto const p = problem((length + 31) / 32);
        both(p);
        both(gradient(p));
        device_->wait();
    }
    template <class V>
    std::vector<double> values(buffer<V> const& b) {
        auto const host = downloaded(*device_, b.view());
        return {host.begin(), host.end()};
    }

    buffer<T> input, step, gate, selection, slope, output, dinput, dstep, dgate, dselection;
    buffer<C> log_rate, skip, bias, kept, room, dlog_rate, dskip, rates, skips, parts, scratch, carries;
    buffer<std::int32_t> document_begin;

  private:
    buffer<C> make(index_t n) { return device_->template make<C>(n); }
    template <class V>
    buffer<V> random(index_t n, double size) {
        std::vector<V> host(static_cast<std::size_t>(n));
        for (std::size_t i = 0; i < host.size(); ++i)
            host[i] = V(static_cast<C>(size * (2 * midtrain::random_stream{7, stream_}.uniform(i) - 1)));
        ++stream_;
        return uploaded(*device_, host);
    }

    Device*       device_;
    std::uint64_t stream_ = 0;
};

}  // namespace test
