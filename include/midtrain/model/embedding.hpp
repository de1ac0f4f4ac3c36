#pragma once
#include <string>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/embedding.hpp>

namespace midtrain::inline MT_ABI::model {

/// x(t) = multiplier * tokens(input(t)), plus positions(position(t)) where positions are learned.
class embedding {
  public:
    embedding() = default;
    /// `positions` 0: none are learned here.
    embedding(parameter_layout& layout, index_t vocabulary, index_t width, std::string name, index_t positions,
              std::string positions_name, double deviation, double multiplier = 1)
        : multiplier_(multiplier) {
        table_ = layout.add(
            {.name = name, .rows = vocabulary, .columns = width, .role = role::embedding, .begins = {0, deviation}, .parts = {}}, 0);
        if (positions > 0)
            places_ = layout.add({.name = positions_name, .rows = positions, .columns = width, .role = role::embedding,
                                  .begins = {0, deviation / 2}, .parts = {}}, 0);
    }

    parameter table() const { return table_; }

    template <class Pass>
    auto forward(Pass& p) const {
        using T = typename Pass::stored;
        auto x  = p.make(p.batch.count(), table_.columns);
        p.device.rows(x.rows, op::embedding_forward<T>{p.weight(table_), p.batch.inputs, x});
        if (multiplier_ != 1) p.device.elements(x.size(), op::scaled<T>{x.flat(), x.flat(), computed_t<T>(multiplier_)});
        if (places_.index < 0) return x;
        auto const y = p.make(x.rows, x.columns);
        p.device.rows(x.rows, op::embedding_forward<T>{p.weight(places_), p.batch.positions, y});
        p.device.elements(x.size(), op::add<T>{x.flat(), y.flat(), x.flat()});
        return x;
    }
    template <class Pass>
    void backward(Pass& p, matrix_view<typename Pass::stored const> dx) const {
        using T = typename Pass::stored;
        if (places_.index >= 0)
            add(p, p.by_position, p.batch.positions, dx, p.gradient(places_));
        if (multiplier_ != 1) {
            auto const less = p.make(dx.rows, dx.columns);
            p.device.elements(dx.size(), op::scaled<T>{dx.flat(), less.flat(), computed_t<T>(multiplier_)});
            dx = less;
        }
        add(p, p.by_token, p.batch.inputs, dx, p.gradient(table_));
    }

  private:
    template <class Pass>
    static void add(Pass& p, row_view<std::int32_t const> order, row_view<std::int32_t const> index, matrix_view<typename Pass::stored const> dx,
                    matrix_view<typename Pass::computed> gradient) {
        scope const within(p);
        auto const  carried = p.template make<typename Pass::computed>(op::embedding_windows(dx.rows), dx.columns);
        op::add_embedding_gradient(p.device, op::embedding_backward<typename Pass::stored>{order, index, dx, gradient, carried});
    }

    parameter table_, places_;
    double    multiplier_ = 1;
};

}  // namespace midtrain::inline MT_ABI::model
