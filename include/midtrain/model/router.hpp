#pragma once
#include <cstdint>
#include <string>
#include <midtrain/model/expert_names.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/expert_balance.hpp>
#include <midtrain/op/expert_choice.hpp>
#include <midtrain/op/expert_order.hpp>
#include <midtrain/op/router_backward.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::model {

/// Which experts a token goes to, and what they weigh. Logits are in the computed type, and the selection bias is not rounded.
class router {
  public:
    /// What forward found, for the experts and for backward.
    template <class T, class C>
    struct routing {
        matrix_view<C>            logits, scores;  // (tokens, experts)
        row_view<C>               total, log_sum;  // (tokens)
        matrix_view<std::int32_t> chosen;          // (tokens, chosen)
        matrix_view<C>            weights;         // (tokens, chosen)
        matrix_view<C>            slope;           // (sequences, experts): of the balance losses; empty: there are none
        op::expert_order          order;
    };

    router() = default;
    router(parameter_layout& layout, index_t bucket, std::string const& at, expert_shape const& s, index_t width, double deviation,
           expert_names const& n)
        : shape_(s) {
        check_experts(s);
        auto const add = [&](std::string const& name, index_t columns, role of, initial_values begins) {
            return layout.add({.name = at + name, .rows = s.count, .columns = columns, .role = of, .begins = begins, .parts = {}}, bucket);
        };
        weight_ = add(n.router, width, role::router, {0, deviation});
        if (s.biased) bias_ = add(n.bias, 1, role::bias, {});
        if (s.scaled)
            scales_ = layout.add({.name = at + n.scale, .rows = s.count, .columns = 1, .role = role::norm, .begins = {1, 0},
                                  .parts = {{.name = at + n.scale, .rows = s.count, .shape = {1, s.count}}}}, bucket);
        number_ = layout.add_router({.name = at, .experts = s.count, .bias = bias_});
    }

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T          = typename Pass::stored;
        using C          = typename Pass::computed;
        auto const    r    = make<T, C>(p, x.rows);
        index_t const room = p.mode == pass_mode::evaluate ? 0 : shape_.room(x.rows * shape_.chosen);
        p.device.gemm(gemm_problem<T, T, C>{.a = x, .b = p.weight(weight_), .b_is = operand::transposed, .c = r.logits});
        p.device.rows(x.rows, op::router_score<C>{r.logits, r.scores, r.total, r.log_sum, shape_.scores});
        choose(p, r.scores, r.chosen, shape_.grouping, true);
        if (counts(p)) weigh(p, r, room);
        sort(p, r, room);
        p.device.rows(x.rows, op::expert_weights<C, T>{r.scores, r.chosen, scales(p), r.weights, C(shape_.scale), shape_.renormalise});
        return r;
    }
    /// dx = what comes through the router, given the gradient of its weights.
    template <class Pass, class T, class C>
    void backward(Pass& p, routing<T, C> const& r, matrix_view<T const> x, matrix_view<C> dweight, matrix_view<T> dx) const {
        auto const d = p.make(x.rows, shape_.count);
        double const z = 2 * p.balance.z * p.batch.share() / static_cast<double>(x.rows);
        p.device.rows(x.rows, op::router_backward<T>{r.logits, r.scores, r.total, r.log_sum, r.chosen, dweight, r.order.place, scales(p),
                                                     r.slope, d, C(shape_.scale), C(z), shape_.scores, shape_.renormalise});
        if (shape_.scaled)
            p.device.rows(shape_.count, op::expert_scale_backward<C>{r.scores, dweight.flat(), r.order, p.gradient(scales_).flat(),
                                                                     shape_.chosen, C(shape_.scale)});
        p.device.gemm(p.gradient_product(weight_, d, x));
        p.device.gemm(gemm_problem<T, T, T>{.a = d, .b = p.weight(weight_), .c = dx});
    }

  private:
    template <class T, class C, class Pass>
    routing<T, C> make(Pass& p, index_t tokens) const {
        index_t const n = shape_.count, k = shape_.chosen;
        auto const    whole = [&](index_t count) { return p.template make_row<std::int32_t>(count); };
        routing<T, C> r;
        r.logits = p.template make<C>(tokens, n), r.scores = p.template make<C>(tokens, n);
        r.total = p.template make_row<C>(tokens), r.log_sum = p.template make_row<C>(tokens);
        r.chosen = p.template make<std::int32_t>(tokens, k), r.weights = p.template make<C>(tokens, k);
        if (counts(p)) r.slope = p.template make<C>(p.batch.sequences, n);
        r.order = {whole(n + 1), whole(tokens * k), whole(tokens * k), whole(n), {}};
        return r;
    }
    /// Whether this is the pass that backward follows, so that loads count.
    template <class Pass>
    static bool counts(Pass const& p) {
        return p.saving && p.loads.size() > 0;
    }
    template <class Pass>
    auto scales(Pass const& p) const {
        using T = typename Pass::stored;
        return scales_.index >= 0 ? p.weight(scales_).flat() : row_view<T const>{};
    }
    template <class Pass, class C>
    void choose(Pass& p, matrix_view<C> scores, matrix_view<std::int32_t> chosen, expert_groups how, bool biased) const {
        using B = typename Pass::master;
        auto const bias = biased && bias_.index >= 0 ? p.unrounded(bias_).flat() : row_view<B const>{};
        p.device.rows(scores.rows, op::expert_choice<C, B>{scores, bias, chosen, how, shape_.groups, shape_.top_groups, shape_.group_best});
    }
    /// Adds to the router's load, and finds the gradient of the balance losses.
    template <class Pass, class T, class C>
    void weigh(Pass& p, routing<T, C> const& r, index_t room) const {
        scope const   s(p);
        index_t const n = shape_.count, sequences = p.batch.sequences;
        bool const    plain = !shape_.biased && shape_.grouping != expert_groups::best;
        auto const    best  = plain ? r.chosen : p.template make<std::int32_t>(r.chosen.rows, r.chosen.columns);
        if (!plain) choose(p, r.scores, best, expert_groups::none, false);
        auto const count = p.template make<std::int32_t>(sequences, n), best_count = p.template make<std::int32_t>(sequences, n);
        auto const mean   = p.template make<C>(sequences, n);
        auto const square = p.template make_row<C>(sequences);
        auto const batch  = p.template make_row<double>(2 * n + 2 * shape_.devices);
        p.device.rows(sequences, op::sequence_loads<C>{r.scores, r.total, r.log_sum, r.chosen, best, count, best_count, mean, square});
        p.device.rows(1, op::balance_experts<C>{count, best_count, mean, square, r.slope, batch, p.load(number_), p.balance, p.batch.length,
                                                shape_.chosen, shape_.devices, room, p.batch.share()});
    }
    template <class Pass, class T, class C>
    void sort(Pass& p, routing<T, C> const& r, index_t room) const {
        scope const   s(p);
        auto const    whole   = [&](index_t count) { return p.template make_row<std::int32_t>(count); };
        index_t const choices = r.order.place.size(), tiles = op::expert_order::tiles_of(choices);
        auto          order   = r.order;
        auto const    expert  = r.chosen.flat();
        order.tiles           = p.template make<std::int32_t>(tiles, shape_.count);
        if (room > 0 && shape_.past == overflow::recycle)
            p.device.rows(1, op::recycle_choices{expert, whole(shape_.count), whole(shape_.count + 1), room, static_cast<std::uint64_t>(number_)});
        bool const improbable = room > 0 && shape_.past == overflow::drop_improbable;
        auto       all        = order;
        if (improbable) all.begin = whole(shape_.count + 1), all.place = whole(choices), all.choice = whole(choices);
        p.device.rows(tiles, op::count_choices{expert, all});
        p.device.elements(shape_.count, op::add_tiles{all});
        p.device.rows(1, op::begin_experts{all, improbable ? 0 : room});
        p.device.rows(tiles, op::place_choices{expert, all});
        if (!improbable) return;
        p.device.rows(1, op::begin_experts{order, room});
        p.device.rows(choices, op::drop_improbable<C>{r.scores, expert, all, order, shape_.chosen});
    }

    expert_shape shape_;
    parameter    weight_, bias_, scales_;
    index_t      number_ = -1;
};

}  // namespace midtrain::inline MT_ABI::model
