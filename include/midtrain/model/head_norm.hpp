#pragma once
#include <string>
#include <midtrain/model/pass.hpp>
#include <midtrain/op/head_norm.hpp>

namespace midtrain::inline MT_ABI::model {

/// A root-mean-square norm over the width of each query's and each key's head, or nothing.
class head_norm {
  public:
    head_norm() = default;
    head_norm(parameter_layout& layout, index_t bucket, std::string const& name, op::head_rows of, double epsilon)
        : of_(of), epsilon_(epsilon) {
        auto const gain = [&](char const* which) {
            return layout.add(
                {.name = name + which + ".weight", .rows = of.size, .columns = 1, .role = role::norm, .begins = {1, 0}, .parts = {}},
                bucket);
        };
        query_ = gain("q_norm"), key_ = gain("k_norm");
    }

    /// In place on the rows of queries, keys and values.
    template <class Pass>
    void forward(Pass& p, matrix_view<typename Pass::stored> qkv) const {
        using T = typename Pass::stored;
        using C = typename Pass::computed;
        if (query_.index < 0) return;
        auto const raw   = p.make(qkv.rows, of_.count() * of_.size);
        auto const scale = p.template make<C>(qkv.rows, of_.count());
        p.device.rows(qkv.rows,
                      op::head_norm_forward<T>{qkv, raw, p.weight(query_).flat(), p.weight(key_).flat(), scale, of_, C(epsilon_)});
        p.save(matrix_view<T const>(raw));
        p.save(matrix_view<C const>(scale));
    }
    /// In place on their gradients.
    template <class Pass>
    void backward(Pass& p, matrix_view<typename Pass::stored> d) const {
        using T = typename Pass::stored;
        using C = typename Pass::computed;
        if (query_.index < 0) return;
        auto const scale = p.template take<matrix_view<C const>>();
        auto const raw   = p.template take<matrix_view<T const>>();
        auto const gain  = [&](parameter g, index_t first, index_t count) {
            p.device.rows(op::column_tiles(of_.size), op::head_norm_gain_backward<T>{matrix_view<T const>(d), raw, scale,
                                                                                     p.gradient(g).flat(), first, count, of_.size});
        };
        gain(query_, 0, of_.heads), gain(key_, of_.heads, of_.kv_heads);
        p.device.rows(d.rows, op::head_norm_backward<T>{d, raw, p.weight(query_).flat(), p.weight(key_).flat(), scale, of_});
    }

  private:
    parameter     query_, key_;
    op::head_rows of_{};
    double        epsilon_ = 1e-6;
};

}  // namespace midtrain::inline MT_ABI::model
