#pragma once
#include <midtrain/core/error.hpp>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/cached_attention.hpp>
#include <midtrain/op/join.hpp>
#include <midtrain/op/move_onto.hpp>
#include <midtrain/problem/key_sharing.hpp>

namespace midtrain::inline MT_ABI::model {

/// A layer's side of keys and values that several layers share, or nothing. Who lends lays them down in p.shared_keys and, in backward,
/// adds what its readers sent to its own gradient; who takes has a matrix for queries alone. One slot of gradients serves one lender after
/// another: each leaves it empty.
class key_exchange {
  public:
    key_exchange() = default;
    /// `queries`: values of a token's queries, before which its keys and values stand.
    key_exchange(key_sharing of, index_t queries) : of_(of), queries_(queries) {}

    bool takes() const { return of_.does == key_sharing::part::takes; }
    /// Whether the keys are another layer's, normed and turned.
    bool takes_turned() const { return takes() && of_.form == key_form::turned; }

    /// Queries, keys and values of a layer that takes the latter, from its queries; of others they are there already.
    template <class Pass>
    auto joined(Pass& p, matrix_view<typename Pass::stored> x) const {
        using T = typename Pass::stored;
        check(!p.distance.changes() || of_.does == key_sharing::part::none || of_.form == key_form::projected,
              "dual_chunk and self_extend turn keys several times, and this model's layers take keys that are turned already");
        if (!takes()) return x;
        auto const kv = values(p, x.rows), qkv = p.make(x.rows, x.columns + kv.columns);
        p.device.rows(x.rows, op::join_forward<T>{x, kv, qkv});
        return qkv;
    }
    /// Lays them down, if this is the form that others take.
    template <class Pass>
    void lend(Pass& p, matrix_view<typename Pass::stored> qkv, key_form now) const {
        using T = typename Pass::stored;
        if (lends(now)) p.device.rows(qkv.rows, op::keep_keys_values<T>{qkv, values(p, qkv.rows), 0, queries_});
    }
    /// Their gradient: of who lends it grows by that of its readers, of who takes it goes to who lent.
    template <class Pass>
    void backward(Pass& p, matrix_view<typename Pass::stored> dqkv, key_form now) const {
        using T = typename Pass::stored;
        if (of_.does == key_sharing::part::none || of_.form != now) return;
        auto const own    = dqkv.columns_part(queries_, dqkv.columns - queries_);
        auto const shared = p.shared_keys.gradient.rows_part(of_.slot * dqkv.rows, dqkv.rows);
        p.device.rows(dqkv.rows, takes() ? op::move_onto<T>{own, shared} : op::move_onto<T>{shared, own});
    }
    /// What the layer's own matrix has made of it.
    template <class T>
    matrix_view<T> own(matrix_view<T> dqkv) const {
        return takes() ? dqkv.columns_part(0, queries_) : dqkv;
    }

    /// Where keys and values stand while tokens are generated: `seen` holds keys and, unless they are `apart`, values behind them.
    template <class T>
    struct place {
        matrix_view<T> seen, apart;
    };
    /// Who takes turned keys has no part of its own, and who turns projected ones keeps these alone. `keys`, `values`: of a token.
    template <class Pass>
    auto kept(Pass& p, index_t keys, index_t values) const {
        using T = typename Pass::stored;
        if (takes()) {
            auto const lent = p.cache.lent[static_cast<std::size_t>(of_.number)];
            return takes_turned() ? place<T>{lent, {}} : place<T>{p.cache.take(keys), lent.columns_part(lent.columns - values, values)};
        }
        auto const part = p.cache.take(keys + values);
        if (of_.does == key_sharing::part::lends) p.cache.lend(of_.number, part);
        return place<T>{part, {}};
    }

  private:
    bool lends(key_form now) const { return of_.does == key_sharing::part::lends && of_.form == now; }
    template <class Pass>
    auto values(Pass& p, index_t tokens) const {
        return p.shared_keys.value.rows_part((p.mode == pass_mode::evaluate ? of_.slot : of_.number) * tokens, tokens);
    }

    key_sharing of_{};
    index_t     queries_ = 0;
};

}  // namespace midtrain::inline MT_ABI::model
